-- How old the inventory of each perimeter was when its newest record was written.
-- reads: inventory_perimeter, traffic
-- grain: one row a perimeter of the inventory
select
    i.perimeter,
    i.confirmed_at,
    max(t.last_seen) as last_seen,
    coalesce(date_diff('day', i.confirmed_at, max(t.last_seen)), 0) as days_behind,
    i.gaps
from inventory_perimeter as i
left join traffic as t on i.perimeter = t.perimeter
group by i.perimeter, i.confirmed_at, i.gaps
order by i.perimeter
