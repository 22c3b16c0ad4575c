-- The members of each perimeter: associated by the inventory, or seen to write records where nobody read the whole list.
-- reads: inventory_association, inventory_perimeter, traffic
-- grain: one row a perimeter and resource
select
    perimeter,
    resource
from inventory_association

union

select
    t.perimeter,
    t.service_resource as resource
from traffic as t
where
    t.perimeter is not null
    and t.service_resource is not null
    and not exists (
        from inventory_perimeter as i
        where i.perimeter = t.perimeter and i.members_confirmed_at is not null
    )
