-- The issues that Azure itself reports of associated resources, with what it suggests.
-- reads: inventory_issue
-- grain: one row an issue
select
    perimeter,
    resource,
    issue,
    severity,
    description,
    suggested_resources,
    suggested_rules
from inventory_issue
order by perimeter, resource, issue
