-- Fields that no column takes, kept in access_log.extra, with how often each occurs.
-- reads: access_log, source_field
-- grain: one row a field
with told as (
    select
        unnest(json_keys(extra)) as field,
        1::bigint as records
    from access_log
    where extra is not null
    union all
    select
        field,
        records
    from source_field
)

select
    field,
    sum(records)::bigint as records
from told
group by field
order by records desc, field
