-- First and last event of a scope, and whether it holds anything.
-- reads: traffic, resource_state
-- grain: one row
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
select
    min(t.first_seen) as window_start,
    max(t.last_seen) as window_end,
    count(*) as flows
from traffic as t
inner join resource_state as s
    on
        t.perimeter is not distinct from s.perimeter
        and t.profile is not distinct from s.logged_profile
        and t.service_resource is not distinct from s.service_resource
where
    t.hour >= coalesce($since, '-infinity'::timestamp)
    and t.hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or t.perimeter = lower($perimeter) or ends_with(t.perimeter, '/' || lower($perimeter)))
    and ($profile is null or s.profile = lower($profile))
