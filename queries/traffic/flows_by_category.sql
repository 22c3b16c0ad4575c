-- Traffic by log category.
-- reads: traffic
-- grain: one row a category
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
select
    category,
    sum(requests)::bigint as requests,
    sum(records)::bigint as records,
    count(distinct caller_key) as callers,
    count(distinct hour::date) as days_seen,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from traffic
where
    hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by
    category
order by
    requests desc,
    category
limit $limit
