-- Records and requests by log category, as seen.
-- reads: traffic
-- grain: one row a category
select
    category,
    sum(records)::bigint as records,
    sum(requests)::bigint as requests,
    count(distinct perimeter) as perimeters,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from traffic
group by category
order by category
