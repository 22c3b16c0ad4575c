-- What is kept of the fields without a column of some hours' records: how often each source has them.
-- reads: access_log
-- grain: one row a source, hour and field
-- $first_hour  first hour, inclusive
-- $end_hour  end, exclusive
with told as (
    select
        source_id,
        date_trunc('hour', time) as hour,
        unnest(json_keys(extra)) as field
    from access_log
    where time >= $first_hour and time < $end_hour and extra is not null
)

select
    source_id,
    hour,
    field,
    count(*) as records
from told
group by
    source_id,
    hour,
    field
