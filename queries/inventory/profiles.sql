-- The profiles of the inventory.
-- reads: inventory_profile
-- grain: one row a profile
select
    perimeter,
    profile,
    rules_version,
    rules_known
from inventory_profile
order by perimeter, profile
