-- Resources called both by private endpoint and in public: DNS or a proxy leads some callers past the endpoint.
-- reads: traffic
-- grain: one row a perimeter and resource called both ways
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
with calling as (
    select
        perimeter,
        service_resource as resource,
        coalesce(source_resource, source_app_id) as identity,
        source_ip,
        coalesce(sum(requests) filter (where traffic_type = 'Private'), 0)::bigint as private_requests,
        coalesce(sum(requests) filter (where traffic_type = 'Public'), 0)::bigint as public_requests,
        coalesce(sum(requests) filter (where traffic_type = 'Public' and action = 'Denied'), 0)::bigint
            as public_denied_requests,
        min(first_seen) filter (where traffic_type = 'Public') as first_public,
        max(last_seen) filter (where traffic_type = 'Public') as last_public
    from traffic
    where
        direction = 'Inbound'
        and traffic_type in ('Private', 'Public')
        and service_resource is not null
        and hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
    group by perimeter, service_resource, coalesce(source_resource, source_app_id), source_ip
),

identified as (
    select
        *,
        -- the same identity comes both ways: surely a caller that was meant to use the endpoint
        identity is not null
        and sum(private_requests) over (partition by perimeter, resource, identity) > 0
        and sum(public_requests) over (partition by perimeter, resource, identity) > 0 as is_both_ways
    from calling
)

select
    perimeter,
    resource,
    sum(private_requests)::bigint as private_requests,
    sum(public_requests)::bigint as public_requests,
    sum(public_denied_requests)::bigint as public_denied_requests,
    round(sum(public_requests) / sum(private_requests + public_requests), 4) as public_share,
    count(distinct source_ip) filter (where public_requests > 0) as public_addresses,
    count(distinct identity) filter (where is_both_ways) as identities_both_ways,
    min(first_public) as first_public,
    max(last_public) as last_public
from identified
group by perimeter, resource
having sum(private_requests) > 0 and sum(public_requests) > 0
order by
    public_requests desc,
    perimeter,
    resource
limit $limit
