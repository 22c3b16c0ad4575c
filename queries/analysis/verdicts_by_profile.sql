-- What happens to the traffic of each profile: requests by verdict.
-- reads: verdict
-- grain: one row a perimeter, profile, direction and verdict
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- Attempts have no verdict and stand as attempt. is_assumed: the inventory lacks the mode, publicNetworkAccess or rules of some.
with told as (
    select
        perimeter,
        lower(profile) as profile,
        direction,
        verdict,
        sum(requests)::bigint as requests,
        count(distinct caller_key) as callers,
        count(distinct service_resource) as resources,
        bool_or(assumed) as is_assumed
    from verdict
    where
        hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
    group by perimeter, lower(profile), direction, verdict
)

select
    perimeter,
    profile,
    direction,
    verdict,
    requests,
    round(requests / sum(requests) over (partition by perimeter, profile, direction), 4) as share,
    callers,
    resources,
    is_assumed
from told
order by
    perimeter,
    profile,
    direction,
    requests desc,
    verdict
limit $limit
