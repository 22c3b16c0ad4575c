-- How long after the event records became readable, by the hour in the name of their blob or window.
-- reads: access_log, load_ledger
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
        date_diff('hour', date_trunc('hour', a.time), s.arrival_hour) as hours
    from access_log as a
    inner join source as s on a.source_id = s.source_id
    where s.arrival_hour is not null
)

select
    source_kind,
    count(*) as records,
    median(hours)::bigint as median_hours,
    quantile_disc(hours, 0.99)::bigint as hours_of_99_percent,
    max(hours)::bigint as most_hours
from late
group by source_kind
order by source_kind
