-- Where several kinds of sources tell of the same time: what each holds, and in how many hours they differ.
-- reads: hour_count
-- grain: one row a perimeter and category, over the time that all its kinds of sources span
with span as (
    select
        perimeter,
        source_kind,
        min(hour) as first_hour,
        max(hour) as last_hour
    from hour_count
    group by perimeter, source_kind
),

common as (
    select
        perimeter,
        count(*) as kinds,
        max(first_hour) as first_hour,
        min(last_hour) as last_hour
    from span
    group by perimeter
    having count(*) > 1 and max(first_hour) <= min(last_hour)
),

told as (
    select
        h.perimeter,
        h.category,
        h.hour,
        any_value(c.kinds) as kinds,
        count(*) as telling,
        max(h.records) as most,
        min(h.records) as least,
        coalesce(sum(h.records) filter (where h.source_kind = 'blob'), 0)::bigint as blob_records,
        coalesce(sum(h.records) filter (where h.source_kind = 'workspace'), 0)::bigint as workspace_records,
        coalesce(sum(h.records) filter (where h.source_kind = 'folder'), 0)::bigint as folder_records
    from hour_count as h
    inner join common as c
        on
            h.perimeter is not distinct from c.perimeter
            and h.hour between c.first_hour and c.last_hour
    group by h.perimeter, h.category, h.hour
)

select
    perimeter,
    category,
    count(*) as hours,
    count_if(telling < kinds or most <> least)::bigint as hours_that_differ,
    sum(blob_records)::bigint as blob_records,
    sum(workspace_records)::bigint as workspace_records,
    sum(folder_records)::bigint as folder_records,
    min(hour) filter (where telling < kinds or most <> least) as first_difference,
    max(hour) filter (where telling < kinds or most <> least) as last_difference
from told
group by perimeter, category
order by perimeter, category
