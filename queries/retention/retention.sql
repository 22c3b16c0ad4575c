-- What was dropped so far.
-- reads: retention
-- grain: at most one row
select
    raw_before,
    flows_before
from retention
