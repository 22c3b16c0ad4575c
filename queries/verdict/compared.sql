-- Flows by their verdict of today and that of the scenario that is set up, and what kind of change that is.
-- reads: verdict, verdict_today
-- grain: one row of traffic
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- The verdicts of today are kept in verdict_today. is_loss: it succeeded and would be denied. is_denied_already: it
-- succeeded once, and what the inventory tells of today denies it as well. is_unjudged: nobody can tell, though today
-- something is known, or though it succeeded. The profile is that of today. What only losses are asked for is null of
-- others; a part of an associated resource is told as that resource.
select
    v.perimeter,
    v.profile,
    v.direction,
    v.hour::date as day,
    if(v.direction = 'Outbound', coalesce(v.destination_fqdn, v.destination_resource), v.caller_key) as party,
    v.requests,
    today.verdict as verdict_today,
    v.verdict as verdict_then,
    v.reason,
    -- refused today as well, unless the log shows the contrary; attempts have no outcome
    coalesce(
        v.verdict = 'denied'
        and v.action = 'Approved'
        and (today.verdict <> 'denied' or starts_with(today.disagreement, 'resource-rules-while-')),
        false
    ) as is_loss,
    coalesce(v.verdict = 'denied' and v.action = 'Approved' and not is_loss, false) as is_denied_already,
    v.verdict = 'unknown'
    and (
        today.verdict <> 'unknown'
        or (v.reason in ('mode', 'category', 'link-unknown') and v.action is distinct from 'Denied')
    ) as is_unjudged,
    if(is_loss, coalesce(v.associated_resource, v.service_resource), null) as resource,
    if(is_loss, v.first_seen, null) as first_seen,
    if(is_loss, v.last_seen, null) as last_seen
from verdict as v
inner join verdict_today as today on v.flow = today.flow
where
    v.hour >= coalesce($since, '-infinity'::timestamp)
    and v.hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or v.perimeter = lower($perimeter) or ends_with(v.perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(v.profile) = lower($profile))
