-- Whom resources denied since a moment, by which rule, and what became of the same callers before it.
-- reads: verdict
-- grain: one row a perimeter, profile, resource, direction, caller or destination, and rule
-- $since  the moment (UTC)
-- $resource  ARM id of the resource; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- Not denied isn't admitted: in learning mode the resource's own rules would decide, and of many calls nobody can tell.
-- Calls to members that the log shows as denied although they arrive are left out. A record of the hour of the moment
-- counts as since where its last event is.
with flow as (
    select
        perimeter,
        lower(profile) as profile,
        service_resource as resource,
        direction,
        case
            when direction = 'Outbound' then coalesce(destination_fqdn, destination_resource)
            else caller_key
        end as caller,
        caller_kind,
        matched_rule,
        action,
        verdict,
        requests,
        first_seen,
        last_seen,
        last_seen >= $since as is_since
    from verdict
    where
        action is not null
        and reason is distinct from 'log-artefact'
        and ($resource is null or service_resource = lower($resource))
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
),

past as (
    select
        perimeter,
        resource,
        direction,
        caller,
        coalesce(sum(requests) filter (where action = 'Approved'), 0)::bigint as allowed_before,
        coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied_before
    from flow
    where not is_since
    group by perimeter, resource, direction, caller
),

denial as (
    select
        perimeter,
        profile,
        resource,
        direction,
        caller,
        max(caller_kind) as caller_kind,
        matched_rule,
        sum(requests)::bigint as denied_requests,
        count(distinct last_seen::date) as days_denied,
        coalesce(
            sum(requests) filter (where verdict in ('allowed-by-rule', 'allowed-by-membership', 'allowed-by-link')), 0
        )::bigint as admitted_by_rules_of_today,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen
    from flow
    where is_since and action = 'Denied'
    group by perimeter, profile, resource, direction, caller, matched_rule
)

select
    d.perimeter,
    d.profile,
    d.resource,
    d.direction,
    d.caller,
    d.caller_kind,
    d.matched_rule,
    d.denied_requests,
    d.days_denied,
    d.admitted_by_rules_of_today,
    coalesce(p.allowed_before, 0)::bigint as allowed_before,
    coalesce(p.denied_before, 0)::bigint as denied_before,
    d.first_seen,
    d.last_seen
from denial as d
left join past as p
    on
        d.perimeter is not distinct from p.perimeter
        and d.resource is not distinct from p.resource
        and d.direction is not distinct from p.direction
        and d.caller is not distinct from p.caller
order by
    d.denied_requests desc,
    d.perimeter,
    d.profile,
    d.resource,
    d.direction,
    d.caller,
    d.matched_rule
