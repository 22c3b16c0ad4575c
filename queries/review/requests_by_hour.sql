-- What the rules in force would deny once enforced, by hour and caller or destination: the evidence that a page draws.
-- reads: verdict
-- grain: one row a direction, hour, caller's identity or destination, resource and operation
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- To be asked within a scenario in which everything is Enforced, as recommend/caller_days.
select
    v.direction,
    v.hour,
    v.source_ip,
    v.source_subscription,
    v.source_resource,
    coalesce(v.destination_fqdn, v.destination_resource) as destination,
    v.service_resource,
    v.operation,
    coalesce(sum(v.requests) filter (where v.action = 'Approved'), 0)::bigint as allowed,
    coalesce(sum(v.requests) filter (where v.action = 'Denied'), 0)::bigint as denied
from verdict as v
where
    v.verdict = 'denied'
    and v.perimeter is not null
    and ($perimeter is null or v.perimeter = lower($perimeter) or ends_with(v.perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(coalesce(v.profile, '')) = lower($profile))
group by
    v.direction,
    v.hour,
    v.source_ip,
    v.source_subscription,
    v.source_resource,
    destination,
    v.service_resource,
    v.operation
order by
    v.direction,
    v.hour,
    v.source_ip,
    v.source_subscription,
    v.source_resource,
    destination,
    v.service_resource,
    v.operation
