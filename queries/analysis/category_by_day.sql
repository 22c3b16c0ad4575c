-- Records and requests by day and log category.
-- reads: traffic
-- grain: one row a perimeter, day and category seen on it
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
select
    perimeter,
    hour::date as day,
    category,
    sum(requests)::bigint as requests,
    sum(records)::bigint as records
from traffic
where
    hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by perimeter, hour::date, category
order by
    perimeter,
    day,
    category
limit $limit
