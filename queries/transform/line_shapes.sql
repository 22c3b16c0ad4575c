-- The distinct shapes of the staged lines.
-- reads: staged_line
-- grain: one row a shape
select distinct shape
from staged_line
where shape is not null
order by shape
