-- The records of access_log as flows are made of them: addresses in their shortest form, host names and ids in lower case.
-- reads: access_log, address
-- grain: one row a record
select
    a.source_id,
    date_trunc('hour', a.time) as hour,
    a.perimeter,
    a.profile,
    a.service_resource,
    a.category,
    a.logged_direction,
    a.logged_traffic_type,
    a.logged_action,
    a.logged_rule_origin,
    a.direction,
    a.traffic_type,
    a.action,
    a.rule_origin,
    a.matched_rule,
    a.rules_version,
    a.operation,
    a.operation_version,
    coalesce(i.canonical, a.source_ip) as source_ip,
    i.network as source_network,
    a.source_resource,
    lower(a.source_app_id) as source_app_id,
    a.source_perimeters,
    rtrim(lower(a.destination_fqdn), '.') as destination_fqdn,
    a.destination_resource,
    coalesce(a.source_protocol, a.destination_protocol) as protocol,
    1::bigint as records,
    a.count as requests,
    a.time as first_seen,
    greatest(a.time, coalesce(a.end_time, a.time)) as last_seen
from access_log as a
left join address as i on a.source_ip = i.text
