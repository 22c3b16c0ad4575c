-- What is kept of the records of some hours: their flows by source.
-- reads: logged_record
-- grain: one row a source, hour, flow and version of the operation
-- $first_hour  first hour, inclusive
-- $end_hour  end, exclusive
select
    source_id,
    hour,
    perimeter,
    profile,
    service_resource,
    category,
    logged_direction,
    logged_traffic_type,
    logged_action,
    logged_rule_origin,
    matched_rule,
    rules_version,
    operation,
    operation_version,
    source_ip,
    source_network,
    source_resource,
    source_app_id,
    source_perimeters,
    destination_fqdn,
    destination_resource,
    protocol,
    sum(records)::bigint as records,
    sum(requests)::bigint as requests,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from logged_record
where first_seen >= $first_hour and first_seen < $end_hour
group by all
