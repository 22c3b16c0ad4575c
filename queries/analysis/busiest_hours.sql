-- Hours of the week (UTC) by requests on average: when enforcing touches most, and at the end of the list least.
-- reads: traffic
-- grain: one row a weekday (1 is Monday) and hour of the day with records
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- An hour without any record is not among hours_seen: the average is that of hours in which something happened.
select
    isodow(hour) as weekday,
    date_part('hour', hour) as hour_of_day,
    count(distinct hour) as hours_seen,
    sum(requests)::bigint as requests,
    round(sum(requests) / count(distinct hour), 1) as requests_an_hour,
    count(distinct caller_key) filter (where direction = 'Inbound') as callers
from traffic
where
    hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by isodow(hour), date_part('hour', hour)
order by
    requests_an_hour desc,
    requests desc,
    weekday,
    hour_of_day
limit $limit
