-- Callers by the number of days on which they called: the regular ones first.
-- reads: traffic
-- grain: one row a perimeter and caller
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
with flow as (
    select *
    from traffic
    where
        hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
),

observed as (
    select
        perimeter,
        count(distinct hour::date) as days_in_log
    from flow
    group by perimeter
)

select
    f.perimeter,
    max_by(f.caller_kind, (f.last_seen, f.caller_kind)) as caller_kind,
    f.caller_key as caller,
    count(distinct f.hour::date) as days_seen,
    o.days_in_log,
    count(distinct f.hour) as hours_seen,
    sum(f.requests)::bigint as requests,
    min(f.first_seen) as first_seen,
    max(f.last_seen) as last_seen
from flow as f
inner join observed as o on f.perimeter is not distinct from o.perimeter
where f.direction = 'Inbound' and f.caller_key is not null
group by f.perimeter, f.caller_key, o.days_in_log
order by
    days_seen desc,
    requests desc,
    f.perimeter,
    caller
limit $limit
