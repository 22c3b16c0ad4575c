-- What happens to the traffic of each day, today or in the scenario that is set up, by whom it is from or to.
-- reads: verdict
-- grain: one row a perimeter, profile, resource, direction, caller, destination, day, outcome in the log, verdict and rule
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- action is what the log says of its own time, verdict what the rules and modes do. The caller of an outbound call is
-- the resource itself.
select
    perimeter,
    profile,
    service_resource as resource,
    direction,
    caller_kind,
    caller_key as caller,
    if(direction = 'Outbound', coalesce(destination_fqdn, destination_resource), null) as destination,
    hour::date as day,
    action,
    verdict,
    reason,
    rule,
    element,
    sum(requests)::bigint as requests,
    sum(records)::bigint as records
from verdict
where
    hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by
    perimeter,
    profile,
    service_resource,
    direction,
    caller_kind,
    caller_key,
    if(direction = 'Outbound', coalesce(destination_fqdn, destination_resource), null),
    hour::date,
    action,
    verdict,
    reason,
    rule,
    element
order by
    day,
    perimeter,
    profile,
    resource,
    direction,
    caller_kind,
    caller,
    destination,
    action,
    verdict,
    reason,
    rule,
    element
limit $limit
