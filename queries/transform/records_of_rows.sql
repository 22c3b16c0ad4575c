-- The typed, normalised records of a workspace's rows. A flawed row gives a null in time, category or count.
-- reads: workspace_row (source_id, line, cells)
-- grain: one row a record
-- $columns  names of the cells, in order
-- $unknown  those that no column takes
with named as (
    select
        source_id,
        line,
        cells,
        cells[list_position($columns::varchar[], 'TimeGenerated')] as time_text,
        cells[list_position($columns, 'TimeGeneratedEndTime')] as end_text,
        nullif(cells[list_position($columns, 'Count')], '') as count_text,
        nullif(cells[list_position($columns, 'MatchedRule')], '') as rule_text,
        nullif(cells[list_position($columns, 'RuleType')], '') as rule_type
    from workspace_row
),

typed as (
    select
        *,
        try_cast(time_text as timestamptz) at time zone 'UTC' as event_time,
        try_cast(nullif(end_text, '') as timestamptz) at time zone 'UTC' as event_end_time,
        case
            when regexp_full_match(count_text, '[0-9]+([.]0+)?') then try_cast(count_text as bigint)
        end as count_value,
        case when json_valid(rule_text) and json_type(rule_text) = 'OBJECT' then rule_text end as rule_bag,
        list_filter(json_keys(rule_bag), lambda key: lower(key) = 'accessrule')[1] as rule_key,
        if(len(json_keys(rule_bag)) > if(rule_key is null, 0, 1), rule_bag, null) as rule_bag_of_more
    from named
)

select
    source_id,
    line,
    case when event_time between timestamp '2015-01-01' and timestamp '2099-12-31' then event_time end as time,
    case
        when event_end_time between timestamp '2015-01-01' and timestamp '2099-12-31' then event_end_time
    end as end_time,
    case when count_text is null then 1 when count_value between 0 and 1000000000 then greatest(count_value, 1) end
        as count,
    count_text is not null as counted,
    nullif(lower(cells[list_position($columns, '_ResourceId')]), '') as perimeter,
    nullif(cells[list_position($columns, 'Location')], '') as location,
    nullif(cells[list_position($columns, 'OperationName')], '') as operation,
    nullif(cells[list_position($columns, 'OperationVersion')], '') as operation_version,
    nullif(cells[list_position($columns, 'Category')], '') as category,
    nullif(cells[list_position($columns, 'ResultDescription')], '') as result_description,
    nullif(lower(cells[list_position($columns, 'ServiceResourceId')]), '') as service_resource,
    nullif(cells[list_position($columns, 'ServiceFqdn')], '') as service_fqdn,
    nullif(cells[list_position($columns, 'Profile')], '') as profile,
    nullif(cells[list_position($columns, 'Parameters')], '') as parameters,
    nullif(cells[list_position($columns, 'AppId')], '') as app_id,
    nullif(
        if(rule_bag is null, rule_text, json_extract_string(rule_bag, '/' || rule_key)),
        ''
    ) as matched_rule,
    nullif(cells[list_position($columns, 'AccessRuleVersion')], '') as rules_version,
    nullif(lower(cells[list_position($columns, 'SourceResourceId')]), '') as source_resource,
    nullif(cells[list_position($columns, 'SourceIpAddress')], '') as source_ip,
    nullif(cells[list_position($columns, 'SourcePort')], '') as source_port,
    nullif(cells[list_position($columns, 'SourceProtocol')], '') as source_protocol,
    nullif(nullif(lower(cells[list_position($columns, 'SourcePerimeterGuids')]), ''), '[]') as source_perimeters,
    nullif(cells[list_position($columns, 'SourceAppId')], '') as source_app_id,
    nullif(cells[list_position($columns, 'SourceParameters')], '') as source_parameters,
    nullif(lower(cells[list_position($columns, 'DestinationResourceId')]), '') as destination_resource,
    nullif(cells[list_position($columns, 'DestinationFqdn')], '') as destination_fqdn,
    nullif(cells[list_position($columns, 'DestinationPort')], '') as destination_port,
    nullif(cells[list_position($columns, 'DestinationProtocol')], '') as destination_protocol,
    nullif(cells[list_position($columns, 'DestinationParameters')], '') as destination_parameters,
    nullif(cells[list_position($columns, 'DestinationEmailAddress')], '') as destination_email,
    nullif(cells[list_position($columns, 'DestinationPhoneNumber')], '') as destination_phone,
    nullif(cells[list_position($columns, 'ResultDirection')], '') as logged_direction,
    nullif(cells[list_position($columns, 'TrafficType')], '') as logged_traffic_type,
    nullif(cells[list_position($columns, 'ResultAction')], '') as logged_action,
    -- which words the service uses is documented nowhere; these two are what the column is said to tell apart
    case
        when contains(lower(rule_type), 'perimeter') or lower(rule_type) = 'nsp' then 'Perimeter'
        when contains(lower(rule_type), 'resource') or lower(rule_type) = 'paas' then 'Resource'
        else rule_type
    end as logged_rule_origin,
    case
        when len($unknown::varchar[]) > 0 or rule_bag_of_more is not null then nullif(
            to_json(
                map_from_entries(
                    list_filter(
                        list_zip(
                            list_transform($unknown::varchar[], lambda name: '$.' || name) || ['$.MatchedRule'],
                            list_transform($unknown::varchar[], lambda name: cells[list_position($columns, name)])
                            || [rule_bag_of_more]
                        ),
                        lambda entry: coalesce(entry[2], '') not in ('', '[]', '{}')
                    )
                )
            )::varchar,
            '{}'
        )
    end as extra
from typed
