-- The judged lines that are no record, with the reason.
-- reads: judged_line
-- grain: one row a line
select
    source_id,
    line,
    reason,
    left(rtrim(text, chr(13) || chr(10)), 4096) as raw
from judged_line
where reason is not null
