-- How many lines were rejected from sources being loaded.
-- reads: rejected_record
-- grain: one row a source
-- $source_ids  the sources
-- $start_lines  for each, the line after which this load began
with loading as (
    select
        unnest($source_ids::bigint[]) as source_id,
        unnest($start_lines::bigint[]) as start_line
)

select
    r.source_id,
    count(*) as rejected
from rejected_record as r
inner join loading on r.source_id = loading.source_id
where r.line > loading.start_line or loading.start_line = 0
group by r.source_id
