-- The hours in which sources being loaded have events.
-- reads: access_log
-- grain: one row an hour
-- $source_ids  the sources
-- $start_lines  for each, the line after which this load began
with loading as (
    select
        unnest($source_ids::bigint[]) as source_id,
        unnest($start_lines::bigint[]) as start_line
)

select distinct date_trunc('hour', a.time) as hour
from access_log as a
inner join loading on a.source_id = loading.source_id
where a.line > loading.start_line
order by hour
