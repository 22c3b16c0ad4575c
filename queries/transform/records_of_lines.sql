-- The typed, normalised records of lines. A flawed line gives a null in time, category or count.
-- reads: line_text (source_id, line, text; text is JSON or null)
-- grain: one row a record
-- $structure  structure for json_transform, with every known field spelled as in these lines
-- $unknown_paths  JSON pointers to fields that no column takes; empty where there are none
-- $unknown_names  what each of them is called in extra
-- $first_perimeter  resourceId of one of the records; null where none is known
-- $first_service  serviceResourceId of one of the records; null where none is known
-- Blank texts are kept: the quick way hands none out, and on the careful one records_without_blanks drops them.
-- No condition may look into r: it would be pushed below json_transform, and every line parsed twice.
with parsed as (
    select
        source_id,
        line,
        text,
        json_transform(text, $structure) as r
    from line_text
    where text is not null
),

typed as (
    select
        *,
        -- a cast to timestamp would ignore an offset such as +02:00
        try_cast(r.time as timestamptz) at time zone 'UTC' as event_time,
        try_cast(r.timegeneratedendtime as timestamptz) at time zone 'UTC' as event_end_time,
        nullif(nullif(r.count, ''), '[]') as count_text,
        try_cast(r.count as bigint) as count_value
    from parsed
)

select
    source_id,
    line,
    case when event_time between timestamp '2015-01-01' and timestamp '2099-12-31' then event_time end as time,
    case
        when event_end_time between timestamp '2015-01-01' and timestamp '2099-12-31' then event_end_time
    end as end_time,
    case
        when count_text is null then 1
        when count_value between 0 and 1000000000 and try_cast(count_text as double) = count_value
            then greatest(count_value, 1)
    end as count,
    count_text is not null as counted,
    -- most records name the ids of the first one; comparing costs a fraction of lower()
    case when r.resourceid = $first_perimeter then lower($first_perimeter) else lower(r.resourceid) end
        as perimeter,
    r.location,
    r.operationname as operation,
    r.operationversion as operation_version,
    r.category,
    r.resultdescription as result_description,
    case
        when r.properties.serviceresourceid = $first_service then lower($first_service)
        else lower(r.properties.serviceresourceid)
    end as service_resource,
    r.properties.servicefqdn as service_fqdn,
    r.properties.profile,
    r.properties.parameters,
    r.properties.appid as app_id,
    r.properties.matchedrule.accessrule as matched_rule,
    r.properties.accessrulesversion as rules_version,
    lower(r.properties.source.resourceid) as source_resource,
    r.properties.source.ipaddress as source_ip,
    r.properties.source.port as source_port,
    r.properties.source.protocol as source_protocol,
    lower(r.properties.source.perimeterguids) as source_perimeters,
    r.properties.source.appid as source_app_id,
    r.properties.source.parameters as source_parameters,
    lower(r.properties.destination.resourceid) as destination_resource,
    r.properties.destination.fullyqualifieddomainname as destination_fqdn,
    r.properties.destination.port as destination_port,
    r.properties.destination.protocol as destination_protocol,
    r.properties.destination.appid as destination_app_id,
    r.properties.destination.parameters as destination_parameters,
    case
        when len($unknown_paths::varchar[]) > 0 then nullif(
            to_json(
                map_from_entries(
                    list_filter(
                        list_zip($unknown_names::varchar[], json_extract(text, $unknown_paths::varchar[])),
                        -- blank as a known field would be
                        lambda entry: entry[2]::varchar not in ('null', '""', '[]', '{}')
                    )
                )
            )::varchar,
            '{}'
        )
    end as extra
from typed
