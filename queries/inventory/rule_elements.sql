-- The elements of the access rules in force.
-- reads: inventory_rule_element
-- grain: one row an element
select
    perimeter,
    profile,
    rule,
    direction,
    kind,
    element
from inventory_rule_element
order by perimeter, profile, direction, rule, kind, element
