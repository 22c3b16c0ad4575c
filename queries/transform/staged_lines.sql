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

opened as (
    select
        source_id,
        line,
        valid,
        unnest(
            case
                when not valid or coalesce(json_type(text, '$.time'), json_type(text, '$.Time')) is not null then [text]
                when json_type(text, '$.records') = 'ARRAY' and json_type(text, '$.records[0]') = 'OBJECT'
                    then json_extract(text, '$.records[*]')::varchar[]
                when json_type(text, '$.Records') = 'ARRAY' and json_type(text, '$.Records[0]') = 'OBJECT'
                    then json_extract(text, '$.Records[*]')::varchar[]
                when json_type(text) = 'ARRAY' and json_type(text, '$[0]') = 'OBJECT'
                    then json_extract(text, '$[*]')::varchar[]
                else [text]
            end
        ) as text
    from checked
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
