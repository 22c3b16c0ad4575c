-- Resources of the inventory for which no record was seen.
-- reads: inventory_association, traffic
-- grain: one row a resource
select
    a.perimeter,
    a.profile,
    a.resource,
    a.access_mode
from inventory_association as a
where
    not exists (
        from traffic as t
        where t.service_resource = a.resource or starts_with(t.service_resource, a.resource || '/')
    )
order by a.perimeter, a.profile, a.resource
