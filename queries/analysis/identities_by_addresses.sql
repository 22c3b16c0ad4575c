-- Resources and applications by the number of addresses that they call from.
-- reads: traffic
-- grain: one row a perimeter and identity
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- Many addresses speak for a rule by identity, or for credentials in use in several places.
select
    perimeter,
    max_by(caller_kind, (last_seen, caller_kind)) as caller_kind,
    coalesce(source_resource, source_app_id) as identity,
    count(distinct source_ip) as addresses,
    count(distinct source_ip) filter (where source_network = 'public') as public_addresses,
    count(distinct service_resource) as resources,
    sum(requests)::bigint as requests,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from traffic
where
    direction = 'Inbound'
    and coalesce(source_resource, source_app_id) is not null
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by perimeter, coalesce(source_resource, source_app_id)
order by
    addresses desc,
    requests desc,
    perimeter,
    identity
limit $limit
