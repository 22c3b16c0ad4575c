-- Calls that were denied before and succeed since, the newest first: a rule that works, or a probe that got in.
-- reads: traffic
-- grain: one row a resource and caller, outbound also destination
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
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
        rule_origin,
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
        max(last_seen) filter (where action = 'Denied') over (
            partition by perimeter, direction, resource, caller, destination
        ) as last_denied,
        action = 'Approved' and first_seen > last_denied as is_since
    from flow
)

select
    perimeter,
    direction,
    resource,
    max_by(caller_kind, (last_seen, caller_kind)) as caller_kind,
    caller,
    destination,
    last_denied,
    min(first_seen) filter (where is_since) as allowed_since,
    sum(requests) filter (where action = 'Denied')::bigint as denied_before,
    sum(requests) filter (where is_since)::bigint as allowed_requests,
    max_by(rules_version, (last_seen, rules_version)) filter (where action = 'Denied') as rules_version_before,
    max_by(rules_version, (last_seen, rules_version)) filter (where is_since) as rules_version_since,
    max_by(rule_origin, (last_seen, rule_origin)) filter (where is_since) as rule_origin,
    max_by(matched_rule, (last_seen, matched_rule)) filter (where is_since) as allowed_by
from placed
group by perimeter, direction, resource, caller, destination, last_denied
having bool_or(is_since)
order by
    allowed_since desc,
    allowed_requests desc,
    perimeter,
    direction,
    resource,
    caller,
    destination
limit $limit
