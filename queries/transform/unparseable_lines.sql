-- The staged lines that are no JSON at all.
-- reads: staged_line
-- grain: one row a line
select
    source_id,
    line,
    'not valid JSON' as reason,
    left(rtrim(text, chr(13) || chr(10)), 4096) as raw
from staged_line
where shape is null
