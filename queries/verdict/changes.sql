-- What a scenario changes: flows by the verdict of today and that of the scenario.
-- reads: traffic, verdict_today, verdict_then
-- grain: one row a perimeter, profile, direction, and both verdicts
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- The verdicts of today are kept in verdict_today, those of the scenario in verdict_then.
select
    v.perimeter,
    min(today.profile) as profile,
    v.direction,
    today.verdict as verdict_today,
    later.verdict as verdict_then,
    later.reason,
    -- what is refused today as well is no loss, and attempts have no outcome
    (today.verdict <> 'denied' or coalesce(today.disagreement = 'resource-rules-while-enforced', false))
    and later.verdict = 'denied'
    and v.action = 'Approved' as is_loss,
    -- nobody can tell, though today something is known, or though it succeeded
    later.verdict = 'unknown'
    and (today.verdict <> 'unknown' or (later.reason in ('mode', 'category', 'link-unknown') and v.action is distinct from 'Denied'))
        as is_unjudged,
    sum(v.requests)::bigint as requests,
    count(*) as flows,
    count(distinct coalesce(if(v.direction = 'Outbound', v.destination_fqdn, v.caller_key), '')) as callers
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
    today.verdict,
    later.verdict,
    later.reason,
    is_loss,
    is_unjudged
order by
    is_loss desc,
    requests desc,
    v.perimeter,
    profile,
    v.direction,
    verdict_today,
    verdict_then,
    later.reason
