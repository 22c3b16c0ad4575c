-- First and last event of a scope, and whether it holds anything.
-- reads: traffic
-- grain: one row
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
select
    min(first_seen) as window_start,
    max(last_seen) as window_end,
    count(*) as flows
from traffic
where
    hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
