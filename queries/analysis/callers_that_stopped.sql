-- Callers that have gone quiet although their perimeter still writes records, the most regular first.
-- reads: traffic
-- grain: one row a perimeter and caller
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $days  so many days of silence, up to the newest record of the perimeter, make a caller quiet; null for all 7 of a week
-- $limit  at most so many rows; null for all
with flow as (
    select
        *,
        max(last_seen) over (partition by perimeter) as newest
    from traffic
    where
        hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
)

select
    perimeter,
    max_by(caller_kind, (last_seen, caller_kind)) as caller_kind,
    caller_key as caller,
    count(distinct hour::date) as days_seen,
    sum(requests)::bigint as requests,
    coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied_requests,
    count(distinct service_resource) as resources,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen,
    date_diff('day', max(last_seen), newest) as days_since
from flow
where direction = 'Inbound' and caller_key is not null
group by perimeter, caller_key, newest
having max(last_seen) <= newest - to_days(coalesce($days, 7)::integer)
order by
    days_seen desc,
    requests desc,
    perimeter,
    caller
limit $limit
