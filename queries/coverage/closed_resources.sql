-- Resources that were closed to all but what the perimeter admits, and are open today: who was refused then isn't seen.
-- reads: traffic, resource_state, decision_matrix, inventory_snapshot, snapshot_association
-- grain: one row a perimeter, profile and resource
-- In learning mode only an open resource's log tells whom its own rules admit: what enforcing would deny. A resource was
-- closed where its log shows refusals by the perimeter's rules alone, or where a snapshot told a mode or
-- publicNetworkAccess under which nothing else is asked. open_since: when its own rules were first seen asked after
-- that, or first told to be; null where they never were.
with open_today as (
    select distinct
        perimeter,
        profile_name as profile,
        logged_profile,
        service_resource,
        resource,
        state_since
    from resource_state
    where resource is not null and inbound_rules and inbound_otherwise = 'resource-rules'
),

told as (
    select
        a.perimeter,
        a.resource,
        max(s.confirmed_at) as last_closed
    from snapshot_association as a
    inner join inventory_snapshot as s on a.snapshot_id = s.snapshot_id
    inner join decision_matrix as m
        on
            lower(m.access_mode) = replace(lower(coalesce(a.access_mode, 'Learning')), 'transition', 'learning')
            and lower(m.public_network_access) = lower(coalesce(a.public_network_access, 'Enabled'))
            and m.direction = 'Inbound'
    where m.otherwise = 'denied'
    group by a.perimeter, a.resource
),

logged as (
    select
        o.perimeter,
        o.resource,
        t.hour,
        t.rule_origin = 'Resource' as is_open
    from traffic as t
    inner join open_today as o
        on
            t.perimeter = o.perimeter
            and t.profile is not distinct from o.logged_profile
            and t.service_resource = o.service_resource
    where
        t.traffic_type = 'Public'
        and t.direction = 'Inbound'
        and (t.rule_origin = 'Resource' or (t.rule_origin = 'Perimeter' and t.action = 'Denied'))
),

closed as (
    select
        o.perimeter,
        o.profile,
        o.resource,
        max(o.state_since) as state_since,
        max(greatest(l.hour, t.last_closed)) as last_closed
    from open_today as o
    left join logged as l on o.perimeter = l.perimeter and o.resource = l.resource and not l.is_open
    left join told as t on o.perimeter = t.perimeter and o.resource = t.resource
    group by o.perimeter, o.profile, o.resource
    having max(greatest(l.hour, t.last_closed)) is not null
),

opened as (
    select
        c.perimeter,
        c.resource,
        min(l.hour) as first_open
    from closed as c
    inner join logged as l on c.perimeter = l.perimeter and c.resource = l.resource
    where l.is_open and l.hour > c.last_closed
    group by c.perimeter, c.resource
),

newest as (
    select
        perimeter,
        max(hour) as last_hour
    from traffic
    group by perimeter
)

select
    c.perimeter,
    c.profile,
    c.resource,
    c.last_closed,
    least(o.first_open, if(c.state_since > c.last_closed, c.state_since, null)) as open_since,
    greatest(coalesce(date_diff('day', open_since, n.last_hour) + 1, 0), 0) as days_open
from closed as c
left join opened as o on c.perimeter = o.perimeter and c.resource = o.resource
left join newest as n on c.perimeter = n.perimeter
order by c.perimeter, c.profile, c.resource
