-- The associated resources whose own properties are known.
-- reads: inventory_resource
-- grain: one row a resource
select
    perimeter,
    resource,
    resource_type,
    kind,
    location,
    identity,
    key_source,
    local_auth_disabled,
    network_injections
from inventory_resource
order by perimeter, resource
