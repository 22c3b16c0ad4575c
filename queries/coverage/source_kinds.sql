-- The kinds of sources that records came from.
-- reads: load_ledger
-- grain: one row a kind
select distinct source_kind
from load_ledger
order by source_kind
