-- The decision that was recorded last, to which the next one is chained.
-- reads: decision
-- grain: one row, or none
select
    sequence,
    hash
from decision
order by sequence desc
limit 1
