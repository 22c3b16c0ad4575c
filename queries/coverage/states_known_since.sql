-- Perimeters whose logs are older than what the inventory tells of access modes and publicNetworkAccess.
-- reads: traffic, resource_state
-- grain: one row a perimeter
-- Older requests are judged by what is known now. unproven: of its resources that are open today, those without any
-- record that their own rules were asked, so that they may have been closed, and nobody refused then would be seen.
with state as (
    select
        s.perimeter,
        s.logged_profile,
        s.service_resource,
        coalesce(s.resource, s.service_resource) as resource,
        s.state_since,
        s.inbound_rules and s.inbound_otherwise = 'resource-rules' as is_open
    from resource_state as s
    where s.perimeter is not null and s.service_resource is not null and s.access_mode <> 'NotAssociated'
),

one as (
    select
        s.perimeter,
        s.resource,
        bool_or(s.is_open) as is_open,
        max(s.state_since) as known_since,
        min(t.hour) as first_hour,
        coalesce(
            sum(t.requests) filter (where t.hour < coalesce(s.state_since, 'infinity'::timestamp)), 0
        )::bigint as older_requests,
        count_if(t.direction = 'Inbound' and t.rule_origin = 'Resource')::bigint as asked
    from traffic as t
    inner join state as s
        on
            t.perimeter = s.perimeter
            and t.profile is not distinct from s.logged_profile
            and t.service_resource = s.service_resource
    where t.traffic_type = 'Public'
    group by s.perimeter, s.resource
)

select
    perimeter,
    count(*) as resources,
    count_if(known_since is null)::bigint as never_told,
    max(known_since) as known_since,
    sum(older_requests)::bigint as older_requests,
    count_if(is_open and asked = 0)::bigint as unproven,
    min(resource) filter (where is_open and asked = 0) as example
from one
where older_requests > 0
group by perimeter
order by perimeter
