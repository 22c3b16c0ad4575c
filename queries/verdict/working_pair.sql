-- Pairs of members of which one was seen to reach the other, and when for the last time.
-- reads: traffic, member_part
-- grain: one row a perimeter, source and destination
select
    t.perimeter,
    m.member as source,
    d.member as destination,
    max(t.last_seen) as last_seen
from traffic as t
inner join member_part as m on t.perimeter = m.perimeter and t.source_resource = m.resource
inner join member_part as d on t.perimeter = d.perimeter and t.service_resource = d.resource
where t.traffic_type = 'Intra' and t.direction = 'Inbound' and t.action = 'Approved'
group by t.perimeter, m.member, d.member
