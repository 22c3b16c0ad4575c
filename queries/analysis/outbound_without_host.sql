-- Public outbound calls without a host name: outbound rules take host names only, so none can admit them.
-- reads: traffic
-- grain: one row a perimeter, resource, destination resource, operation and action
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
select
    perimeter,
    lower(profile) as profile,
    service_resource as resource,
    destination_resource,
    operation,
    action,
    sum(requests)::bigint as requests,
    count(distinct hour::date) as days_seen,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from traffic
where
    direction = 'Outbound'
    and traffic_type = 'Public'
    and destination_fqdn is null
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by perimeter, lower(profile), service_resource, destination_resource, operation, action
order by
    requests desc,
    perimeter,
    profile,
    resource,
    destination_resource,
    operation,
    action
limit $limit
