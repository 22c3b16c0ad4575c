-- What of a profile's evidence is there: last record, and whether would-be denials can be seen at all.
-- reads: traffic, resource_state
-- grain: one row a perimeter and profile
select
    t.perimeter,
    s.profile,
    max(t.last_seen) as last_seen,
    bool_or(t.rule_origin = 'Resource') as has_resource_rule_records
from traffic as t
inner join resource_state as s
    on
        t.perimeter = s.perimeter
        and t.profile is not distinct from s.logged_profile
        and t.service_resource is not distinct from s.service_resource
group by t.perimeter, s.profile
order by t.perimeter, s.profile
