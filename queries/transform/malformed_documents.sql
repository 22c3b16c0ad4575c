-- Staged lines that are no JSON but may be an array or envelope with a malformed record in it, some at a time.
-- reads: staged_line
-- grain: one row a line
-- $after  rowid behind which to look; -1 at first
-- $most  how many at the most
select
    rowid,
    source_id,
    line,
    text
from staged_line
where
    shape is null
    and rowid > $after
    and (text[:64] like '%[%' or contains(lower(text[:4096]), '"records"'))
order by rowid
limit $most
