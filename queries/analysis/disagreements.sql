-- Where the log and the verdict engine disagree, counted by kind, each with its newest example.
-- reads: verdict
-- grain: one row a perimeter, profile and kind of disagreement
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
with placed as (
    select
        *,
        row_number() over (
            partition by perimeter, lower(profile), disagreement
            order by
                last_seen desc,
                category,
                service_resource,
                caller_key,
                coalesce(destination_fqdn, destination_resource),
                matched_rule,
                verdict,
                flow
        ) as place
    from verdict
    where
        disagreement is not null
        and hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
)

select
    perimeter,
    lower(profile) as profile,
    disagreement,
    sum(requests)::bigint as requests,
    count(*) as flows,
    count(distinct caller_key) as callers,
    count(distinct service_resource) as resources,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen,
    max(category) filter (where place = 1) as example_category,
    max(service_resource) filter (where place = 1) as example_resource,
    max(caller_key) filter (where place = 1) as example_caller,
    max(coalesce(destination_fqdn, destination_resource)) filter (where place = 1) as example_destination,
    max(matched_rule) filter (where place = 1) as example_logged_rule,
    max(verdict) filter (where place = 1) as example_verdict
from placed
group by perimeter, lower(profile), disagreement
order by
    requests desc,
    perimeter,
    profile,
    disagreement
limit $limit
