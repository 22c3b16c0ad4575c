-- Resources that wrote records although the inventory doesn't list them; none where nobody read the whole list.
-- reads: resource_state, inventory_perimeter, traffic
-- grain: one row a perimeter, profile and resource
-- since_inventory: they wrote records after the list was last read, or up to the end of the log, so it is the inventory
-- that is old.
with last_day as (
    select
        perimeter,
        max(hour) - interval 1 day as begins
    from traffic
    group by perimeter
)

select
    t.perimeter,
    t.profile,
    t.service_resource as resource,
    sum(t.records)::bigint as records,
    max(t.hour) > min(least(i.members_confirmed_at, d.begins)) as since_inventory
from traffic as t
inner join resource_state as s
    on
        t.perimeter = s.perimeter
        and t.profile is not distinct from s.logged_profile
        and t.service_resource = s.service_resource
inner join inventory_perimeter as i on t.perimeter = i.perimeter
inner join last_day as d on t.perimeter = d.perimeter
where s.resource is null and i.members_confirmed_at is not null
group by t.perimeter, t.profile, t.service_resource
order by t.perimeter, t.profile, t.service_resource
