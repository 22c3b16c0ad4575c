-- How many records each hour of a span holds.
-- reads: hour_count
-- grain: one row an hour
-- $first_hour  first hour, inclusive
-- $end_hour  end, exclusive
select
    hour,
    sum(records)::bigint as records
from hour_count
where hour >= $first_hour and hour < $end_hour
group by hour
