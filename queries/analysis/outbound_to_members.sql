-- Outbound calls to members of the same perimeter: need an identity or nothing, never a host name rule.
-- reads: verdict
-- grain: one row a perimeter, calling resource and destination
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- Working calls to members may be logged as DenyAll, a known artefact: works_although_logged_otherwise is true where
-- the log of the member called shows that they arrive. Where it is false, see to the managed identity of the caller.
select
    perimeter,
    service_resource as resource,
    destination_fqdn,
    destination_resource,
    coalesce(sum(requests) filter (where category = 'NspOutboundAttempt'), 0)::bigint as attempts,
    coalesce(sum(requests) filter (where action = 'Approved'), 0)::bigint as approved_requests,
    coalesce(sum(requests) filter (where action = 'Denied'), 0)::bigint as denied_requests,
    coalesce(sum(requests) filter (where verdict.denied_if_enforced), 0)::bigint as denied_if_enforced,
    bool_or(reason = 'log-artefact') as works_although_logged_otherwise,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from verdict
where
    direction = 'Outbound'
    and is_member
    and hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by perimeter, service_resource, destination_fqdn, destination_resource
order by
    denied_if_enforced desc,
    denied_requests desc,
    approved_requests desc,
    attempts desc,
    perimeter,
    resource,
    destination_fqdn,
    destination_resource
limit $limit
