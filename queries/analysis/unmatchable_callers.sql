-- Public calls from addresses that no address rule can match, such as service endpoints, with what helps instead.
-- reads: traffic
-- grain: one row a perimeter, address and remedy
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
with flow as (
    select
        *,
        case
            when source_subscription is not null
                then 'a subscription rule, if it calls with a managed identity; no rule admits a key or SAS'
            when source_network in ('private', 'unique-local')
                then 'a service endpoint or a private network: use a private endpoint or a managed identity'
            when source_network = 'shared'
                then 'behind a carrier''s NAT: find the public address, or use a private endpoint'
            when source_network = 'translated' then 'a translated or tunnelled address: call over native IPv4 or IPv6'
            when source_network = 'azure-platform'
                then 'Azure itself: a managed identity, for trusted access ends with enforcement'
            else 'no address that anybody can call from: ask the service for its owner'
        end as remedy
    from traffic
    where
        direction = 'Inbound'
        and traffic_type = 'Public'
        and source_network <> 'public'
        and hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
)

select
    perimeter,
    source_network,
    source_ip,
    remedy,
    count(distinct caller_key) as callers,
    count(distinct service_resource) as resources,
    sum(requests)::bigint as requests,
    coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied_requests,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from flow
group by perimeter, source_network, source_ip, remedy
order by
    requests desc,
    perimeter,
    source_ip,
    remedy
limit $limit
