-- The last number of a snapshot, 0 where there is none.
-- reads: inventory_snapshot
-- grain: one row
select coalesce(max(snapshot_id), 0) as snapshot_id
from inventory_snapshot
