-- The rows of an answer, each with the window that it belongs to.
-- reads: answer
-- grain: one row a record
-- $first_line  number of the first row
-- $window_starts  the windows that were asked for
-- $source_ids  for each, its source
-- $size  length of a window
with numbered as (
    select
        unnest(rows) as cells,
        generate_subscripts(rows, 1) + $first_line::bigint - 1 as line,
        list_position(columns, 'nsp_ingestion_time') as ingestion_time
    from answer
),

w as (
    select
        unnest($window_starts::timestamp[]) as start,
        unnest($source_ids::bigint[]) as source_id
)

select
    w.source_id,
    numbered.line,
    numbered.cells
from numbered
left join w
    on time_bucket($size::interval, try_cast(numbered.cells[numbered.ingestion_time] as timestamp)) = w.start
