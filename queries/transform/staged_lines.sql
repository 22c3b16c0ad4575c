-- Lines with the shape of their JSON; an envelope ({"records": [...]}) or array becomes its records.
-- reads: line_text (source_id, line, text)
-- grain: one row a line, or a record of an envelope
with checked as (
    select
        source_id,
        line,
        text,
        json_valid(text) as valid
    from line_text
    where text is not null
),

listed as (
    select
        *,
        case
            when not valid or coalesce(json_type(text, '$.time'), json_type(text, '$.Time')) is not null then null
            when list_contains(json_type(text, '$.records[*]'), 'OBJECT') then 'records'
            when list_contains(json_type(text, '$.Records[*]'), 'OBJECT') then 'Records'
            when json_type(text) = 'ARRAY' and list_contains(json_type(text, '$[*]'), 'OBJECT') then ''
        end as member
    from checked
),

opened as (
    select
        source_id,
        line,
        valid,
        unnest(
            case member
                when '' then json_extract(text, '$[*]')::varchar[]
                when 'records' then json_extract(text, '$.records[*]')::varchar[]
                when 'Records' then json_extract(text, '$.Records[*]')::varchar[]
                else [text]
            end
            -- what an envelope holds beside its records is staged as well, to be rejected
            || case
                when member in ('records', 'Records')
                    then
                        list_filter(
                            [json_merge_patch(text, json_object(member, null))::varchar], lambda rest: rest <> '{}'
                        )
                else []
            end
        ) as text
    from listed
)

select
    source_id,
    line,
    text,
    case
        when valid and json_type(text) = 'OBJECT' then json_structure(text)::varchar
        when valid then '{}'
    end as shape
from opened
