-- The rows of access_log that came from sources being loaded.
-- reads: access_log_stored
-- grain: one row a record
-- $source_ids  the sources
-- $start_lines  for each, the line after which this load began
with loading as (
    select
        unnest($source_ids::bigint[]) as source_id,
        unnest($start_lines::bigint[]) as start_line
)

select a.rowid
from access_log_stored as a
inner join loading on a.source_id = loading.source_id
where a.line > loading.start_line
