-- The verdict of each flow, to be compared with that of another scenario.
-- reads: verdict
-- grain: one row of traffic
select
    flow,
    verdict,
    disagreement
from verdict
