-- Callers that reach several resources, those with the most resources first.
-- reads: traffic
-- grain: one row a perimeter and caller of two resources or more
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
select
    perimeter,
    max_by(caller_kind, (last_seen, caller_kind)) as caller_kind,
    caller_key as caller,
    count(distinct service_resource) as resources,
    count(distinct lower(profile)) as profiles,
    count(distinct service_resource) filter (where action = 'Approved') as resources_that_admitted,
    sum(requests)::bigint as requests,
    coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied_requests,
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
having count(distinct service_resource) >= 2
order by
    resources desc,
    requests desc,
    perimeter,
    caller
limit $limit
