-- The blobs that ended in a cut line when they were read.
-- reads: load_ledger
-- grain: one row a blob
-- $prefix  URL that their names begin with
select name
from load_ledger
where source_kind = 'blob' and pending_bytes > 0 and starts_with(name, $prefix)
