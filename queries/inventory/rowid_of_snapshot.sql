-- Where a snapshot's own row is, for replacing it.
-- reads: inventory_snapshot
-- grain: one row
-- $snapshot_id  its number
select rowid
from inventory_snapshot
where snapshot_id = $snapshot_id
