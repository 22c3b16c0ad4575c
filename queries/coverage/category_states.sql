-- Each log category of each perimeter: whether it is switched on, and what was seen of it.
-- reads: inventory_logging, inventory_perimeter, traffic
-- grain: one row a perimeter and category that is switched on or was seen
-- enabled: null where nobody told. by_group: only a category group such as allLogs names it.
with told as (
    select
        l.perimeter,
        l.category,
        bool_or(l.enabled) as enabled
    from inventory_logging as l
    where not l.is_group
    group by l.perimeter, l.category
),

grouped as (
    select
        perimeter,
        bool_or(enabled) as has_group
    from inventory_logging
    where is_group
    group by perimeter
),

seen as (
    select
        perimeter,
        category,
        sum(records)::bigint as records,
        max(last_seen) as last_seen
    from traffic
    where perimeter is not null
    group by perimeter, category
)

select
    coalesce(t.perimeter, s.perimeter) as perimeter,
    coalesce(t.category, s.category) as category,
    case
        when t.enabled is not null then t.enabled
        when i.logging_known and not coalesce(g.has_group, false) then false
    end as enabled,
    coalesce(g.has_group, false) and t.category is null as by_group,
    coalesce(s.records, 0) as records,
    s.last_seen
from told as t
full outer join seen as s on t.perimeter = s.perimeter and lower(t.category) = lower(s.category)
left join inventory_perimeter as i on coalesce(t.perimeter, s.perimeter) = i.perimeter
left join grouped as g on coalesce(t.perimeter, s.perimeter) = g.perimeter
order by perimeter, category
