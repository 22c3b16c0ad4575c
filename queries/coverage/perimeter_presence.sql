-- Perimeters that only the logs or only the inventory know.
-- reads: inventory_perimeter, traffic
-- grain: one row a perimeter
with logged as (
    select
        perimeter,
        sum(records)::bigint as records
    from traffic
    where perimeter is not null
    group by perimeter
)

select
    coalesce(i.perimeter, l.perimeter) as perimeter,
    i.perimeter is not null as in_inventory,
    coalesce(l.records, 0) as records
from inventory_perimeter as i
full outer join logged as l on i.perimeter = l.perimeter
where i.perimeter is null or l.perimeter is null
order by perimeter
