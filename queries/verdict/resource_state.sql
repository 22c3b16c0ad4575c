-- Who decides about the resources that wrote records: mode, rules and cells of the decision matrix, as of now.
-- reads: traffic, inventory_perimeter, inventory_profile, inventory_association, inventory_link, rules_since, links_since, state_since, rule_name, scenario, decision_matrix
-- grain: one row a perimeter, profile as logged, and resource
-- A resource belongs to the profile that it is associated with today, whatever the log of the time says. Where nobody
-- told the access mode, Learning is assumed, and Enabled where nobody told publicNetworkAccess: in both the resource's
-- own rules still decide, and those the log knows. A scenario's access mode is that of associations: what no perimeter
-- holds is not enforced by it.
with seen as (
    select distinct
        perimeter,
        profile,
        service_resource
    from traffic
),

resource as (
    select distinct
        perimeter,
        service_resource
    from seen
),

-- logs may name a part of the resource that is associated, such as a storage account's blob service
association as (
    select
        s.perimeter,
        s.service_resource,
        a.profile,
        a.access_mode,
        a.public_network_access,
        a.resource
    from resource as s
    inner join inventory_association as a
        on
            s.perimeter = a.perimeter
            and (s.service_resource = a.resource or starts_with(s.service_resource, a.resource || '/'))
    qualify row_number() over (
        partition by s.perimeter, s.service_resource order by length(a.resource) desc, a.profile, a.association
    ) = 1
),

-- names of profiles differ in nothing but case
profile_version as (
    select
        perimeter,
        lower(profile) as profile,
        -- a number, in text
        coalesce(max_by(rules_version, try_cast(rules_version as bigint)), max(rules_version)) as rules_version
    from inventory_profile
    group by perimeter, lower(profile)
),

known_rules as (
    select distinct
        perimeter,
        profile
    from rule_name
    where kind = 'profile'
),

-- perimeters that some of their links let out
outbound_link as (
    select distinct perimeter
    from inventory_link
    where coalesce(status, 'Approved') ilike 'approved' and coalesce(remote_inbound_profiles, '') <> '[]'
),

known as (
    select
        i.perimeter,
        i.links_known,
        i.members_confirmed_at is not null as members_known,
        o.perimeter is not null as has_links,
        l.links_since
    from inventory_perimeter as i
    left join outbound_link as o on i.perimeter = o.perimeter
    left join links_since as l on i.perimeter = l.perimeter
),

mode as (
    select
        s.perimeter,
        s.profile as logged_profile,
        s.service_resource,
        a.resource,
        coalesce(a.profile, s.profile) as profile_name,
        case
            when a.resource is null and i.members_known and s.service_resource is not null then 'NotAssociated'
            when c.access_mode is not null then c.access_mode
            when a.access_mode ilike 'transition' then 'Learning'
            when a.access_mode is not null then a.access_mode
            else 'Learning'
        end as access_mode,
        coalesce(c.public_network_access, a.public_network_access, 'Enabled') as public_network_access,
        (c.access_mode is null and coalesce(a.access_mode, 'Audit') ilike 'audit')
        or (c.public_network_access is null and a.public_network_access is null) as assumed
    from seen as s
    cross join scenario as c
    left join association as a on s.perimeter = a.perimeter and s.service_resource = a.service_resource
    left join known as i on s.perimeter = i.perimeter
)

select
    m.perimeter,
    m.logged_profile,
    m.service_resource,
    m.resource,
    m.profile_name,
    lower(m.profile_name) as profile,
    dense_rank() over (order by m.perimeter, lower(m.profile_name)) as profile_id,
    m.access_mode,
    m.public_network_access,
    p.rules_version,
    u.rules_since,
    r.profile is not null as rules_known,
    inbound.perimeter_rules as inbound_rules,
    inbound.otherwise as inbound_otherwise,
    outbound.perimeter_rules as outbound_rules,
    outbound.otherwise as outbound_otherwise,
    m.assumed or r.profile is null as assumed,
    coalesce(i.members_known, false) as members_known,
    coalesce(i.links_known, false) as links_known,
    coalesce(i.has_links, false) as has_links,
    i.links_since,
    h.mode_since,
    h.access_since,
    -- enforced, publicNetworkAccess decides nothing; what nobody told is known since never
    case
        when m.access_mode ilike 'enforced' then h.mode_since
        when h.mode_since is not null and h.access_since is not null then greatest(h.mode_since, h.access_since)
    end as state_since,
    -- service tags are supported for these targets only
    coalesce(
        regexp_matches(
            m.service_resource, '/providers/microsoft\.(keyvault/vaults|operationalinsights/|insights/)'
        ),
        false
    ) as takes_tags
from mode as m
left join known as i on m.perimeter = i.perimeter
left join state_since as h on m.perimeter = h.perimeter and m.resource = h.resource
left join profile_version as p on m.perimeter = p.perimeter and lower(m.profile_name) = p.profile
left join rules_since as u on m.perimeter = u.perimeter and lower(m.profile_name) = u.profile
left join known_rules as r on m.perimeter = r.perimeter and lower(m.profile_name) = r.profile
left join decision_matrix as inbound
    on
        lower(m.access_mode) = lower(inbound.access_mode)
        -- where it is enforced nothing else is asked
        and if(m.access_mode ilike 'enforced', 'enabled', lower(m.public_network_access))
        = lower(inbound.public_network_access)
        and inbound.direction = 'Inbound'
left join decision_matrix as outbound
    on
        lower(m.access_mode) = lower(outbound.access_mode)
        and if(m.access_mode ilike 'enforced', 'enabled', lower(m.public_network_access))
        = lower(outbound.public_network_access)
        and outbound.direction = 'Outbound'
