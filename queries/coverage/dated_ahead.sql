-- Records that are dated on days after today: their clock was wrong, or this machine's is.
-- reads: traffic
-- grain: one row a perimeter (null where the log names none)
-- $now  the moment (UTC) after whose day records can't be true
select
    perimeter,
    sum(records)::bigint as records,
    min(hour) as first_hour,
    max(hour) as last_hour
from traffic
where hour >= date_trunc('day', $now::timestamp) + interval 1 day
group by perimeter
order by perimeter
