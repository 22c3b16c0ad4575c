-- Callers and destinations that are members: each the resource itself or a part of it, such as an account's blob service.
-- reads: traffic, member
-- grain: one row a perimeter and resource of a member
with other_resource as (
    select distinct
        perimeter,
        source_resource as resource
    from traffic
    where source_resource is not null
    union
    select distinct
        perimeter,
        destination_resource as resource
    from traffic
    where destination_resource is not null
    union
    select distinct
        perimeter,
        service_resource as resource
    from traffic
    where service_resource is not null
)

select
    o.perimeter,
    o.resource,
    max(m.resource) as member
from other_resource as o
inner join member as m
    on o.perimeter = m.perimeter and (o.resource = m.resource or starts_with(o.resource, m.resource || '/'))
group by o.perimeter, o.resource
