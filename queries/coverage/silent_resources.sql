-- Resources of the inventory for which no record was seen, or none in the last month of their perimeter's log.
-- reads: inventory_association, traffic
-- grain: one row a resource
-- last_seen: null where there is no record at all.
with logged as (
    select
        perimeter,
        service_resource,
        max(hour) as last_seen
    from traffic
    group by perimeter, service_resource
),

newest as (
    select
        perimeter,
        max(last_seen) as newest
    from logged
    group by perimeter
),

seen as (
    select
        a.perimeter,
        a.resource,
        max(t.last_seen) as last_seen
    from inventory_association as a
    inner join logged as t
        on
            a.perimeter = t.perimeter
            and (a.resource = t.service_resource or starts_with(t.service_resource, a.resource || '/'))
    group by a.perimeter, a.resource
)

select
    a.perimeter,
    a.profile,
    a.resource,
    a.access_mode,
    s.last_seen
from inventory_association as a
left join seen as s on a.perimeter = s.perimeter and a.resource = s.resource
left join newest as n on a.perimeter = n.perimeter
where s.last_seen is null or s.last_seen < n.newest - interval 31 day
order by a.perimeter, a.profile, a.resource
