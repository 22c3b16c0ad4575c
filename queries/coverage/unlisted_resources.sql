-- Resources that wrote records although the inventory doesn't list them; none where there is no inventory.
-- reads: resource_state, inventory_association, inventory_perimeter, traffic
-- grain: one row a perimeter, profile and resource
-- since_inventory: they wrote records after the inventory was last confirmed, so it is the inventory that is old.
select
    t.perimeter,
    t.profile,
    t.service_resource as resource,
    sum(t.records)::bigint as records,
    coalesce(max(t.last_seen) > max(i.confirmed_at), true) as since_inventory
from traffic as t
inner join resource_state as s
    on
        t.perimeter is not distinct from s.perimeter
        and t.profile is not distinct from s.logged_profile
        and t.service_resource = s.service_resource
left join inventory_perimeter as i on t.perimeter = i.perimeter
where s.resource is null and exists (from inventory_association)
group by t.perimeter, t.profile, t.service_resource
order by t.perimeter, t.profile, t.service_resource
