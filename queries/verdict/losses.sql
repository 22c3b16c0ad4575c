-- Who succeeds today and would be denied in a scenario, those with the most requests first.
-- reads: verdict, verdict_today
-- grain: one row a perimeter, profile, direction, caller or destination, and reason
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- To be asked within a scenario, with the verdicts of today kept in verdict_today.
select
    v.perimeter,
    min(v.profile) as profile,
    v.direction,
    case
        when v.direction = 'Outbound' then coalesce(v.destination_fqdn, v.destination_resource)
        else v.caller_key
    end as caller,
    v.reason,
    sum(v.requests)::bigint as requests,
    count(distinct v.hour::date) as days_seen,
    list(distinct v.service_resource order by v.service_resource) as resources,
    min(v.first_seen) as first_seen,
    max(v.last_seen) as last_seen
from verdict as v
inner join verdict_today as today on v.flow = today.flow
where
    today.verdict <> 'denied'
    and v.verdict = 'denied'
    and v.action = 'Approved'
    and v.hour >= coalesce($since, '-infinity'::timestamp)
    and v.hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or v.perimeter = lower($perimeter) or ends_with(v.perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(v.profile) = lower($profile))
group by
    v.perimeter,
    lower(v.profile),
    v.direction,
    caller,
    v.reason
order by
    requests desc,
    v.perimeter,
    profile,
    v.direction,
    caller,
    v.reason
limit $limit
