-- Resources by the number of public destinations that they call.
-- reads: traffic
-- grain: one row a perimeter and resource that calls out
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
select
    perimeter,
    service_resource as resource,
    count(distinct coalesce(destination_fqdn, destination_resource)) as destinations,
    count(distinct coalesce(destination_fqdn, destination_resource)) filter (
        where action = 'Denied'
    ) as destinations_denied,
    sum(requests)::bigint as requests,
    coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied_requests,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from traffic
where
    direction = 'Outbound'
    and traffic_type = 'Public'
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by perimeter, service_resource
order by
    destinations desc,
    requests desc,
    perimeter,
    resource
limit $limit
