-- Callers that never succeeded: scanners, or somebody whose rule is missing.
-- reads: traffic
-- grain: one row a perimeter and caller
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- One request of unknown outcome takes a caller off this list, as one that succeeded does.
select
    perimeter,
    max_by(caller_kind, (last_seen, caller_kind)) as caller_kind,
    caller_key as caller,
    sum(requests)::bigint as denied_requests,
    count(distinct service_resource) as resources,
    count(distinct operation) as operations,
    count(distinct hour::date) as days_seen,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from traffic
where
    direction = 'Inbound'
    and caller_key is not null
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by perimeter, caller_key
having bool_and(action is not distinct from 'Denied')
order by
    resources desc,
    denied_requests desc,
    perimeter,
    caller
limit $limit
