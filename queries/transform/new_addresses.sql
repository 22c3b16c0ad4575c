-- The addresses of sources being loaded that the address table doesn't know yet.
-- reads: access_log, address
-- grain: one row an address
-- $source_ids  the sources
-- $start_lines  for each, the line after which this load began
with loading as (
    select
        unnest($source_ids::bigint[]) as source_id,
        unnest($start_lines::bigint[]) as start_line
)

select distinct a.source_ip
from access_log as a
inner join loading on a.source_id = loading.source_id
where
    a.line > loading.start_line
    and a.source_ip is not null
    and not exists (from address as known where known.text = a.source_ip)
