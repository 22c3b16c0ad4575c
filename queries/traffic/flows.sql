-- The hourly flows themselves.
-- reads: traffic
-- grain: one row an hourly flow
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $direction  Inbound or Outbound; null for all
-- $limit  at most so many rows; null for all
select
    hour,
    source_kind,
    perimeter,
    profile,
    service_resource,
    category,
    direction,
    traffic_type,
    action,
    rule_origin,
    matched_rule,
    rules_version,
    operation,
    source_ip,
    source_network,
    source_resource,
    source_subscription,
    source_app_id,
    source_perimeters,
    caller_key,
    caller_kind,
    destination_fqdn,
    destination_resource,
    protocol,
    records,
    requests,
    first_seen,
    last_seen
from traffic
where
    hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
    and ($direction is null or lower(direction) = lower($direction))
order by
    hour,
    perimeter,
    service_resource,
    category,
    caller_key,
    destination_fqdn,
    operation,
    first_seen
limit $limit
