-- What a scenario changes: flows by the verdict of today and that of the scenario.
-- reads: traffic, verdict_today, verdict_then
-- grain: one row a perimeter, profile, direction, both verdicts, the reason and what kind of change it is
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- The verdicts of today are kept in verdict_today, those of the scenario in verdict_then. is_loss: it succeeded and would
-- be denied. is_denied_already: it succeeded once, and what the inventory tells of today denies it as well. is_unjudged:
-- nobody can tell, though today something is known, or though it succeeded.
with judged as (
    select
        v.perimeter,
        today.profile,
        v.direction,
        today.verdict as verdict_today,
        later.verdict as verdict_then,
        later.reason,
        v.requests,
        coalesce(if(v.direction = 'Outbound', v.destination_fqdn, v.caller_key), '') as party,
        later.verdict = 'denied' and v.action = 'Approved' as succeeded,
        -- refused today as well, unless the log shows the contrary; attempts have no outcome
        today.verdict = 'denied' and not coalesce(starts_with(today.disagreement, 'resource-rules-while-'), false)
            as is_refused,
        later.verdict = 'unknown'
        and (
            today.verdict <> 'unknown'
            or (later.reason in ('mode', 'category', 'link-unknown') and v.action is distinct from 'Denied')
        ) as is_unjudged
    from traffic as v
    inner join verdict_today as today on v.rowid = today.flow
    inner join verdict_then as later on v.rowid = later.flow
    where
        v.hour >= coalesce($since, '-infinity'::timestamp)
        and v.hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or v.perimeter = lower($perimeter) or ends_with(v.perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(today.profile) = lower($profile))
)

select
    perimeter,
    min(profile) as profile,
    direction,
    verdict_today,
    verdict_then,
    reason,
    coalesce(succeeded and not is_refused, false) as is_loss,
    coalesce(succeeded and is_refused, false) as is_denied_already,
    is_unjudged,
    sum(requests)::bigint as requests,
    count(*) as flows,
    count(distinct party) as callers
from judged
group by
    perimeter,
    lower(profile),
    direction,
    verdict_today,
    verdict_then,
    reason,
    coalesce(succeeded and not is_refused, false),
    coalesce(succeeded and is_refused, false),
    is_unjudged
order by
    is_loss desc,
    requests desc,
    perimeter,
    profile,
    direction,
    verdict_today,
    verdict_then,
    reason,
    is_denied_already
