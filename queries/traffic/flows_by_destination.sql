-- Outbound traffic by destination.
-- reads: traffic
-- grain: one row a destination and category
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
select
    destination_fqdn as destination,
    destination_resource,
    category,
    sum(requests)::bigint as requests,
    sum(records)::bigint as records,
    count(distinct service_resource) as resources,
    count(distinct hour::date) as days_seen,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from traffic
where
    direction is distinct from 'Inbound'
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by
    destination_fqdn,
    destination_resource,
    category
order by
    requests desc,
    destination,
    destination_resource,
    category
limit $limit
