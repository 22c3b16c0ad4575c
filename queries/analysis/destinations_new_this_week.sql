-- Public destinations first called in the last days of the log, those with the most requests first.
-- reads: traffic
-- grain: one row a perimeter and destination
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $days  so many days before the newest record are recent; null for all 7 of a week
-- $limit  at most so many rows; null for all
-- First called in all of the log up to $until. Where log_begins lies within those days too, all are listed.
with flow as (
    select *
    from traffic
    where
        hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
),

called as (
    select
        perimeter,
        coalesce(destination_fqdn, destination_resource) as destination,
        sum(requests)::bigint as requests,
        coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied_requests,
        count(distinct service_resource) as resources,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen
    from flow
    where
        direction = 'Outbound'
        and traffic_type = 'Public'
        and coalesce(destination_fqdn, destination_resource) is not null
    group by perimeter, coalesce(destination_fqdn, destination_resource)
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
    called.perimeter,
    called.destination,
    called.requests,
    called.denied_requests,
    called.resources,
    called.first_seen,
    called.last_seen,
    begun.log_begins
from called
cross join newest
inner join begun on called.perimeter is not distinct from begun.perimeter
where called.first_seen > newest.moment - to_days(coalesce($days, 7)::integer)
order by
    called.requests desc,
    called.perimeter,
    called.destination
limit $limit
