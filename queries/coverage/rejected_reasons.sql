-- Rejected lines by reason, with the first place of each.
-- reads: rejected_record, load_ledger
-- grain: one row a reason
select
    r.reason,
    count(*) as lines,
    min_by(l.name, (r.source_id, r.line)) as first_file,
    min_by(r.line, (r.source_id, r.line)) as first_line
from rejected_record as r
inner join load_ledger as l on r.source_id = l.source_id
group by r.reason
order by lines desc, r.reason
