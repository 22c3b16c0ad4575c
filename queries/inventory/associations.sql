-- The associated resources of the inventory.
-- reads: inventory_association
-- grain: one row a resource
select
    perimeter,
    profile,
    association,
    resource,
    access_mode,
    public_network_access,
    provisioning_state,
    has_provisioning_issues
from inventory_association
order by perimeter, profile, resource
