-- Callers first seen in the last days of the log, those with the most requests first.
-- reads: traffic
-- grain: one row a perimeter and caller
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $days  so many days before the newest record are recent; null for all 7 of a week
-- $limit  at most so many rows; null for all
-- First seen in all of the log up to $until. Where log_begins lies within those days too, nothing tells new callers
-- from old ones: all of the perimeter's are listed.
with flow as (
    select *
    from traffic
    where
        hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
),

calling as (
    select
        perimeter,
        caller_key as caller,
        max_by(caller_kind, (last_seen, caller_kind)) as caller_kind,
        sum(requests)::bigint as requests,
        coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied_requests,
        count(distinct service_resource) as resources,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen
    from flow
    where direction = 'Inbound' and caller_key is not null
    group by perimeter, caller_key
),

newest as (
    select max(last_seen) as moment
    from flow
),

begun as (
    select
        perimeter,
        min(first_seen) as log_begins
    from flow
    group by perimeter
)

select
    calling.perimeter,
    calling.caller_kind,
    calling.caller,
    calling.requests,
    calling.denied_requests,
    calling.resources,
    calling.first_seen,
    calling.last_seen,
    begun.log_begins
from calling
cross join newest
inner join begun on calling.perimeter is not distinct from begun.perimeter
where calling.first_seen > newest.moment - to_days(coalesce($days, 7)::integer)
order by
    calling.requests desc,
    calling.perimeter,
    calling.caller
limit $limit
