-- The sources that hold a line for which records_of_lines can't give a record.
-- reads: line_text (source_id, line, text)
-- grain: one row a source
-- $structure  structure for json_transform, with every known field spelled as in these lines
with parsed as (
    select
        source_id,
        case when json_valid(text) then json_transform(text, $structure) end as r
    from line_text
    where text is not null
)

select distinct source_id
from parsed
where
    coalesce(r.category, '') = ''
    or coalesce(try_cast(r.time as timestamptz), 'infinity'::timestamptz)
    not between '2015-01-01 00:00:00+00'::timestamptz and '2099-12-31 00:00:00+00'::timestamptz
    or coalesce(
        try_cast(r.count as bigint) not between 0 and 1000000000
        or try_cast(r.count as double) <> try_cast(r.count as bigint),
        nullif(r.count, '') is not null
    )
