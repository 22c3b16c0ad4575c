-- The perimeters that callers belong to, by what the log writes: a list as JSON, or a single one.
-- reads: traffic
-- grain: one row a text of source perimeters and a guid in it
with perimeter_list as (
    select distinct source_perimeters
    from traffic
    where source_perimeters is not null
)

select
    source_perimeters,
    lower(
        unnest(
            if(
                json_valid(source_perimeters) and left(source_perimeters, 1) = '[',
                from_json(source_perimeters, '["VARCHAR"]'),
                [trim(source_perimeters, ' "')]
            )
        )
    ) as guid
from perimeter_list
