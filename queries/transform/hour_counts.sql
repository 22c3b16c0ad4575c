-- What each place brought for some hours; the fullest counts, so that two ways to one log don't add up.
-- reads: logged_flow, load_ledger
-- grain: one row an hour, place, perimeter and category, as in the table hour_count
-- $first_hour  first hour, inclusive
-- $end_hour  end, exclusive
with brought as (
    select
        a.hour,
        l.source_kind,
        l.place,
        a.perimeter,
        a.category,
        sum(a.records)::bigint as records,
        sum(a.requests)::bigint as requests
    from logged_flow as a
    inner join load_ledger as l on a.source_id = l.source_id
    where a.first_seen >= $first_hour and a.first_seen < $end_hour
    group by
        a.hour,
        l.source_kind,
        l.place,
        a.perimeter,
        a.category
)

select
    hour,
    source_kind,
    place,
    perimeter,
    category,
    records,
    requests,
    row_number() over (
        partition by hour, perimeter, category
        order by records desc, requests desc, source_kind, place
    ) = 1 as counted
from brought
