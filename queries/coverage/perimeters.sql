-- The perimeters and profiles that wrote records.
-- reads: traffic
-- grain: one row a perimeter and profile
select
    perimeter,
    profile,
    sum(records)::bigint as records,
    sum(requests)::bigint as requests,
    min(hour) as first_hour,
    max(hour) as last_hour
from traffic
group by perimeter, profile
order by perimeter, profile
