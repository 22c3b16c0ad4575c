-- What a scenario would deny of each day's traffic, although it succeeds today.
-- reads: compared
-- grain: one row a perimeter, profile, direction and day
-- What is compared is kept in compared, the rows of verdict/compared.
select
    perimeter,
    min(profile) as profile,
    direction,
    day,
    sum(requests)::bigint as requests,
    coalesce(sum(requests) filter (where is_loss), 0)::bigint as lost_requests
from compared
group by
    perimeter,
    lower(profile),
    direction,
    day
order by
    day,
    perimeter,
    profile,
    direction
