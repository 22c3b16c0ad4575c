-- What happens to each flow today, or in the scenario that is set up: the verdict, why, and by which rule.
-- reads: traffic, address, inventory_perimeter, inventory_link, rule_span, rule_name, member_host, crossing, resource_state, member_part, working_pair, caller_perimeter, verdict_reason
-- grain: one row of traffic
-- Rules, modes and members are those of the newest inventory, or of the temporary tables rule_span, rule_name and
-- scenario that stand in their place; profile is the one that the resource belongs to today. The logged category is
-- evidence, not truth: where it was written under the very version of the rules that is in force, it shows whom they
-- really admit; older rows are judged by today's rules. associated_resource: the one of the inventory that
-- service_resource is, or is a part of.
with state as materialized (
    select *
    from resource_state
),

-- a number a profile: rows are joined by it, not by long ids
profile_key as materialized (
    select distinct
        perimeter,
        profile,
        profile_id
    from state
),

caller_address as (
    select distinct
        s.profile_id,
        t.source_ip
    from traffic as t
    inner join state as s
        on
            t.perimeter is not distinct from s.perimeter
            and t.profile is not distinct from s.logged_profile
            and t.service_resource is not distinct from s.service_resource
    where t.source_network = 'public' and t.direction = 'Inbound'
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
        c.profile_id,
        c.source_ip,
        a.value
    from caller_address as c
    inner join public_address as a on c.source_ip = a.canonical
),

prefix_span as (
    select
        k.profile_id,
        r.first_value,
        r.last_value,
        r.element,
        r.rule,
        r.in_force
    from rule_span as r
    inner join profile_key as k on r.perimeter = k.perimeter and r.profile = k.profile
    where r.kind = 'address-prefixes'
),

tag_span as (
    select
        k.profile_id,
        r.first_value,
        r.last_value,
        r.element,
        r.rule,
        r.in_force
    from rule_span as r
    inner join profile_key as k on r.perimeter = k.perimeter and r.profile = k.profile
    where r.kind = 'service-tags'
),

by_prefix as (
    select
        l.profile_id,
        l.source_ip,
        s.element,
        s.rule,
        s.in_force
    from located as l
    asof inner join prefix_span as s on l.profile_id = s.profile_id and l.value >= s.first_value
    where l.value <= s.last_value
),

by_tag as (
    select
        l.profile_id,
        l.source_ip,
        s.element,
        s.rule,
        s.in_force
    from located as l
    asof inner join tag_span as s on l.profile_id = s.profile_id and l.value >= s.first_value
    where l.value <= s.last_value
),

named as materialized (
    select
        k.profile_id,
        r.direction,
        r.kind,
        r.name,
        min_by(r.element, (r.rule, r.element)) as element,
        min(r.rule) as rule,
        bool_or(r.in_force) as in_force
    from rule_name as r
    inner join profile_key as k on r.perimeter = k.perimeter and r.profile = k.profile
    group by k.profile_id, r.direction, r.kind, r.name
),

subscription_rule as (
    select *
    from named
    where kind = 'subscriptions' and direction = 'Inbound'
),

host_rule as (
    select *
    from named
    where kind = 'fqdns' and direction = 'Outbound'
),

perimeter_rule as (
    select *
    from named
    where kind = 'perimeters' and direction = 'Inbound'
),

rule_in_force as (
    select *
    from named
    where kind = 'rule' and in_force
),

by_perimeter as (
    select
        r.profile_id,
        c.source_perimeters,
        min(r.element) as element,
        min_by(r.rule, r.element) as rule,
        bool_or(r.in_force) as in_force
    from caller_perimeter as c
    inner join perimeter_rule as r on c.guid = r.name
    group by r.profile_id, c.source_perimeters
),

called_host as materialized (
    select
        perimeter,
        host,
        min(resource) as resource
    from member_host
    group by perimeter, host
),

-- links by the guid of the other side, for each profile that takes part
link as materialized (
    select distinct
        l.perimeter,
        coalesce(lower(l.remote_guid), lower(i.perimeter_guid)) as guid,
        k.profile_id
    from inventory_link as l
    inner join profile_key as k on l.perimeter = k.perimeter
    left join inventory_perimeter as i on l.remote_perimeter = i.perimeter
    where
        coalesce(l.status, 'Approved') ilike 'approved'
        and (
            l.local_inbound_profiles is null
            or list_contains(from_json(l.local_inbound_profiles, '["VARCHAR"]'), '*')
            or list_contains(from_json(lower(l.local_inbound_profiles), '["VARCHAR"]'), k.profile)
        )
),

linked as (
    select distinct
        l.perimeter,
        l.profile_id,
        c.source_perimeters
    from link as l
    inner join caller_perimeter as c on l.guid = c.guid
),

own as (
    select distinct
        i.perimeter,
        c.source_perimeters
    from inventory_perimeter as i
    inner join caller_perimeter as c on lower(i.perimeter_guid) = c.guid
),

-- what each flow meets: an alias is written out wherever it is used in the same list, so lists build on one another
matched as (
    select
        t.rowid as flow,
        t.* exclude (profile),
        s.profile_name as profile,
        s.resource as associated_resource,
        t.profile as logged_profile,
        s.access_mode,
        s.public_network_access,
        s.assumed,
        s.rules_known,
        s.members_known,
        s.links_known,
        s.links_since,
        s.mode_since,
        s.access_since,
        s.state_since,
        s.rules_version as version_in_force,
        if(t.direction = 'Inbound', s.inbound_rules, s.outbound_rules) as perimeter_rules,
        if(t.direction = 'Inbound', s.inbound_otherwise, s.outbound_otherwise) as otherwise,
        (lower(t.profile) is not distinct from s.profile) as same_profile,
        -- versions are counted by each profile for itself; a service may write none, 0 or an older one
        coalesce(
            (nullif(t.rules_version, '0') = s.rules_version or t.hour >= s.rules_since + interval 1 day)
            and lower(t.profile) = s.profile,
            false
        ) as same_version,
        case
            when t.direction = 'Outbound' then coalesce(destination.member, host.resource) is not null
            when t.source_resource is not null then source.member is not null
            else own.perimeter is not null
        end as is_member,
        case
            when t.direction = 'Outbound' then t.destination_resource is null and t.destination_fqdn is null
            else t.source_resource is null and coalesce(t.source_perimeters, '[]') = '[]'
        end as is_unnamed,
        -- what the one reached long before shows nothing of calls that were denied since
        coalesce(t.hour <= working.last_seen + interval 1 day, false) as works,
        -- a call that was let out since the links are what they are was let out by one of them
        t.direction = 'Outbound' and s.has_links and reached.destination is null as is_link_open,
        reached.destination is not null as is_reached,
        reached.is_let_out,
        linked.profile_id is not null as is_linked_caller,
        coalesce(
            t.direction = 'Inbound' and regexp_matches(t.protocol, '^(?i)(nfs|smb|sftp)'), false
        ) as is_unsupported,
        kept.name is not null as is_kept,
        by_prefix.element as prefix_element,
        by_prefix.rule as prefix_rule,
        by_prefix.in_force as prefix_in_force,
        if(s.takes_tags, by_tag.element, null) as tag_element,
        by_tag.rule as tag_rule,
        by_tag.in_force as tag_in_force,
        subscription.element as subscription_element,
        subscription.rule as subscription_rule,
        subscription.in_force as subscription_in_force,
        by_perimeter.element as perimeter_element,
        by_perimeter.rule as perimeter_rule,
        by_perimeter.in_force as perimeter_in_force,
        fqdn.element as fqdn_element,
        fqdn.rule as fqdn_rule,
        fqdn.in_force as fqdn_in_force
    from traffic as t
    inner join state as s
        on
            t.perimeter is not distinct from s.perimeter
            and t.profile is not distinct from s.logged_profile
            and t.service_resource is not distinct from s.service_resource
    left join by_prefix on s.profile_id = by_prefix.profile_id and t.source_ip = by_prefix.source_ip
    left join by_tag on s.profile_id = by_tag.profile_id and t.source_ip = by_tag.source_ip
    left join subscription_rule as subscription
        on s.profile_id = subscription.profile_id and t.source_subscription = subscription.name
    left join host_rule as fqdn
        on s.profile_id = fqdn.profile_id and t.destination_fqdn = fqdn.name
    left join by_perimeter
        on s.profile_id = by_perimeter.profile_id and t.source_perimeters = by_perimeter.source_perimeters
    left join rule_in_force as kept
        on s.profile_id = kept.profile_id and t.direction = kept.direction and t.matched_rule = kept.name
    left join member_part as caller on t.perimeter = caller.perimeter and t.service_resource = caller.resource
    left join member_part as source on t.perimeter = source.perimeter and t.source_resource = source.resource
    left join member_part as destination
        on t.perimeter = destination.perimeter and t.destination_resource = destination.resource
    left join called_host as host on t.perimeter = host.perimeter and t.destination_fqdn = host.host
    left join working_pair as working
        on
            t.perimeter = working.perimeter
            and caller.member = working.source
            and coalesce(destination.member, host.resource) = working.destination
    left join linked on s.profile_id = linked.profile_id and t.source_perimeters = linked.source_perimeters
    left join own on t.perimeter = own.perimeter and t.source_perimeters = own.source_perimeters
    left join crossing as reached
        on
            t.perimeter = reached.perimeter
            and if(
                t.traffic_type = 'Cross' and t.direction = 'Outbound',
                coalesce(t.destination_resource, t.destination_fqdn),
                null
            ) = reached.destination
),

weighed as (
    select
        *,
        -- the log shows that the rules in force didn't admit it
        same_version
        and coalesce(rule_origin = 'Resource' or (rule_origin = 'Perimeter' and action = 'Denied'), false)
            as refuted,
        case
            when direction = 'Outbound' and is_reached then is_let_out
            when direction = 'Outbound'
                then coalesce(is_link_open and action = 'Approved' and hour >= links_since, false)
            else is_linked_caller
        end as is_linked,
        coalesce(prefix_element, tag_element) is not null as names_address,
        if(
            direction = 'Outbound',
            fqdn_element,
            coalesce(prefix_element, tag_element, subscription_element, perimeter_element)
        ) is not null as is_named,
        coalesce(
            rule_origin = 'Perimeter'
            and action = 'Approved'
            and not is_unsupported
            and (
                -- nobody told the rules: those of the version that is in force, where that is known
                (not rules_known and same_profile and (version_in_force is null or same_version))
                or (same_version and is_kept)
            ),
            false
        ) as admitted_as_logged
    from matched
),

chosen as (
    select
        *,
        case
            when is_unsupported or not is_named then null
            when direction = 'Outbound' then if(refuted and fqdn_in_force, null, 'fqdns')
            when prefix_element is not null and not (refuted and prefix_in_force) then 'address-prefixes'
            when tag_element is not null and not (refuted and tag_in_force) then 'service-tags'
            when subscription_element is not null and not (refuted and subscription_in_force) then 'subscriptions'
            when perimeter_element is not null and not (refuted and perimeter_in_force) then 'perimeters'
        end as element_kind
    from weighed
),

reasoned as (
    select
        *,
        case
            when traffic_type = 'Private' then 'private-endpoint'
            when category = 'NspOutboundAttempt' then 'attempt'
            when direction is null or traffic_type is null or action is null then 'category'
            when perimeter_rules is null then 'mode'
            when
                perimeter_rules and traffic_type = 'Intra' and (is_member or is_unnamed or not members_known)
                then 'member'
            when perimeter_rules and traffic_type = 'Cross' and (is_linked or not links_known) then 'link'
            when
                perimeter_rules and direction = 'Outbound' and is_member and works
                and (action = 'Denied' or lower(matched_rule) = 'denyall')
                then 'log-artefact'
            when perimeter_rules and element_kind is not null then 'rule'
            when perimeter_rules and admitted_as_logged then 'rule-as-logged'
            when perimeter_rules and traffic_type = 'Cross' and direction = 'Outbound' and is_member then 'member'
            when perimeter_rules and traffic_type = 'Cross' and is_link_open then 'link-unknown'
            when otherwise = 'denied' and is_unsupported then 'protocol'
            when otherwise = 'denied' and perimeter_rules and is_named
                then if(direction = 'Inbound' and not names_address, 'identity-not-honoured', 'not-honoured')
            when otherwise = 'denied' then 'no-rule'
            when rule_origin = 'Resource' and action = 'Denied' then 'resource-rules-deny'
            when otherwise = 'allowed' then 'outbound-open'
            when rule_origin = 'Resource' and action = 'Approved' then 'resource-rules'
            else 'never-asked'
        end as reason,
        case
            when refuted and is_named and not is_unsupported then 'rule-not-honoured'
            when
                same_version and traffic_type = 'Public' and rule_origin = 'Perimeter' and action = 'Approved'
                and element_kind is null
                then 'rule-not-found'
            when
                traffic_type = 'Intra' and action = 'Approved' and members_known and not (is_member or is_unnamed)
                then 'not-a-member'
            when
                traffic_type = 'Cross' and action = 'Approved' and links_known and not is_linked and not is_link_open
                and not (direction = 'Outbound' and is_member)
                then 'no-link'
            when rule_origin = 'Resource' and hour >= mode_since and access_mode ilike 'enforced'
                then 'resource-rules-while-enforced'
            when rule_origin = 'Resource' and hour >= access_since and perimeter_rules and otherwise = 'denied'
                then 'resource-rules-while-closed'
            when
                rule_origin = 'Perimeter' and action = 'Denied' and hour >= mode_since
                and hour >= coalesce(access_since, mode_since)
                and otherwise in ('resource-rules', 'allowed')
                then 'perimeter-denied-while-learning'
        end as disagreement
    from chosen
)

select
    r.flow,
    r.hour,
    r.source_kind,
    r.perimeter,
    r.profile,
    r.logged_profile,
    r.service_resource,
    r.associated_resource,
    r.category,
    r.direction,
    r.traffic_type,
    r.action,
    r.rule_origin,
    r.matched_rule,
    r.rules_version,
    r.operation,
    r.source_ip,
    r.source_network,
    r.source_resource,
    r.source_subscription,
    r.source_app_id,
    r.source_perimeters,
    r.caller_key,
    r.caller_kind,
    r.destination_fqdn,
    r.destination_resource,
    r.protocol,
    r.records,
    r.requests,
    r.first_seen,
    r.last_seen,
    r.access_mode,
    r.public_network_access,
    r.assumed,
    r.is_member,
    v.verdict,
    r.reason,
    -- the log is older than what the inventory tells of mode and access: they may have been others
    coalesce(r.hour >= r.state_since, false) as is_state_known,
    if(r.reason = 'rule', r.element_kind, null) as element_kind,
    case if(r.reason = 'rule', r.element_kind, null)
        when 'address-prefixes' then r.prefix_element
        when 'service-tags' then r.tag_element
        when 'subscriptions' then r.subscription_element
        when 'perimeters' then r.perimeter_element
        when 'fqdns' then r.fqdn_element
    end as element,
    case if(r.reason = 'rule', r.element_kind, r.reason)
        when 'address-prefixes' then r.prefix_rule
        when 'service-tags' then r.tag_rule
        when 'subscriptions' then r.subscription_rule
        when 'perimeters' then r.perimeter_rule
        when 'fqdns' then r.fqdn_rule
        when 'rule-as-logged' then r.matched_rule
    end as rule,
    -- it succeeded; what a rule admitted that is gone by now was never put to the resource's own rules
    v.verdict = 'allowed-by-resource-rules-only'
    or coalesce(r.reason in ('never-asked', 'link-unknown') and r.action = 'Approved', false)
    -- what the log shows admitted although it should be refused already is lost as well
    or coalesce(starts_with(r.disagreement, 'resource-rules-while-') and r.action = 'Approved', false)
        as denied_if_enforced,
    r.disagreement
from reasoned as r
inner join verdict_reason as v on r.reason = v.reason
