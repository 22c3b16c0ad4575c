-- Elements of access rules in force that admitted nothing in the window, with what speaks against removing them.
-- reads: verdict, resource_state, address, rule_span, rule_name, inventory_rule_element, service_tag_prefix
-- grain: one row an element of a rule
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- Where several elements admit a request it counts for each of them: none is unused because a narrower one, or the same
-- one in another rule, is there as well (nsp tighten names those that are not needed beside others). A window without a
-- month end says nothing about rules for month ends.
with flow as materialized (
    select
        v.perimeter,
        lower(v.profile) as profile,
        v.direction,
        v.rule_origin,
        v.action,
        v.matched_rule,
        v.reason,
        v.element_kind,
        v.element,
        v.rule,
        if(v.source_network = 'public', v.source_ip, null) as source_ip,
        v.source_subscription,
        v.destination_fqdn,
        s.takes_tags,
        v.requests
    from verdict as v
    left join resource_state as s
        on
            v.perimeter is not distinct from s.perimeter
            and v.logged_profile is not distinct from s.logged_profile
            and v.service_resource is not distinct from s.service_resource
    where
        v.hour >= coalesce($since, '-infinity'::timestamp)
        and v.hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or v.perimeter = lower($perimeter) or ends_with(v.perimeter, '/' || lower($perimeter)))
),

admitted as materialized (
    select distinct
        perimeter,
        profile,
        direction,
        element_kind,
        element,
        rule,
        source_ip,
        source_subscription,
        destination_fqdn,
        takes_tags
    from flow
    where reason = 'rule'
),

public_address as (
    select distinct
        canonical,
        value
    from address
    where value is not null
),

located as materialized (
    select
        f.perimeter,
        f.profile,
        f.takes_tags,
        a.value
    from admitted as f
    inner join public_address as a on f.source_ip = a.canonical
    where f.direction = 'Inbound'
),

prefix_span as (
    select *
    from rule_span
    where kind = 'address-prefixes'
),

tag_span as (
    select *
    from rule_span
    where kind = 'service-tags'
),

holding as (
    select
        s.perimeter,
        s.profile,
        s.kind,
        s.holders
    from located as l
    asof inner join prefix_span as s
        on l.perimeter = s.perimeter and l.profile = s.profile and l.value >= s.first_value
    where l.value <= s.last_value
    union
    select
        s.perimeter,
        s.profile,
        s.kind,
        s.holders
    from located as l
    asof inner join tag_span as s
        on l.perimeter = s.perimeter and l.profile = s.profile and l.value >= s.first_value
    where l.value <= s.last_value and l.takes_tags
),

holder as (
    select
        perimeter,
        profile,
        kind,
        unnest(from_json(holders, '[{"element": "VARCHAR", "rule": "VARCHAR"}]')) as held
    from holding
),

used as (
    select
        perimeter,
        profile,
        'Inbound' as direction,
        kind as element_kind,
        held.element,
        held.rule
    from holder
    union
    select
        n.perimeter,
        n.profile,
        n.direction,
        n.kind as element_kind,
        n.element,
        n.rule
    from rule_name as n
    inner join admitted as f
        on
            n.perimeter = f.perimeter
            and n.profile = f.profile
            and n.direction = f.direction
            and n.name = if(f.direction = 'Inbound', f.source_subscription, f.destination_fqdn)
    where n.kind = if(n.direction = 'Inbound', 'subscriptions', 'fqdns')
    union
    select
        perimeter,
        profile,
        direction,
        element_kind,
        element,
        rule
    from admitted
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
        when l.requests > 0 then 'the log names its rule: another element, or an older version'
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
