-- The days on which a profile wrote any record: what evidence is measured against.
-- reads: traffic
-- grain: one row a perimeter, profile and day
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
select distinct
    perimeter,
    profile,
    hour::date as day
from traffic
where
    perimeter is not null
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
order by
    perimeter,
    profile,
    day
