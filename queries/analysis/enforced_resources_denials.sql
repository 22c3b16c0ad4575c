-- Whom enforced resources denied, and whether the rules of today still would.
-- reads: verdict
-- grain: one row a perimeter, resource, direction, caller and destination
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- Enforced by the newest inventory; denials from before the resource was enforced are among them. Of what the rules of
-- today neither deny nor admit nobody can tell.
select
    perimeter,
    service_resource as resource,
    direction,
    caller_kind,
    caller_key as caller,
    if(direction = 'Outbound', coalesce(destination_fqdn, destination_resource), null) as destination,
    sum(requests)::bigint as denied_requests,
    coalesce(sum(requests) filter (where rule_origin = 'Perimeter'), 0)::bigint as denied_by_perimeter,
    coalesce(sum(requests) filter (where verdict = 'denied'), 0)::bigint as denied_by_rules_of_today,
    coalesce(
        sum(requests) filter (where verdict in ('allowed-by-rule', 'allowed-by-membership', 'allowed-by-link')), 0
    )::bigint as admitted_by_rules_of_today,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from verdict
where
    lower(access_mode) = 'enforced'
    and action = 'Denied'
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by
    perimeter,
    service_resource,
    direction,
    caller_kind,
    caller_key,
    if(direction = 'Outbound', coalesce(destination_fqdn, destination_resource), null)
order by
    denied_requests desc,
    perimeter,
    resource,
    direction,
    caller_kind,
    caller,
    destination
limit $limit
