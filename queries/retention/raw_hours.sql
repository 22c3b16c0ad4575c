-- The hours before a moment of which there are rows of access_log, with how many.
-- reads: access_log
-- grain: one row an hour
-- $before  the moment (UTC)
select
    date_trunc('hour', time) as hour,
    count(*) as records
from access_log
where time < $before
group by date_trunc('hour', time)
order by hour
