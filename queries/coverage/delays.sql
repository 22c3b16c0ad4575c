-- How long after the event records became readable, by the hour in the name of their blob or window.
-- reads: logged_flow, load_ledger
-- grain: one row a source kind
-- A blob is named for the hour in which records arrived, a window for the hour of ingestion; so hours are all that can be
-- told. Files whose names hold no hour are left out.
with source as (
    select
        source_id,
        source_kind,
        try_strptime(
            regexp_extract(name, '/y=(\d{4})/m=(\d{2})/d=(\d{2})/h=(\d{2})/', 1)
            || '-' || regexp_extract(name, '/y=(\d{4})/m=(\d{2})/d=(\d{2})/h=(\d{2})/', 2)
            || '-' || regexp_extract(name, '/y=(\d{4})/m=(\d{2})/d=(\d{2})/h=(\d{2})/', 3)
            || 'T' || regexp_extract(name, '/y=(\d{4})/m=(\d{2})/d=(\d{2})/h=(\d{2})/', 4),
            '%Y-%m-%dT%H'
        ) as arrival_hour
    from load_ledger
),

late as (
    select
        s.source_kind,
        date_diff('hour', a.hour, s.arrival_hour) as hours,
        sum(a.records)::bigint as records
    from logged_flow as a
    inner join source as s on a.source_id = s.source_id
    where s.arrival_hour is not null
    group by s.source_kind, hours
),

ranked as (
    select
        source_kind,
        hours,
        records,
        sum(records) over (partition by source_kind order by hours) as so_far,
        sum(records) over (partition by source_kind) as total
    from late
)

select
    source_kind,
    sum(records)::bigint as records,
    min(hours) filter (where so_far * 2 >= total) as median_hours,
    min(hours) filter (where so_far * 100 >= total * 99) as hours_of_99_percent,
    max(hours) as most_hours
from ranked
group by source_kind
order by source_kind
