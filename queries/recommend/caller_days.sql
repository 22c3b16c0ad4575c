-- What the rules in force would deny once enforced, by caller or destination, with its days: proposals are made of it.
-- reads: verdict, address_owner, inventory_resource, inventory_perimeter
-- grain: one row a perimeter, profile, direction, caller's identity or destination, resource, whether any succeeded, admitted_by
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $admitted  false without those that rules in force admit by now; null for all
-- To be asked within a scenario in which everything is Enforced. What succeeded would be denied by enforcing; what was
-- denied is the evidence against a caller. A part of an associated resource counts for that resource. The lists are
-- parallel, a place a day, in order of days. admitted_by: the element in force that admits what the log shows not admitted
-- by the rules of its time. No proposal is made of that; but a past week is replayed as if those rules weren't there yet.
with caller_day as (
    select
        perimeter,
        profile,
        direction,
        hour::date as day,
        source_ip,
        source_network,
        source_subscription,
        source_resource,
        source_app_id,
        source_perimeters,
        destination_fqdn,
        destination_resource,
        coalesce(associated_resource, service_resource) as service_resource,
        matched_rule,
        is_member,
        if(reason = 'rule', 'no-rule', reason) as reason,
        element as admitted_by,
        coalesce(sum(requests) filter (where action = 'Approved'), 0)::bigint as allowed,
        coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied,
        sum(records)::bigint as records,
        -- list(distinct ...) would take three times as long as all the rest
        coalesce(list_sort(list_distinct(list(operation) filter (where operation is not null))), []) as operations,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen
    from verdict
    where
        (
            verdict = 'denied'
            or (
                coalesce($admitted, true)
                and reason = 'rule'
                and (rule_origin = 'Resource' or (rule_origin = 'Perimeter' and action = 'Denied'))
            )
        )
        and perimeter is not null
        and hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
    group by
        perimeter,
        profile,
        direction,
        day,
        source_ip,
        source_network,
        source_subscription,
        source_resource,
        source_app_id,
        source_perimeters,
        destination_fqdn,
        destination_resource,
        coalesce(associated_resource, service_resource),
        matched_rule,
        is_member,
        reason,
        admitted_by
),

by_caller as (
    select
        perimeter,
        profile,
        direction,
        source_ip,
        source_network,
        source_subscription,
        source_resource,
        source_app_id,
        source_perimeters,
        destination_fqdn,
        destination_resource,
        service_resource,
        matched_rule,
        is_member,
        reason,
        allowed > 0 as succeeded,
        admitted_by,
        list(day order by day) as days,
        list(allowed order by day) as allowed,
        list(denied order by day) as denied,
        list(records order by day) as records,
        list(operations order by day) as operations,
        list(first_seen order by day) as first_seen,
        list(last_seen order by day) as last_seen
    from caller_day
    group by
        perimeter,
        profile,
        direction,
        source_ip,
        source_network,
        source_subscription,
        source_resource,
        source_app_id,
        source_perimeters,
        destination_fqdn,
        destination_resource,
        service_resource,
        matched_rule,
        is_member,
        reason,
        succeeded,
        admitted_by
)

select
    c.perimeter,
    c.profile,
    c.direction,
    c.source_ip,
    c.source_network,
    c.source_subscription,
    c.source_resource,
    c.source_app_id,
    c.source_perimeters,
    c.destination_fqdn,
    c.destination_resource,
    c.service_resource,
    c.matched_rule,
    c.is_member,
    c.reason,
    o.service_tag,
    o.network_name,
    -- regions are written with and without blanks
    coalesce(
        replace(lower(o.azure_region), ' ', '') = replace(lower(coalesce(r.location, i.location)), ' ', ''), false
    ) as is_same_region,
    c.succeeded,
    c.admitted_by,
    c.days,
    c.allowed,
    c.denied,
    c.records,
    c.operations,
    c.first_seen,
    c.last_seen
from by_caller as c
left join address_owner as o on c.source_ip = o.canonical
left join inventory_resource as r on c.perimeter = r.perimeter and c.service_resource = r.resource
left join inventory_perimeter as i on c.perimeter = i.perimeter
order by
    c.perimeter,
    c.profile,
    c.direction,
    c.source_ip,
    c.source_subscription,
    c.source_resource,
    c.source_app_id,
    c.source_perimeters,
    c.destination_fqdn,
    c.destination_resource,
    c.service_resource,
    c.matched_rule,
    c.is_member,
    c.reason,
    c.succeeded,
    c.admitted_by
