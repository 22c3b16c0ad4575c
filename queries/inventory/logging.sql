-- The log categories that are switched on or off, and where they go.
-- reads: inventory_logging
-- grain: one row a category and destination
select
    perimeter,
    setting,
    category,
    is_group,
    enabled,
    destination
from inventory_logging
order by perimeter, setting, category
