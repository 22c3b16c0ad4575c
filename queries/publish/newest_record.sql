-- When the newest record was written, and on how many days of the week before a moment there was any.
-- reads: traffic
-- grain: one row
-- $since  the moment (UTC)
-- $resource  ARM id of the resource, of which a part counts as well; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
select
    max(last_seen) as newest,
    count(distinct last_seen::date) filter (
        where last_seen < $since and last_seen >= $since::timestamp - interval 7 day
    ) as days_before
from traffic
where
    (
        $resource is null
        or service_resource = lower($resource)
        or starts_with(service_resource, lower($resource) || '/')
    )
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
