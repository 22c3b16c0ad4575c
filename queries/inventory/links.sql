-- The links of the perimeters.
-- reads: inventory_link
-- grain: one row a link
select
    perimeter,
    link,
    remote_perimeter,
    remote_guid,
    local_inbound_profiles,
    remote_inbound_profiles,
    status,
    is_reference
from inventory_link
order by perimeter, link, remote_perimeter
