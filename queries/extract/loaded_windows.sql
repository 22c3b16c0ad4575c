-- The windows of a workspace that are loaded.
-- reads: load_ledger
-- grain: one row a window
-- $prefix  how the names of its windows begin
select
    name,
    source_id,
    etag,
    records + rejected as records
from load_ledger
where source_kind = 'workspace' and starts_with(name, $prefix)
