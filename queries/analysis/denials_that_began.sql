-- Calls that succeeded before and are denied since, the newest first: what an outage looks like.
-- reads: traffic
-- grain: one row a resource and caller, outbound also destination
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- A caller whose allowed and denied calls alternate up to the end is not one of them: its last allowed call is the newest.
with flow as (
    select
        perimeter,
        direction,
        service_resource as resource,
        caller_key as caller,
        caller_kind,
        if(direction = 'Outbound', coalesce(destination_fqdn, destination_resource), null) as destination,
        action,
        matched_rule,
        rules_version,
        requests,
        first_seen,
        last_seen
    from traffic
    where
        direction is not null
        and caller_key is not null
        and action is not null
        and hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
),

placed as (
    select
        *,
        max(last_seen) filter (where action = 'Approved') over (
            partition by perimeter, direction, resource, caller, destination
        ) as last_allowed,
        action = 'Denied' and first_seen > last_allowed as is_since
    from flow
)

select
    perimeter,
    direction,
    resource,
    max_by(caller_kind, (last_seen, caller_kind)) as caller_kind,
    caller,
    destination,
    last_allowed,
    min(first_seen) filter (where is_since) as denied_since,
    max(last_seen) filter (where is_since) as last_denied,
    sum(requests) filter (where action = 'Approved')::bigint as allowed_before,
    sum(requests) filter (where is_since)::bigint as denied_requests,
    max_by(rules_version, (last_seen, rules_version)) filter (where action = 'Approved') as rules_version_before,
    max_by(rules_version, (last_seen, rules_version)) filter (where is_since) as rules_version_since,
    max_by(matched_rule, (last_seen, matched_rule)) filter (where is_since) as denied_by
from placed
group by perimeter, direction, resource, caller, destination, last_allowed
having bool_or(is_since)
order by
    denied_since desc,
    denied_requests desc,
    perimeter,
    direction,
    resource,
    caller,
    destination
limit $limit
