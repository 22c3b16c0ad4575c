-- The highest number given to a source so far; 0 before the first load.
-- reads: load_ledger
-- grain: one row
select coalesce(max(source_id), 0) as source_id
from load_ledger
