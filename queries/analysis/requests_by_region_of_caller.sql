-- Requests by where the caller is: known network, service tag and Azure region of its address.
-- reads: traffic, address, network_span
-- grain: one row a perimeter, known network, service tag and Azure region
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- Public addresses of no known network or tag stand in one row without any of the three.
with public_address as (
    select distinct
        canonical,
        value
    from address
    where value is not null
),

located as (
    select
        a.canonical,
        s.network_name,
        s.network_owner,
        s.service_tag,
        s.azure_region
    from public_address as a
    asof inner join network_span as s on a.value >= s.first_value
    where a.value <= s.last_value
),

flow as (
    select *
    from traffic
    where
        direction = 'Inbound'
        and hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
)

select
    f.perimeter,
    f.source_network,
    l.network_name,
    l.service_tag,
    l.azure_region,
    count(distinct f.source_ip) as addresses,
    count(distinct f.caller_key) as callers,
    count(distinct f.service_resource) as resources,
    sum(f.requests)::bigint as requests,
    coalesce(sum(f.requests) filter (where f.action = 'Denied'), 0)::bigint as denied_requests,
    min(f.first_seen) as first_seen,
    max(f.last_seen) as last_seen
from flow as f
left join located as l on f.source_ip = l.canonical
group by f.perimeter, f.source_network, l.network_name, l.service_tag, l.azure_region
order by
    requests desc,
    f.perimeter,
    f.source_network,
    l.network_name,
    l.service_tag,
    l.azure_region
limit $limit
