-- Whom resources denied since a moment, by which rule, and what became of the same callers before it.
-- reads: verdict, inventory_association
-- grain: one row a perimeter, profile, resource, direction, caller or destination, and rule
-- $since  the moment (UTC)
-- $resource  ARM id of the resource; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- Not denied isn't admitted: in learning mode the resource's own rules would decide, and of many calls nobody can tell.
-- Calls to members that the log shows as denied although they arrive are left out. A record of the hour of the moment
-- counts as since where its last event is. A part of an associated resource counts for that resource, and a record that
-- names none (unplaced_requests) for each of its profile.
with flow as (
    select
        perimeter,
        lower(profile) as profile,
        coalesce(associated_resource, service_resource) as resource,
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
        and (
            $resource is null
            or coalesce(associated_resource, service_resource) = lower($resource)
            or (
                service_resource is null
                and exists (
                    from inventory_association as a
                    where
                        a.resource = lower($resource)
                        and a.perimeter = verdict.perimeter
                        and lower(a.profile) = lower(verdict.profile)
                )
            )
        )
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
        coalesce(resource, lower($resource)) as place,
        direction,
        caller,
        max(caller_kind) as caller_kind,
        matched_rule,
        sum(requests)::bigint as denied_requests,
        coalesce(sum(requests) filter (where resource is null), 0)::bigint as unplaced_requests,
        count(distinct last_seen::date) as days_denied,
        coalesce(
            sum(requests) filter (where verdict in ('allowed-by-rule', 'allowed-by-membership', 'allowed-by-link')), 0
        )::bigint as admitted_by_rules_of_today,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen
    from flow
    where is_since and action = 'Denied'
    group by perimeter, profile, place, direction, caller, matched_rule
),

denied_party as (
    select distinct
        perimeter,
        place,
        direction,
        caller
    from denial
),

-- it may have succeeded at the same resource where either record names none
earlier as (
    select
        d.perimeter,
        d.place,
        d.direction,
        d.caller,
        sum(p.allowed_before) as allowed_before,
        sum(p.denied_before) filter (where p.resource is not distinct from d.place) as denied_before
    from denied_party as d
    inner join past as p
        on
            d.perimeter is not distinct from p.perimeter
            and d.direction is not distinct from p.direction
            and d.caller is not distinct from p.caller
    where d.place is null or p.resource is null or d.place = p.resource
    group by d.perimeter, d.place, d.direction, d.caller
)

select
    d.perimeter,
    d.profile,
    d.place as resource,
    d.direction,
    d.caller,
    d.caller_kind,
    d.matched_rule,
    d.denied_requests,
    d.unplaced_requests,
    d.days_denied,
    d.admitted_by_rules_of_today,
    coalesce(b.allowed_before, 0)::bigint as allowed_before,
    coalesce(b.denied_before, 0)::bigint as denied_before,
    d.first_seen,
    d.last_seen
from denial as d
left join earlier as b
    on
        d.perimeter is not distinct from b.perimeter
        and d.place is not distinct from b.place
        and d.direction is not distinct from b.direction
        and d.caller is not distinct from b.caller
order by
    d.denied_requests desc,
    d.perimeter,
    d.profile,
    d.place,
    d.direction,
    d.caller,
    d.matched_rule
