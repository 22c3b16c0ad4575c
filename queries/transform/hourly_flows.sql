-- The flows of some hours: records summed over everything that does not tell flows apart.
-- reads: logged_flow, load_ledger, hour_count
-- grain: one row an hour and flow, as in the table traffic
-- $first_hour  first hour, inclusive
-- $end_hour  end, exclusive
with flow as (
    select
        a.hour,
        l.source_kind,
        l.place,
        a.perimeter,
        a.profile,
        a.service_resource,
        a.category,
        any_value(a.direction) as direction,
        any_value(a.traffic_type) as traffic_type,
        any_value(a.action) as action,
        any_value(a.rule_origin) as rule_origin,
        a.matched_rule,
        a.rules_version,
        a.operation,
        a.source_ip,
        a.source_network,
        a.source_resource,
        a.source_app_id,
        a.source_perimeters,
        a.destination_fqdn,
        a.destination_resource,
        a.protocol,
        sum(a.records)::bigint as records,
        sum(a.requests)::bigint as requests,
        min(a.first_seen) as first_seen,
        max(a.last_seen) as last_seen
    from logged_flow as a
    inner join load_ledger as l on a.source_id = l.source_id
    where a.first_seen >= $first_hour and a.first_seen < $end_hour
    group by
        a.hour,
        l.source_kind,
        l.place,
        a.perimeter,
        a.profile,
        a.service_resource,
        a.category,
        a.logged_direction,
        a.logged_traffic_type,
        a.logged_action,
        a.logged_rule_origin,
        a.matched_rule,
        a.rules_version,
        a.operation,
        a.source_ip,
        a.source_network,
        a.source_resource,
        a.source_app_id,
        a.source_perimeters,
        a.destination_fqdn,
        a.destination_resource,
        a.protocol
),

identified as (
    select
        flow.*,
        nullif(
            regexp_extract(
                flow.source_resource,
                '^/subscriptions/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:/|$)',
                1
            ),
            ''
        ) as source_subscription,
        case
            when traffic_type = 'Private' then 'private-endpoint'
            when direction = 'Outbound' or traffic_type = 'Intra' then 'member'
            when traffic_type = 'Cross' then 'other-perimeter'
            when source_resource is not null then 'azure-resource'
            when source_app_id is not null then 'app'
            when source_network = 'public' then 'public-address'
            when source_network is not null then 'unmatchable-address'
            else 'unknown'
        end as caller_kind
    from flow
    -- what another place tells more fully is not counted again
    inner join hour_count
        on
            flow.hour = hour_count.hour
            and flow.source_kind = hour_count.source_kind
            and flow.place = hour_count.place
            and flow.perimeter is not distinct from hour_count.perimeter
            and flow.category = hour_count.category
    where hour_count.counted
)

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
    case
        when direction = 'Outbound' then service_resource
        when source_resource is not null then source_resource
        when source_perimeters is not null and traffic_type = 'Cross' then source_perimeters
        when source_app_id is not null then 'app:' || source_app_id
        else source_ip
    end as caller_key,
    caller_kind,
    destination_fqdn,
    destination_resource,
    protocol,
    records,
    requests,
    first_seen,
    last_seen
from identified
