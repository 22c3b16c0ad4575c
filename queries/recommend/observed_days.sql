-- The days on which each resource of a profile wrote any record: what evidence is measured against.
-- reads: traffic, resource_state
-- grain: one row a perimeter, profile, resource (null where the log names none) and day
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
select distinct
    t.perimeter,
    s.profile_name as profile,
    coalesce(s.resource, t.service_resource) as resource,
    t.hour::date as day
from traffic as t
inner join resource_state as s
    on
        t.perimeter = s.perimeter
        and t.profile is not distinct from s.logged_profile
        and t.service_resource is not distinct from s.service_resource
where
    t.hour >= coalesce($since, '-infinity'::timestamp)
    and t.hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or t.perimeter = lower($perimeter) or ends_with(t.perimeter, '/' || lower($perimeter)))
    and ($profile is null or s.profile = lower($profile))
order by
    t.perimeter,
    profile,
    resource,
    day
