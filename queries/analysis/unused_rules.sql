-- Elements of access rules in force that admitted nothing in the window, with what speaks against removing them.
-- reads: verdict, inventory_association, inventory_rule_element, service_tag_prefix
-- grain: one row an element of a rule
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- Where several elements admit a request it counts for the narrowest; the others are listed, for they are not needed
-- beside it. A window without a month end says nothing about rules for month ends.
with association as (
    select
        perimeter,
        resource,
        min(lower(profile)) as profile
    from inventory_association
    group by perimeter, resource
),

flow as materialized (
    select
        v.perimeter,
        -- the rules of a resource are those of the profile that it is associated with now
        coalesce(a.profile, lower(v.profile)) as profile,
        v.direction,
        v.rule_origin,
        v.action,
        v.matched_rule,
        v.verdict,
        v.element_kind,
        v.element,
        v.rule,
        v.requests
    from (
        select *
        from verdict
        where
            hour >= coalesce($since, '-infinity'::timestamp)
            and hour < coalesce($until, 'infinity'::timestamp)
            and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    ) as v
    left join association as a on v.perimeter = a.perimeter and v.service_resource = a.resource
),

used as (
    select distinct
        perimeter,
        profile,
        direction,
        element_kind,
        element,
        rule
    from flow
    where verdict = 'allowed-by-rule' and element is not null
),

logged as (
    select
        perimeter,
        profile,
        direction,
        matched_rule,
        sum(requests)::bigint as requests
    from flow
    where rule_origin = 'Perimeter' and action = 'Approved'
    group by perimeter, profile, direction, matched_rule
),

observed as (
    select
        perimeter,
        profile,
        direction,
        sum(requests)::bigint as requests
    from flow
    group by perimeter, profile, direction
),

element as (
    select
        perimeter,
        lower(profile) as profile,
        direction,
        rule,
        kind,
        element
    from inventory_rule_element
    where
        ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
),

tag as (
    select distinct lower(tag) as tag
    from service_tag_prefix
)

select
    e.perimeter,
    e.profile,
    e.direction,
    e.rule,
    e.kind,
    e.element,
    coalesce(o.requests, 0) as requests_of_profile,
    coalesce(l.requests, 0) as requests_as_logged,
    case
        when e.kind = 'perimeters' then 'not judged: it comes with a link'
        when e.kind in ('email-addresses', 'phone-numbers') then 'not judged: calls to it cannot be told apart'
        when e.kind = 'service-tags' and t.tag is null then 'not judged: the prefixes of this tag are not loaded'
        when e.kind = 'fqdns' and contains(e.element, '*') then 'not judged: how wildcards match is not published'
        when coalesce(o.requests, 0) = 0 then 'no evidence: the profile has no traffic in this direction'
        when l.requests > 0
            then 'the log names its rule: another element, an older version, or a narrower rule'
    end as caution
from element as e
left join used as u
    on
        e.perimeter = u.perimeter
        and e.profile = u.profile
        and e.direction = u.direction
        and e.kind = u.element_kind
        and e.element = u.element
        and e.rule = u.rule
left join logged as l
    on e.perimeter = l.perimeter and e.profile = l.profile and e.direction = l.direction and e.rule = l.matched_rule
left join observed as o on e.perimeter = o.perimeter and e.profile = o.profile and e.direction = o.direction
left join tag as t on lower(e.element) = t.tag
where u.element is null
order by
    e.perimeter,
    e.profile,
    e.direction,
    e.rule,
    e.kind,
    e.element
limit $limit
