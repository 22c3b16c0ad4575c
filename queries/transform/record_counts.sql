-- How many records came from some sources.
-- reads: access_log
-- grain: one row a source
-- $source_ids  the sources
select
    source_id,
    count(*) as records
from access_log
where source_id in (select unnest($source_ids::bigint[]))
group by source_id
