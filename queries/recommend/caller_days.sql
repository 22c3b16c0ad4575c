-- Public traffic that rules decide about, by caller or destination and day: what recommendations are made from.
-- reads: traffic
-- grain: one row a perimeter, profile, direction, day, caller's identity or destination, and resource
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- Only ...ResourceRulesAllowed would be denied by enforcing; ...Denied is the evidence against a caller.
select
    perimeter,
    profile,
    direction,
    hour::date as day,
    source_ip,
    source_network,
    source_subscription,
    source_resource,
    source_app_id,
    destination_fqdn,
    destination_resource,
    service_resource,
    rules_version,
    coalesce(list(distinct operation order by operation) filter (where operation is not null), []) as operations,
    coalesce(sum(requests) filter (where action = 'Approved'), 0)::bigint as allowed,
    coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied,
    sum(records)::bigint as records,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from traffic
where
    traffic_type = 'Public'
    and (rule_origin = 'Resource' or action = 'Denied')
    and perimeter is not null
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by
    perimeter,
    profile,
    direction,
    hour::date,
    source_ip,
    source_network,
    source_subscription,
    source_resource,
    source_app_id,
    destination_fqdn,
    destination_resource,
    service_resource,
    rules_version
order by
    perimeter,
    profile,
    direction,
    day,
    source_ip,
    source_subscription,
    source_resource,
    source_app_id,
    destination_fqdn,
    destination_resource,
    service_resource,
    rules_version
