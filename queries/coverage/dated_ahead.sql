-- Records that are dated on days after today: their clock was wrong, or this machine's is.
-- reads: traffic
-- grain: one row a perimeter (null where the log names none)
-- $before  hour (UTC) from which on records are dated ahead
select
    perimeter,
    sum(records)::bigint as records,
    min(hour) as first_hour,
    max(hour) as last_hour
from traffic
where hour >= $before
group by perimeter
order by perimeter
