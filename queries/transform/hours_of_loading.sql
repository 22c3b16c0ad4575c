-- The hours in which sources being loaded have events, and how many records they bring.
-- reads: access_log
-- grain: one row an hour
-- $source_ids  the sources
-- $start_lines  for each, the line after which this load began
with loading as (
    select
        unnest($source_ids::bigint[]) as source_id,
        unnest($start_lines::bigint[]) as start_line
)

select
    date_trunc('hour', a.time) as hour,
    count(*) as records
from access_log as a
inner join loading on a.source_id = loading.source_id
where a.line > loading.start_line
group by 1
order by 1
