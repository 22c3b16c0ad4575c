-- Diagnostic settings that name a category group, such as allLogs, instead of the categories.
-- reads: inventory_logging, traffic
-- grain: one row a perimeter, setting and group
select
    l.perimeter,
    l.setting,
    l.category,
    (
        select coalesce(sum(t.records), 0)::bigint
        from traffic as t
        where t.perimeter = l.perimeter
    ) as records
from inventory_logging as l
where l.is_group and l.enabled
group by l.perimeter, l.setting, l.category
order by l.perimeter, l.setting, l.category
