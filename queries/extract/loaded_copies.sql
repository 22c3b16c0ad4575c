-- The files of one kind that are loaded and have the same name within their container, compressed or not.
-- reads: load_ledger
-- grain: one row a file
-- $source_kind  folder, blob or workspace
-- $pattern  regular expression whose first group is the name from the container on
-- $within  the names from the container on
select
    regexp_extract(name, $pattern, 1) as within,
    name,
    source_id,
    etag,
    size_bytes,
    loaded_bytes,
    lines,
    records,
    rejected,
    head_hash,
    tail_hash
from load_ledger
where source_kind = $source_kind and regexp_extract(name, $pattern, 1) in (select unnest($within::varchar[]))
order by source_id
