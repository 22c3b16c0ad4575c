-- Resources that wrote records although the inventory doesn't list them; none where there is no inventory.
-- reads: inventory_association, traffic
-- grain: one row a resource
select
    t.perimeter,
    t.profile,
    t.service_resource as resource,
    sum(t.records)::bigint as records
from traffic as t
where
    t.service_resource is not null
    and exists (from inventory_association)
    and not exists (from inventory_association as a where a.resource = t.service_resource)
group by t.perimeter, t.profile, t.service_resource
order by t.perimeter, t.profile, t.service_resource
