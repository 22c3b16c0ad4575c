-- Each log category of each perimeter: whether it is switched on, and what was seen of it.
-- reads: inventory_logging, inventory_perimeter, traffic
-- grain: one row a perimeter and category that is switched on or was seen
-- enabled: by the logging configuration and by a diagnostic setting, as far as they are known; null where nobody told.
-- by_group: only a category group such as allLogs names it.
with told as (
    select
        perimeter,
        lower(category) as category,
        any_value(category) as spelled,
        bool_or(enabled) filter (where setting = '') as configured,
        bool_or(enabled) filter (where setting <> '') as exported
    from inventory_logging
    where not is_group
    group by perimeter, lower(category)
),

perimeter_told as (
    select
        i.perimeter,
        i.logging_known or coalesce(bool_or(l.setting = ''), false) as has_configuration,
        coalesce(bool_or(l.setting <> ''), false) as has_setting,
        coalesce(bool_or(l.is_group and l.enabled), false) as has_group
    from inventory_perimeter as i
    left join inventory_logging as l on i.perimeter = l.perimeter
    group by i.perimeter, i.logging_known
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
),

state as (
    select
        coalesce(t.perimeter, s.perimeter) as perimeter,
        coalesce(t.spelled, s.category) as category,
        coalesce(t.configured, if(p.has_configuration, false, null)) as configured,
        coalesce(t.exported, if(p.has_setting and not p.has_group, false, null)) as exported,
        coalesce(p.has_group, false) and t.exported is null as by_group,
        coalesce(s.records, 0) as records,
        s.last_seen
    from told as t
    full outer join seen as s on t.perimeter = s.perimeter and t.category = lower(s.category)
    left join perimeter_told as p on coalesce(t.perimeter, s.perimeter) = p.perimeter
)

select
    perimeter,
    category,
    -- an export that is off isn't made good by a configuration that is on
    case
        when configured = false or exported = false then false
        when not by_group then coalesce(configured, exported)
    end as enabled,
    by_group,
    records,
    last_seen
from state
order by perimeter, category
