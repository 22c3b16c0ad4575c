-- How many staged lines each source has.
-- reads: staged_line
-- grain: one row a source
select
    source_id,
    count(*) as staged
from staged_line
group by source_id
