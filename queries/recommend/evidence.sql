-- What of a profile's evidence is there: last record, and whether would-be denials can be seen at all.
-- reads: traffic
-- grain: one row a perimeter and profile
select
    perimeter,
    lower(profile) as profile,
    max(last_seen) as last_seen,
    bool_or(rule_origin = 'Resource') as has_resource_rule_records
from traffic
where perimeter is not null
group by perimeter, lower(profile)
order by perimeter, profile
