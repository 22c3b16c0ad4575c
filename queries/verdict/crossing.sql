-- Destinations in other perimeters that the inventory knows, and whether a link lets calls out to them.
-- reads: traffic, inventory_perimeter, inventory_association, inventory_link, member_host
-- grain: one row a perimeter and destination: an ARM id, or a host name where the log has none
-- A link joins two perimeters, and names the profiles of the other side that may be called. Of a destination whose
-- perimeter the inventory doesn't know there is no row: nobody can tell whether a link lets out to it.
with outbound_link as (
    select
        l.perimeter,
        coalesce(l.remote_perimeter, i.perimeter) as remote,
        lower(l.remote_inbound_profiles) as profiles
    from inventory_link as l
    left join inventory_perimeter as i on lower(l.remote_guid) = lower(i.perimeter_guid)
    where coalesce(l.status, 'Approved') ilike 'approved'
),

destination as (
    select distinct
        perimeter,
        coalesce(destination_resource, destination_fqdn) as destination
    from traffic
    where traffic_type = 'Cross' and direction = 'Outbound'
),

remote_member as (
    select
        c.perimeter,
        c.destination,
        a.perimeter as remote,
        a.profile
    from destination as c
    inner join inventory_association as a
        on c.perimeter <> a.perimeter and (c.destination = a.resource or starts_with(c.destination, a.resource || '/'))
    union
    select
        c.perimeter,
        c.destination,
        a.perimeter as remote,
        a.profile
    from destination as c
    inner join member_host as h on c.destination = h.host and c.perimeter <> h.perimeter
    inner join inventory_association as a on h.perimeter = a.perimeter and h.resource = a.resource
)

select
    m.perimeter,
    m.destination,
    bool_or(
        l.remote is not null
        and (
            l.profiles is null
            or list_contains(from_json(l.profiles, '["VARCHAR"]'), '*')
            or list_contains(from_json(l.profiles, '["VARCHAR"]'), lower(m.profile))
        )
    ) as is_let_out
from remote_member as m
left join outbound_link as l on m.perimeter = l.perimeter and m.remote = l.remote
group by m.perimeter, m.destination
