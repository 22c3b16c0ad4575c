-- Traffic by direction, traffic type and action.
-- reads: traffic
-- grain: one row a direction, traffic type and action
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
select
    direction,
    traffic_type,
    action,
    sum(requests)::bigint as requests,
    sum(records)::bigint as records,
    count(distinct caller_key) as callers,
    count(distinct hour::date) as days_seen,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from traffic
where
    hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by
    direction,
    traffic_type,
    action
order by
    requests desc,
    direction,
    traffic_type,
    action
limit $limit
