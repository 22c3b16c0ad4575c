-- Profiles whose log was written under a newer version of their access rules than the inventory knows.
-- reads: inventory_profile, traffic
-- grain: one row a perimeter and profile
-- $before  hour (UTC) from which on records are dated ahead and count for nothing; null for all
-- Versions only rise, so such an inventory is old, whenever it was loaded; unless the profile was made anew under its
-- name: therefore only the last month of its log counts. Names of profiles differ in nothing but case.
with told as (
    select
        perimeter,
        lower(profile) as profile_key,
        min(profile) as profile,
        max(try_cast(rules_version as bigint)) as version_told
    from inventory_profile
    group by perimeter, lower(profile)
),

logged as (
    select
        perimeter,
        lower(profile) as profile_key,
        hour,
        max(try_cast(rules_version as bigint)) as version_logged
    from traffic
    where hour < coalesce($before, 'infinity'::timestamp)
    group by perimeter, lower(profile), hour
),

newest as (
    select
        perimeter,
        profile_key,
        max(hour) as last_hour
    from logged
    group by perimeter, profile_key
)

select
    t.perimeter,
    t.profile,
    t.version_told,
    max(l.version_logged) as version_logged,
    min(l.hour) as first_hour
from told as t
inner join logged as l on t.perimeter = l.perimeter and t.profile_key = l.profile_key
inner join newest as n on l.perimeter = n.perimeter and l.profile_key = n.profile_key
where l.version_logged > t.version_told and l.hour >= n.last_hour - interval 31 day
group by t.perimeter, t.profile, t.version_told
order by t.perimeter, t.profile
