-- Requests that succeeded, or may have, and of which nobody can tell what enforcing does to them.
-- reads: verdict
-- grain: one row a perimeter, profile, reason and what it is about: a log category, or an access mode
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- To be asked within a scenario in which everything is Enforced.
select
    perimeter,
    profile,
    reason,
    if(reason = 'category', category, access_mode) as about,
    sum(requests)::bigint as requests
from verdict
where
    verdict = 'unknown'
    and action is distinct from 'Denied'
    and perimeter is not null
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
group by
    perimeter,
    profile,
    reason,
    about
order by
    perimeter,
    profile,
    reason,
    about
