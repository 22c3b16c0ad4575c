-- What of a profile's evidence is there: its last records, and whether would-be denials can be seen at all.
-- reads: traffic, resource_state
-- grain: one row a perimeter and profile
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $before  hour (UTC) from which on records are dated ahead and tell no time; null for all
-- Times are those of hours: the end of a span of events, which a record may give besides, can be anything.
select
    t.perimeter,
    s.profile,
    max(t.hour) filter (where t.hour < coalesce($before, 'infinity'::timestamp)) as last_seen,
    max(t.hour) filter (
        where t.rule_origin = 'Resource' and t.hour < coalesce($before, 'infinity'::timestamp)
    ) as last_resource_rule_record
from traffic as t
inner join resource_state as s
    on
        t.perimeter = s.perimeter
        and t.profile is not distinct from s.logged_profile
        and t.service_resource is not distinct from s.service_resource
where
    t.hour >= coalesce($since, '-infinity'::timestamp)
    and t.hour < coalesce($until, 'infinity'::timestamp)
group by t.perimeter, s.profile
order by t.perimeter, s.profile
