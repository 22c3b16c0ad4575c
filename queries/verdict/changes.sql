-- What a scenario changes: flows by the verdict of today and that of the scenario.
-- reads: compared
-- grain: one row a perimeter, profile, direction, both verdicts, the reason and what kind of change it is
-- What is compared is kept in compared, the rows of verdict/compared.
with by_party as (
    select
        perimeter,
        lower(profile) as profile_key,
        direction,
        verdict_today,
        verdict_then,
        reason,
        is_loss,
        is_denied_already,
        is_unjudged,
        party,
        min(profile) as profile,
        sum(requests) as requests,
        count(*) as flows
    from compared
    group by all
)

select
    perimeter,
    min(profile) as profile,
    direction,
    verdict_today,
    verdict_then,
    reason,
    is_loss,
    is_denied_already,
    is_unjudged,
    sum(requests)::bigint as requests,
    sum(flows)::bigint as flows,
    count(*) as callers
from by_party
group by
    perimeter,
    profile_key,
    direction,
    verdict_today,
    verdict_then,
    reason,
    is_loss,
    is_denied_already,
    is_unjudged
order by
    is_loss desc,
    requests desc,
    perimeter,
    profile,
    direction,
    verdict_today,
    verdict_then,
    reason,
    is_denied_already
