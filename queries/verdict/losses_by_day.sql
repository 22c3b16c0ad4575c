-- What a scenario would deny of each day's traffic, although it succeeds today.
-- reads: traffic, verdict_today, verdict_then
-- grain: one row a perimeter, profile, direction and day
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- The verdicts of today are kept in verdict_today, those of the scenario in verdict_then. A loss is what
-- verdict/changes calls one.
select
    v.perimeter,
    min(today.profile) as profile,
    v.direction,
    v.hour::date as day,
    sum(v.requests)::bigint as requests,
    coalesce(
        sum(v.requests) filter (
            where
            (today.verdict <> 'denied' or coalesce(starts_with(today.disagreement, 'resource-rules-while-'), false))
            and later.verdict = 'denied'
            and v.action = 'Approved'
        ),
        0
    )::bigint as lost_requests
from traffic as v
inner join verdict_today as today on v.rowid = today.flow
inner join verdict_then as later on v.rowid = later.flow
where
    v.hour >= coalesce($since, '-infinity'::timestamp)
    and v.hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or v.perimeter = lower($perimeter) or ends_with(v.perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(today.profile) = lower($profile))
group by
    v.perimeter,
    lower(today.profile),
    v.direction,
    v.hour::date
order by
    day,
    v.perimeter,
    profile,
    v.direction
