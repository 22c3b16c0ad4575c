-- Since when the inventory knows that access mode and publicNetworkAccess of each resource are what they are.
-- reads: inventory_snapshot, snapshot_association
-- grain: one row a perimeter and associated resource
with history as (
    select
        a.perimeter,
        a.resource,
        lower(a.access_mode) as access_mode,
        lower(a.public_network_access) as access,
        s.taken_at,
        s.confirmed_at,
        last(lower(a.access_mode) order by s.confirmed_at, s.taken_at, s.snapshot_id) over (
            partition by a.perimeter, a.resource
        ) as newest_mode,
        last(lower(a.public_network_access) order by s.confirmed_at, s.taken_at, s.snapshot_id) over (
            partition by a.perimeter, a.resource
        ) as newest_access
    from snapshot_association as a
    inner join inventory_snapshot as s on a.snapshot_id = s.snapshot_id
),

other_state as (
    select
        perimeter,
        resource,
        max(confirmed_at) filter (where access_mode is distinct from newest_mode) as last_mode,
        max(confirmed_at) filter (where access is distinct from newest_access) as last_access
    from history
    group by perimeter, resource
)

select
    h.perimeter,
    h.resource,
    min(if(h.taken_at > coalesce(o.last_mode, '-infinity'::timestamp), h.taken_at, h.confirmed_at)) filter (
        where h.access_mode = h.newest_mode and h.confirmed_at > coalesce(o.last_mode, '-infinity'::timestamp)
    ) as mode_since,
    min(if(h.taken_at > coalesce(o.last_access, '-infinity'::timestamp), h.taken_at, h.confirmed_at)) filter (
        where h.access = h.newest_access and h.confirmed_at > coalesce(o.last_access, '-infinity'::timestamp)
    ) as access_since
from history as h
inner join other_state as o on h.perimeter = o.perimeter and h.resource = o.resource
group by h.perimeter, h.resource
