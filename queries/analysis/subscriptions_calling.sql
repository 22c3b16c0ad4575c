-- Subscriptions that call: with how many resources and identities, and what they reach.
-- reads: traffic
-- grain: one row a perimeter and calling subscription
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- A subscription rule admits every managed identity of the subscription, not only the resources counted here.
select
    perimeter,
    source_subscription as subscription,
    count(distinct source_resource) as calling_resources,
    count(distinct source_app_id) as app_ids,
    count(distinct source_ip) as addresses,
    count(distinct service_resource) as resources,
    count(distinct lower(profile)) as profiles,
    sum(requests)::bigint as requests,
    coalesce(sum(requests) filter (where traffic_type = 'Public'), 0)::bigint as public_requests,
    coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied_requests,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from traffic
where
    direction = 'Inbound'
    and source_subscription is not null
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by perimeter, source_subscription
order by
    requests desc,
    perimeter,
    subscription
limit $limit
