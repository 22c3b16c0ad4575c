-- How many requests the rules of the perimeter admitted since a moment.
-- reads: verdict
-- grain: one row a perimeter, profile and resource
-- $since  the moment (UTC)
-- $resource  ARM id of the resource; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- A part of an associated resource counts for that resource.
select
    perimeter,
    lower(profile) as profile,
    coalesce(associated_resource, service_resource) as resource,
    sum(requests)::bigint as admitted
from verdict
where
    rule_origin = 'Perimeter'
    and action = 'Approved'
    and last_seen >= $since
    and ($resource is null or coalesce(associated_resource, service_resource) = lower($resource))
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by
    perimeter,
    lower(profile),
    coalesce(associated_resource, service_resource)
order by
    perimeter,
    profile,
    resource
