-- When each version of a profile's access rules was first and last seen in the log.
-- reads: traffic, inventory_profile
-- grain: one row a perimeter, profile and version
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- A version that is seen after next_first_seen was still in use somewhere when the next had come. is_in_force compares
-- with the newest inventory; null where that knows no version.
with seen as (
    select
        perimeter,
        lower(profile) as profile,
        rules_version,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen,
        sum(requests)::bigint as requests,
        count(distinct service_resource) as resources
    from traffic
    where
        rules_version is not null
        and hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
    group by perimeter, lower(profile), rules_version
)

select
    s.perimeter,
    s.profile,
    s.rules_version,
    s.first_seen,
    s.last_seen,
    lead(s.first_seen) over (
        partition by s.perimeter, s.profile order by s.first_seen, s.last_seen, s.rules_version
    ) as next_first_seen,
    s.requests,
    s.resources,
    s.rules_version = p.rules_version as is_in_force
from seen as s
left join inventory_profile as p on s.perimeter = p.perimeter and s.profile = lower(p.profile)
order by
    s.perimeter,
    s.profile,
    s.first_seen,
    s.last_seen,
    s.rules_version
limit $limit
