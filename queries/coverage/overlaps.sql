-- Where several places tell of the same time: what each kind of them holds, and in how many hours they differ.
-- reads: hour_count
-- grain: one row a perimeter and category, over the hours that several of its places span
with span as (
    select
        perimeter,
        place,
        min(hour) as first_hour,
        max(hour) as last_hour
    from hour_count
    group by perimeter, place
),

-- a place that has nothing of an hour within its span should have: it counts among those that span the hour
spanned as (
    select
        h.perimeter,
        h.hour,
        count(*) as places
    from (select distinct
        perimeter,
        hour
    from hour_count) as h
    inner join span as s
        on
            h.perimeter is not distinct from s.perimeter
            and h.hour between s.first_hour and s.last_hour
    group by h.perimeter, h.hour
    having count(*) > 1
),

told as (
    select
        h.perimeter,
        h.category,
        h.hour,
        any_value(s.places) as places,
        count(*) as telling,
        max(h.records) as most,
        min(h.records) as least,
        list(h.place) as names,
        coalesce(sum(h.records) filter (where h.source_kind = 'blob'), 0)::bigint as blob_records,
        coalesce(sum(h.records) filter (where h.source_kind = 'workspace'), 0)::bigint as workspace_records,
        coalesce(sum(h.records) filter (where h.source_kind = 'folder'), 0)::bigint as folder_records
    from hour_count as h
    inner join spanned as s
        on
            h.perimeter is not distinct from s.perimeter
            and h.hour = s.hour
    group by h.perimeter, h.category, h.hour
)

select
    perimeter,
    category,
    count(*) as hours,
    count_if(telling < places or most <> least)::bigint as hours_that_differ,
    sum(blob_records)::bigint as blob_records,
    sum(workspace_records)::bigint as workspace_records,
    sum(folder_records)::bigint as folder_records,
    array_to_string(list_sort(list_distinct(flatten(list(names)))), ', ') as places,
    min(hour) filter (where telling < places or most <> least) as first_difference,
    max(hour) filter (where telling < places or most <> least) as last_difference
from told
group by perimeter, category
order by perimeter, category
