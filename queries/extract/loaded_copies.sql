-- The names of loaded files of one kind that have the same name within their container, compressed or not.
-- reads: load_ledger
-- grain: one row a file
-- $source_kind  folder, blob or workspace
-- $pattern  regular expression whose first group is the name from the container on
-- $within  the names from the container on
select
    name,
    regexp_extract(name, $pattern, 1) as within
from load_ledger
where source_kind = $source_kind and regexp_extract(name, $pattern, 1) in (select unnest($within::varchar[]))
order by source_id
