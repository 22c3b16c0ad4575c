-- The rejected lines themselves.
-- reads: rejected_record, load_ledger
-- grain: one row a line
-- $limit  at most so many rows; null for all
select
    l.name as file,
    r.line,
    r.reason,
    r.raw
from rejected_record as r
inner join load_ledger as l on r.source_id = l.source_id
order by l.name, r.line, r.reason, r.raw
limit $limit
