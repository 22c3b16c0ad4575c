-- Public destinations by how rarely they are called: the fewest days, resources and requests first.
-- reads: traffic
-- grain: one row a perimeter and destination
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- first_resource is the caller whose id sorts first; calls without any destination are in outbound_without_host.
select
    perimeter,
    coalesce(destination_fqdn, destination_resource) as destination,
    count(distinct hour::date) as days_seen,
    count(distinct service_resource) as resources,
    sum(requests)::bigint as requests,
    coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied_requests,
    min(service_resource) as first_resource,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from traffic
where
    direction = 'Outbound'
    and traffic_type = 'Public'
    and coalesce(destination_fqdn, destination_resource) is not null
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by perimeter, coalesce(destination_fqdn, destination_resource)
order by
    days_seen,
    resources,
    requests,
    perimeter,
    destination
limit $limit
