-- The elements of one JSON document, numbered: of an array its elements, else the document itself.
-- reads: nothing
-- grain: one row an element
-- $source_id  number of the source
-- $text  the whole document
with document as (
    select json($text) as body
),

opened as (
    select
        case
            when json_type(body) = 'ARRAY' then json_extract(body, '$[*]')::varchar[]
            else [body::varchar]
        end as elements
    from document
)

select
    $source_id::bigint as source_id,
    generate_subscripts(elements, 1)::bigint as line,
    unnest(elements) as text
from opened
