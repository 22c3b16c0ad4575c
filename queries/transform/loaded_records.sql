-- What arrived in access_log from sources being loaded: records, whole ones, and the JSON keys with a value.
-- reads: access_log
-- grain: one row a source
-- $source_ids  the sources
-- $start_lines  for each, the line after which this load began
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
    + count(a.matched_rule) + count(a.rules_version)
    + count(a.source_resource) + count(a.source_ip) + count(a.source_port) + count(a.source_protocol)
    + count(a.source_perimeters) + count(a.source_app_id) + count(a.source_parameters)
    + count(a.destination_resource) + count(a.destination_fqdn) + count(a.destination_port)
    + count(a.destination_protocol) + count(a.destination_app_id) + count(a.destination_parameters) as keys
from access_log as a
inner join loading on a.source_id = loading.source_id
where a.line > loading.start_line
group by a.source_id
