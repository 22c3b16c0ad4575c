-- Traffic by the resource that wrote the records.
-- reads: verdict
-- grain: one row a resource
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
select
    service_resource as resource,
    profile,
    sum(requests)::bigint as requests,
    sum(records)::bigint as records,
    coalesce(sum(requests) filter (where verdict.denied_if_enforced), 0)::bigint as denied_if_enforced,
    count(distinct caller_key) as callers,
    count(distinct hour::date) as days_seen,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from verdict
where
    hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by
    service_resource,
    profile
order by
    requests desc,
    resource,
    profile
limit $limit
