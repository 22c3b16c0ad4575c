-- What succeeds today and would be denied when enforced, by resource and hour.
-- reads: verdict
-- grain: one row a perimeter, resource, direction and hour
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
select
    perimeter,
    lower(profile) as profile,
    service_resource as resource,
    direction,
    hour,
    sum(requests)::bigint as requests,
    count(distinct caller_key) filter (where direction = 'Inbound') as callers,
    count(distinct coalesce(destination_fqdn, destination_resource)) filter (
        where direction = 'Outbound'
    ) as destinations
from verdict
where
    denied_if_enforced
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by perimeter, lower(profile), service_resource, direction, hour
order by
    perimeter,
    profile,
    resource,
    direction,
    hour
limit $limit
