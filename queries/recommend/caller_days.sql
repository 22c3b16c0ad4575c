-- What the rules in force would deny once enforced, by caller or destination and day: what proposals are made from.
-- reads: verdict, address_owner, inventory_resource, inventory_perimeter
-- grain: one row a perimeter, profile, direction, day, caller's identity or destination, and resource
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- To be asked within a scenario in which everything is Enforced. What succeeded would be denied by enforcing; what was
-- denied is the evidence against a caller.
select
    v.perimeter,
    v.profile,
    v.direction,
    v.hour::date as day,
    v.source_ip,
    v.source_network,
    v.source_subscription,
    v.source_resource,
    v.source_app_id,
    v.destination_fqdn,
    v.destination_resource,
    v.service_resource,
    v.protocol,
    v.matched_rule,
    v.is_member,
    v.reason,
    o.service_tag,
    -- regions are written with and without blanks
    coalesce(
        replace(lower(o.azure_region), ' ', '') = replace(lower(coalesce(r.location, i.location)), ' ', ''), false
    ) as is_same_region,
    coalesce(list(distinct v.operation order by v.operation) filter (where v.operation is not null), []) as operations,
    coalesce(sum(v.requests) filter (where v.action = 'Approved'), 0)::bigint as allowed,
    coalesce(sum(v.requests) filter (where v.action = 'Denied'), 0)::bigint as denied,
    sum(v.records)::bigint as records,
    min(v.first_seen) as first_seen,
    max(v.last_seen) as last_seen,
    o.network_name,
    v.source_perimeters
from verdict as v
left join address_owner as o on v.source_ip = o.canonical
left join inventory_resource as r on v.perimeter = r.perimeter and v.service_resource = r.resource
left join inventory_perimeter as i on v.perimeter = i.perimeter
where
    v.verdict = 'denied'
    and v.perimeter is not null
    and v.hour >= coalesce($since, '-infinity'::timestamp)
    and v.hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or v.perimeter = lower($perimeter) or ends_with(v.perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(v.profile) = lower($profile))
group by
    v.perimeter,
    v.profile,
    v.direction,
    v.hour::date,
    v.source_ip,
    v.source_network,
    v.source_subscription,
    v.source_resource,
    v.source_app_id,
    v.destination_fqdn,
    v.destination_resource,
    v.service_resource,
    v.protocol,
    v.matched_rule,
    v.is_member,
    v.reason,
    o.service_tag,
    o.network_name,
    v.source_perimeters,
    is_same_region
order by
    v.perimeter,
    v.profile,
    v.direction,
    day,
    v.source_ip,
    v.source_subscription,
    v.source_resource,
    v.source_app_id,
    v.destination_fqdn,
    v.destination_resource,
    v.service_resource,
    v.protocol,
    v.matched_rule,
    v.is_member,
    v.reason,
    v.source_perimeters
