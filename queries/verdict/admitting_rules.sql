-- Of made-up flows, each numbered by its requests, the rule that admits it.
-- reads: verdict
-- grain: one row a flow that a rule admits
select
    requests as number,
    rule
from verdict
where verdict = 'allowed-by-rule'
