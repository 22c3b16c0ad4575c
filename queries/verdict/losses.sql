-- Who succeeds today and would be denied in a scenario, those with the most requests first.
-- reads: compared
-- grain: one row a perimeter, profile, direction, caller or destination, and reason
-- $limit  at most so many rows; null for all
-- What is compared is kept in compared, the rows of verdict/compared.
with by_party as (
    select
        perimeter,
        lower(profile) as profile_key,
        direction,
        party,
        reason,
        min(profile) as profile,
        sum(requests)::bigint as requests
    from compared
    where is_loss
    group by
        perimeter,
        lower(profile),
        direction,
        party,
        reason
    order by
        requests desc,
        perimeter,
        profile,
        direction,
        party,
        reason
    limit $limit
)

select
    p.perimeter,
    p.profile,
    p.direction,
    p.party as caller,
    p.reason,
    p.requests,
    count(distinct c.day) as days_seen,
    list(distinct c.resource order by c.resource) as resources,
    min(c.first_seen) as first_seen,
    max(c.last_seen) as last_seen
from by_party as p
inner join compared as c
    on
        p.perimeter is not distinct from c.perimeter
        and p.profile_key is not distinct from lower(c.profile)
        and p.direction = c.direction
        and p.party is not distinct from c.party
        and p.reason = c.reason
where c.is_loss
group by
    p.perimeter,
    p.profile,
    p.direction,
    p.party,
    p.reason,
    p.requests
order by
    requests desc,
    p.perimeter,
    p.profile,
    p.direction,
    caller,
    p.reason
