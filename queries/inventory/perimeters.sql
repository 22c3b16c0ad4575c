-- The perimeters of the inventory, and how fresh and complete it is.
-- reads: inventory_perimeter
-- grain: one row a perimeter
select
    perimeter,
    perimeter_guid,
    location,
    taken_at,
    confirmed_at,
    origin,
    links_known,
    logging_known,
    members_confirmed_at,
    gaps
from inventory_perimeter
order by perimeter
