-- Callers seen only in the first or last three days of months: closing runs, which a short window misses.
-- reads: traffic
-- grain: one row a perimeter and caller
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- One month turn is enough to be listed; the more there are, the likelier it is a closing run and no accident.
with flow as (
    select
        *,
        hour::date as seen_on,
        day(hour) <= 3 or day(hour) > day(last_day(hour)) - 3 as at_turn
    from traffic
    where
        hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
),

-- perimeters whose log holds other days as well: else all of their callers would be listed
comparable as (
    select perimeter
    from flow
    group by perimeter
    having not bool_and(at_turn)
)

select
    f.perimeter,
    max_by(f.caller_kind, (f.last_seen, f.caller_kind)) as caller_kind,
    f.caller_key as caller,
    count(distinct date_trunc('month', f.seen_on + 3)) as month_turns,
    count(distinct f.seen_on) as days_seen,
    sum(f.requests)::bigint as requests,
    count(distinct f.service_resource) as resources,
    min(f.first_seen) as first_seen,
    max(f.last_seen) as last_seen
from flow as f
inner join comparable as c on f.perimeter is not distinct from c.perimeter
where f.direction = 'Inbound' and f.caller_key is not null
group by f.perimeter, f.caller_key
having bool_and(f.at_turn)
order by
    month_turns desc,
    requests desc,
    f.perimeter,
    caller
limit $limit
