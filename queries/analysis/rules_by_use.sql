-- The access rules in force by what they admit: requests, callers, last use.
-- reads: verdict, inventory_association, inventory_rule_element
-- grain: one row a perimeter, profile, direction and rule
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- Each request counts for one rule: where several admit it, for that of the narrowest element. Older requests are judged
-- by the rules of today.
with association as (
    select
        perimeter,
        resource,
        min(lower(profile)) as profile
    from inventory_association
    group by perimeter, resource
),

rule as (
    select
        perimeter,
        lower(profile) as profile,
        direction,
        rule,
        count(*) as elements
    from inventory_rule_element
    where
        ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
    group by perimeter, lower(profile), direction, rule
),

flow as (
    select *
    from verdict
    where
        verdict = 'allowed-by-rule'
        and hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
),

usage as (
    select
        f.perimeter,
        -- the rules of a resource are those of the profile that it is associated with now
        coalesce(a.profile, lower(f.profile)) as profile,
        f.direction,
        coalesce(f.rule, f.matched_rule) as rule,
        count(distinct f.element) as elements_used,
        sum(f.requests)::bigint as requests,
        count(distinct f.caller_key) filter (where f.direction = 'Inbound') as callers,
        count(distinct f.destination_fqdn) filter (where f.direction = 'Outbound') as destinations,
        count(distinct f.service_resource) as resources,
        max(f.last_seen) as last_use
    from flow as f
    left join association as a on f.perimeter = a.perimeter and f.service_resource = a.resource
    group by f.perimeter, coalesce(a.profile, lower(f.profile)), f.direction, coalesce(f.rule, f.matched_rule)
)

select
    r.perimeter,
    r.profile,
    r.direction,
    r.rule,
    r.elements,
    coalesce(u.elements_used, 0) as elements_used,
    coalesce(u.requests, 0) as requests,
    coalesce(u.callers, 0) as callers,
    coalesce(u.destinations, 0) as destinations,
    coalesce(u.resources, 0) as resources,
    u.last_use
from rule as r
left join usage as u
    on r.perimeter = u.perimeter and r.profile = u.profile and r.direction = u.direction and r.rule = u.rule
order by
    requests desc,
    r.perimeter,
    r.profile,
    r.direction,
    r.rule
limit $limit
