-- What succeeds today and would be denied when enforced, by caller or destination and day.
-- reads: verdict
-- grain: one row a perimeter, profile, direction, caller, destination and day
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- The caller of an outbound call is the resource itself.
select
    perimeter,
    lower(profile) as profile,
    direction,
    caller_kind,
    caller_key as caller,
    if(direction = 'Outbound', coalesce(destination_fqdn, destination_resource), null) as destination,
    hour::date as day,
    sum(requests)::bigint as requests,
    count(distinct service_resource) as resources,
    count(distinct operation) as operations,
    count(distinct hour) as hours_seen
from verdict
where
    denied_if_enforced
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by
    perimeter,
    lower(profile),
    direction,
    caller_kind,
    caller_key,
    if(direction = 'Outbound', coalesce(destination_fqdn, destination_resource), null),
    hour::date
order by
    perimeter,
    profile,
    direction,
    caller_kind,
    caller,
    destination,
    day
limit $limit
