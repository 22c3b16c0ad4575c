-- Traffic by what happens to it today, and why.
-- reads: verdict, verdict_reason
-- grain: one row a direction, verdict and reason
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
select
    v.direction,
    v.verdict,
    v.reason,
    any_value(r.meaning) as meaning,
    sum(v.requests)::bigint as requests,
    sum(v.records)::bigint as records,
    sum(v.requests) filter (where v.assumed)::bigint as requests_on_assumptions,
    count(distinct v.caller_key) as callers,
    count(distinct v.service_resource) as resources,
    min(v.first_seen) as first_seen,
    max(v.last_seen) as last_seen
from verdict as v
inner join verdict_reason as r on v.reason = r.reason
where
    v.hour >= coalesce($since, '-infinity'::timestamp)
    and v.hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or v.perimeter = lower($perimeter) or ends_with(v.perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(v.profile) = lower($profile))
group by
    v.direction,
    v.verdict,
    v.reason
order by
    requests desc,
    v.direction,
    v.verdict,
    v.reason
limit $limit
