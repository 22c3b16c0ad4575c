-- Fields that no column takes, kept in access_log.extra, with how often each occurs.
-- reads: access_log
-- grain: one row a field
select
    unnest(json_keys(extra)) as field,
    count(*) as records
from access_log
where extra is not null
group by field
order by records desc, field
