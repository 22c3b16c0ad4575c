-- The names of the columns of an answer, in order.
-- reads: answer
-- grain: one row a column
select unnest(columns) as name
from answer
