-- The sources that hold a line which is no JSON.
-- reads: line_text (source_id, line, text)
-- grain: one row a source
select distinct source_id
from line_text
where text is not null and not json_valid(text)
