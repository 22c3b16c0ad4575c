-- Addresses that call with an identity and without one: keys or SAS beside it, or several callers behind one address.
-- reads: traffic
-- grain: one row a perimeter and address
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- No log field tells how a caller signed in: this is where to look, not proof. A member that calls without its
-- identity is not recognised as one, and its key or SAS is refused under subscription rules.
with flow as (
    select
        *,
        coalesce(source_resource, source_app_id) as identity
    from traffic
    where
        direction = 'Inbound'
        and traffic_type is distinct from 'Private'
        and source_ip is not null
        and hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
)

select
    perimeter,
    source_network,
    source_ip,
    count(distinct identity) as identities,
    sum(requests) filter (where identity is not null)::bigint as requests_with_identity,
    sum(requests) filter (where identity is null)::bigint as requests_without_identity,
    count(distinct service_resource) filter (where identity is null) as resources_without_identity,
    min(first_seen) filter (where identity is null) as first_without_identity,
    max(last_seen) filter (where identity is null) as last_without_identity
from flow
group by perimeter, source_network, source_ip
having count(identity) > 0 and count(identity) < count(*)
order by
    requests_without_identity desc,
    perimeter,
    source_ip,
    source_network
limit $limit
