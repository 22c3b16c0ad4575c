-- What share of each resource's traffic each access rule admits.
-- reads: verdict
-- grain: one row a perimeter, resource, direction and rule
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- The share is of what is not denied, private endpoints and members included; attempts are left out.
with admitted as (
    select
        perimeter,
        service_resource as resource,
        direction,
        if(verdict = 'allowed-by-rule', coalesce(rule, matched_rule), null) as rule,
        verdict = 'allowed-by-rule' as is_by_rule,
        sum(requests)::bigint as requests,
        count(distinct caller_key) as callers
    from verdict
    where
        verdict not in ('attempt', 'denied')
        and hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
    group by
        perimeter,
        service_resource,
        direction,
        if(verdict = 'allowed-by-rule', coalesce(rule, matched_rule), null),
        verdict = 'allowed-by-rule'
),

shared as (
    select
        *,
        round(requests / sum(requests) over (partition by perimeter, resource, direction), 4) as share
    from admitted
)

select
    perimeter,
    resource,
    direction,
    rule,
    requests,
    callers,
    share
from shared
where is_by_rule
order by
    perimeter,
    resource,
    direction,
    requests desc,
    rule
limit $limit
