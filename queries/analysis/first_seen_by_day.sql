-- How many callers each day brought for the first time: whether learning has converged.
-- reads: traffic
-- grain: one row a perimeter and day with inbound records
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- First seen in all of the log up to $until, so there is no $since. Callers that the log does not name are left out.
with calling as (
    select
        perimeter,
        caller_key as caller,
        hour::date as day,
        sum(requests)::bigint as requests
    from traffic
    where
        direction = 'Inbound'
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
    group by perimeter, caller_key, hour::date
),

dated as (
    select
        *,
        min(day) over (partition by perimeter, caller) as first_day
    from calling
),

daily as (
    select
        perimeter,
        day,
        count(caller) as callers,
        count(caller) filter (where day = first_day) as new_callers,
        coalesce(sum(requests) filter (where caller is not null and day = first_day), 0)::bigint as requests_of_new
    from dated
    group by perimeter, day
)

select
    perimeter,
    day,
    callers,
    new_callers,
    requests_of_new,
    (sum(new_callers) over (partition by perimeter order by day))::bigint as callers_so_far
from daily
order by
    perimeter,
    day
limit $limit
