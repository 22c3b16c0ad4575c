-- Who succeeds today and would be denied in a scenario, those with the most requests first.
-- reads: traffic, verdict_today, verdict_then
-- grain: one row a perimeter, profile, direction, caller or destination, and reason
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- The verdicts of today are kept in verdict_today, those of the scenario in verdict_then.
select
    v.perimeter,
    min(today.profile) as profile,
    v.direction,
    case
        when v.direction = 'Outbound' then coalesce(v.destination_fqdn, v.destination_resource)
        else v.caller_key
    end as caller,
    later.reason,
    sum(v.requests)::bigint as requests,
    count(distinct v.hour::date) as days_seen,
    list(distinct v.service_resource order by v.service_resource) as resources,
    min(v.first_seen) as first_seen,
    max(v.last_seen) as last_seen
from traffic as v
inner join verdict_today as today on v.rowid = today.flow
inner join verdict_then as later on v.rowid = later.flow
where
    -- what the log shows admitted although it should be refused already is lost as well
    (today.verdict <> 'denied' or starts_with(today.disagreement, 'resource-rules-while-'))
    and later.verdict = 'denied'
    and v.action = 'Approved'
    and v.hour >= coalesce($since, '-infinity'::timestamp)
    and v.hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or v.perimeter = lower($perimeter) or ends_with(v.perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(today.profile) = lower($profile))
group by
    v.perimeter,
    lower(today.profile),
    v.direction,
    caller,
    later.reason
order by
    requests desc,
    v.perimeter,
    profile,
    v.direction,
    caller,
    later.reason
limit $limit
