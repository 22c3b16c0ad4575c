-- Lines of some shapes that are JSON, each with the reason why it is no record, or null.
-- reads: staged_line
-- grain: one row a line
-- $shapes  the shapes, as staged
-- $structure  structure for json_transform, with every known field spelled as in these lines
-- $objects  JSON pointers to the record and the objects in it that hold known fields, as spelled
with parsed as (
    select
        source_id,
        line,
        text,
        shape,
        json_transform(text, $structure) as r
    from staged_line
    where shape in $shapes
)

select
    source_id,
    line,
    text,
    case
        when shape = '{}' and json_type(text) <> 'OBJECT' then 'not a JSON object'
        when
            list_bool_or(
                [len(keys) <> len(list_distinct(keys)) for keys in json_keys(text, $objects::varchar[])]
            )
            then 'a key stands twice in one object'
        when coalesce(r.time, '') in ('', '[]') then 'no time'
        when
            coalesce(try_cast(r.time as timestamptz), 'infinity'::timestamptz)
            not between '2015-01-01 00:00:00+00'::timestamptz and '2099-12-31 00:00:00+00'::timestamptz
            then 'time is no timestamp between 2015 and 2099'
        when coalesce(r.category, '') in ('', '[]') then 'no category'
        when
            nullif(nullif(r.count, ''), '[]') is not null
            and coalesce(
                try_cast(r.count as bigint) not between 0 and 1000000000
                or try_cast(r.count as double) <> try_cast(r.count as bigint),
                true
            )
            then 'count is no whole number between 0 and 1,000,000,000'
        when
            nullif(nullif(r.timegeneratedendtime, ''), '[]') is not null
            and coalesce(try_cast(r.timegeneratedendtime as timestamptz), 'infinity'::timestamptz)
            not between '2015-01-01 00:00:00+00'::timestamptz and '2099-12-31 00:00:00+00'::timestamptz
            then 'timeGeneratedEndTime is no timestamp between 2015 and 2099'
    end as reason
from parsed
