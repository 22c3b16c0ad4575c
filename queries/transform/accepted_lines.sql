-- The judged lines that are records.
-- reads: judged_line
-- grain: one row a line
select
    source_id,
    line,
    text
from judged_line
where reason is null
