-- The rows of rejected_record with a text, of sources that were loaded before a moment.
-- reads: rejected_record, load_ledger
-- grain: one row a line
-- $before  the moment (UTC)
select r.rowid
from rejected_record as r
inner join load_ledger as l on r.source_id = l.source_id
where r.raw is not null and l.loaded_at < $before
