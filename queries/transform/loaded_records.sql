-- What arrived in access_log from sources being loaded: records, whole ones, and the JSON keys with a value.
-- reads: access_log
-- grain: one row a source
-- $source_ids  the sources
-- $start_lines  for each, the line after which this load began
-- The objects around the fields count as well: properties, source, destination and matchedRule.
with loading as (
    select
        unnest($source_ids::bigint[]) as source_id,
        unnest($start_lines::bigint[]) as start_line
)

select
    a.source_id,
    count(*) as records,
    count_if(a.time is not null and a.category is not null and a.count is not null) as whole_records,
    count(a.time) + count(a.end_time) + count_if(a.counted) + count(a.perimeter) + count(a.location)
    + count(a.operation) + count(a.operation_version) + count(a.category) + count(a.result_description)
    + count(a.service_resource) + count(a.service_fqdn) + count(a.profile) + count(a.parameters) + count(a.app_id)
    + 2 * count(a.matched_rule) + count(a.rules_version)
    + count(a.source_resource) + count(a.source_ip) + count(a.source_port) + count(a.source_protocol)
    + count(a.source_perimeters) + count(a.source_app_id) + count(a.source_parameters)
    + count(a.destination_resource) + count(a.destination_fqdn) + count(a.destination_port)
    + count(a.destination_protocol) + count(a.destination_app_id) + count(a.destination_parameters)
    + count_if(
        coalesce(
            a.service_resource, a.service_fqdn, a.profile, a.parameters, a.app_id, a.matched_rule,
            a.rules_version, a.source_ip, a.source_resource, a.destination_fqdn
        ) is not null
    )
    + count_if(
        coalesce(
            a.source_ip, a.source_resource, a.source_protocol, a.source_port, a.source_app_id,
            a.source_perimeters, a.source_parameters
        ) is not null
    )
    + count_if(
        coalesce(
            a.destination_fqdn, a.destination_resource, a.destination_protocol, a.destination_port,
            a.destination_app_id, a.destination_parameters
        ) is not null
    ) as keys
from access_log as a
inner join loading on a.source_id = loading.source_id
where a.line > loading.start_line
group by a.source_id
