-- Traffic by caller, public callers with the address or identity that a rule would name.
-- reads: verdict
-- grain: one row a caller and kind
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
select
    caller_kind,
    caller_key as caller,
    sum(requests)::bigint as requests,
    sum(records)::bigint as records,
    coalesce(sum(requests) filter (where verdict.denied_if_enforced), 0)::bigint as denied_if_enforced,
    count(distinct source_ip) as addresses,
    count(distinct service_resource) as resources,
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
    caller_kind,
    caller_key
order by
    requests desc,
    caller_kind,
    caller
limit $limit
