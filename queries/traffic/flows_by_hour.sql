-- Traffic by hour.
-- reads: verdict
-- grain: one row an hour
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
select
    hour,
    sum(requests)::bigint as requests,
    sum(records)::bigint as records,
    coalesce(sum(requests) filter (where verdict.denied_if_enforced), 0)::bigint as denied_if_enforced,
    count(distinct caller_key) as callers
from verdict
where
    hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by
    hour
order by
    hour
limit $limit
