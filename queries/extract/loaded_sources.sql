-- The files of one kind that are loaded, with what is needed to see whether they changed.
-- reads: load_ledger
-- grain: one row a file
-- $source_kind  folder, blob or workspace
-- $names  the files to look for
select
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
where source_kind = $source_kind and name in (select unnest($names::varchar[]))
