-- Resources by how many public callers they let in.
-- reads: traffic, inventory_association
-- grain: one row a perimeter and resource called in public
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
with exposed as (
    select
        perimeter,
        service_resource as resource,
        count(distinct caller_key) filter (where action = 'Approved') as public_callers,
        count(distinct source_ip) filter (where action = 'Approved') as public_addresses,
        count(distinct source_ip) filter (
            where action = 'Approved' and source_resource is null and source_app_id is null
        ) as addresses_without_identity,
        count(distinct caller_key) filter (where action = 'Denied') as denied_callers,
        coalesce(sum(requests) filter (where action = 'Approved'), 0)::bigint as public_requests,
        coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied_requests,
        coalesce(sum(requests) filter (where action = 'Approved' and rule_origin = 'Resource'), 0)::bigint
            as requests_by_resource_rules
    from traffic
    where
        direction = 'Inbound'
        and traffic_type = 'Public'
        and hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
    group by perimeter, service_resource
),

association as (
    select
        perimeter,
        resource,
        access_mode,
        public_network_access
    from inventory_association
    qualify row_number() over (partition by perimeter, resource order by profile, association) = 1
)

select
    e.perimeter,
    e.resource,
    a.access_mode,
    a.public_network_access,
    e.public_callers,
    e.public_addresses,
    e.addresses_without_identity,
    e.denied_callers,
    e.public_requests,
    e.denied_requests,
    e.requests_by_resource_rules
from exposed as e
left join association as a on e.perimeter = a.perimeter and e.resource = a.resource
order by
    e.public_callers desc,
    e.public_requests desc,
    e.perimeter,
    e.resource
limit $limit
