-- Operations that succeed today and would be denied when enforced.
-- reads: verdict
-- grain: one row a perimeter, profile, direction and operation
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
select
    perimeter,
    lower(profile) as profile,
    direction,
    operation,
    sum(requests) filter (where verdict.denied_if_enforced)::bigint as denied_if_enforced,
    coalesce(
        sum(requests) filter (where verdict in ('allowed-by-rule', 'allowed-by-membership', 'allowed-by-link')), 0
    )::bigint as allowed,
    count(distinct service_resource) filter (where verdict.denied_if_enforced) as resources,
    count(distinct caller_key) filter (where verdict.denied_if_enforced) as callers
from verdict
where
    hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by perimeter, lower(profile), direction, operation
having count_if(verdict.denied_if_enforced) > 0
order by
    denied_if_enforced desc,
    perimeter,
    profile,
    direction,
    operation
limit $limit
