-- The access rules that Azure itself suggests for associated resources, to be seen beside those proposed here.
-- reads: inventory_issue, inventory_association
-- grain: one row a resource, issue and suggested rule
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
with suggestion as (
    select
        perimeter,
        resource,
        issue,
        unnest(from_json(suggested_rules, '["JSON"]')) as rule
    from inventory_issue
    where suggested_rules is not null
)

select
    s.perimeter,
    a.profile,
    s.resource,
    s.issue,
    s.rule ->> '$.name' as name,
    coalesce(s.rule ->> '$.properties.direction', s.rule ->> '$.direction') as direction,
    coalesce(
        s.rule ->> '$.properties.addressPrefixes',
        s.rule ->> '$.properties.fullyQualifiedDomainNames',
        s.rule ->> '$.properties.subscriptions',
        s.rule ->> '$.properties.serviceTags',
        s.rule ->> '$.addressPrefixes',
        s.rule ->> '$.fullyQualifiedDomainNames',
        s.rule ->> '$.subscriptions',
        s.rule ->> '$.serviceTags'
    ) as elements
from suggestion as s
left join inventory_association as a on s.perimeter = a.perimeter and s.resource = a.resource
where
    ($perimeter is null or s.perimeter = lower($perimeter) or ends_with(s.perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(a.profile) = lower($profile))
order by s.perimeter, a.profile, s.resource, s.issue, name, direction, elements
