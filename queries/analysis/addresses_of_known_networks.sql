-- The addresses of each known network that call, with the owner to ask.
-- reads: traffic, address, network_span
-- grain: one row a known network, perimeter and address
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
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
    l.network_name,
    l.network_owner,
    f.perimeter,
    f.source_ip,
    count(distinct f.service_resource) as resources,
    count(distinct f.hour::date) as days_seen,
    sum(f.requests)::bigint as requests,
    coalesce(sum(f.requests) filter (where f.action = 'Denied'), 0)::bigint as denied_requests,
    min(f.first_seen) as first_seen,
    max(f.last_seen) as last_seen
from flow as f
inner join located as l on f.source_ip = l.canonical
where l.network_name is not null
group by l.network_name, l.network_owner, f.perimeter, f.source_ip
order by
    l.network_name,
    l.network_owner,
    requests desc,
    f.perimeter,
    f.source_ip
limit $limit
