-- Spans of hours without any record, between a perimeter's first and the newest record of all, longest first.
-- reads: traffic
-- grain: one row a gap
-- $min_hours  shortest gap worth telling, in hours
with seen as (
    select distinct
        perimeter,
        hour
    from traffic
),

step as (
    select
        perimeter,
        hour + interval 1 hour as gap_start,
        coalesce(
            lead(hour) over (partition by perimeter order by hour), max(hour) over () + interval 1 hour
        ) as gap_end
    from seen
)

select
    perimeter,
    gap_start,
    gap_end,
    date_diff('hour', gap_start, gap_end) as hours
from step
where date_diff('hour', gap_start, gap_end) >= $min_hours
order by hours desc, perimeter, gap_start
