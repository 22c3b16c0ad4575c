-- Who talks across perimeters, and whether a link is known that allows it.
-- reads: traffic, inventory_perimeter, inventory_link, inventory_association
-- grain: one row a perimeter, direction and other perimeter
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- A caller that is in several other perimeters counts for each of them. Only an Approved link allows anything.
-- Outbound records name no perimeter: the other side is that in which the inventory lists the resource called.
with flow as (
    select
        perimeter,
        direction,
        service_resource,
        if(direction = 'Inbound', source_perimeters, null) as source_perimeters,
        if(direction = 'Outbound', destination_resource, null) as destination_resource,
        sum(requests)::bigint as requests,
        coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied_requests,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen
    from traffic
    where
        traffic_type = 'Cross'
        and direction is not null
        and hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
    group by
        perimeter,
        direction,
        service_resource,
        if(direction = 'Inbound', source_perimeters, null),
        if(direction = 'Outbound', destination_resource, null)
),

listed as (
    select distinct source_perimeters
    from flow
    where json_valid(source_perimeters)
),

named as (
    select
        source_perimeters,
        lower(unnest(from_json(source_perimeters, '["VARCHAR"]'))) as guid
    from listed
),

own as (
    select
        perimeter,
        lower(perimeter_guid) as guid,
        links_known
    from inventory_perimeter
),

called_from as (
    select distinct
        perimeter,
        source_perimeters
    from flow
),

-- the perimeters of each caller, but for the one called
source as (
    select distinct
        f.perimeter,
        n.source_perimeters,
        n.guid
    from called_from as f
    inner join named as n on f.source_perimeters = n.source_perimeters
    left join own as o on f.perimeter = o.perimeter
    where n.guid is distinct from o.guid
),

elsewhere as (
    select
        resource,
        min(perimeter) as perimeter
    from inventory_association
    group by resource
    having count(distinct perimeter) = 1
),

placed as (
    select
        f.perimeter,
        f.direction,
        f.service_resource,
        f.requests,
        f.denied_requests,
        f.first_seen,
        f.last_seen,
        coalesce(s.guid, remote.guid) as other_guid,
        coalesce(by_guid.perimeter, e.perimeter) as other_perimeter
    from flow as f
    left join source as s
        on f.perimeter is not distinct from s.perimeter and f.source_perimeters = s.source_perimeters
    left join own as by_guid on s.guid = by_guid.guid
    left join elsewhere as e
        on f.destination_resource = e.resource and f.perimeter <> e.perimeter
    left join own as remote on e.perimeter = remote.perimeter
),

link as (
    select
        l.perimeter,
        coalesce(lower(l.remote_guid), o.guid, l.remote_perimeter) as other,
        min_by(l.link, (coalesce(l.status, 'Approved') <> 'Approved', l.link)) as link,
        min_by(coalesce(l.status, 'not told'), (coalesce(l.status, 'Approved') <> 'Approved', l.link)) as status
    from inventory_link as l
    left join own as o on l.remote_perimeter = o.perimeter
    group by l.perimeter, coalesce(lower(l.remote_guid), o.guid, l.remote_perimeter)
)

select
    p.perimeter,
    p.direction,
    p.other_guid,
    p.other_perimeter,
    case
        when k.link is not null then 'known'
        when not coalesce(o.links_known, false) then 'links were not read'
        when coalesce(p.other_guid, p.other_perimeter) is null then 'the other side is not known'
        else 'none'
    end as link_is,
    k.link,
    k.status as link_status,
    count(distinct p.service_resource) as resources,
    sum(p.requests)::bigint as requests,
    sum(p.denied_requests)::bigint as denied_requests,
    min(p.first_seen) as first_seen,
    max(p.last_seen) as last_seen
from placed as p
left join own as o on p.perimeter = o.perimeter
left join link as k on p.perimeter = k.perimeter and coalesce(p.other_guid, p.other_perimeter) = k.other
group by p.perimeter, p.direction, p.other_guid, p.other_perimeter, o.links_known, k.link, k.status
order by
    requests desc,
    p.perimeter,
    p.direction,
    p.other_guid,
    p.other_perimeter
limit $limit
