-- The hours in which some sources have events.
-- reads: access_log, source_flow
-- grain: one row an hour
-- $source_ids  the sources
select date_trunc('hour', time) as hour
from access_log
where source_id in (select unnest($source_ids::bigint[]))
union
select hour
from source_flow
where source_id in (select unnest($source_ids::bigint[]))
order by hour
