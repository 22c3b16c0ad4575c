-- The answer to a query of a workspace, opened: the names of its columns, and its rows.
-- reads: answer_text (text)
-- grain: one row
with opened as (
    select json_transform(text, '{"tables":[{"columns":[{"name":"VARCHAR"}],"rows":[["VARCHAR"]]}]}') as answer
    from answer_text
)

select
    list_transform(answer.tables[1].columns, lambda c: c.name) as columns,
    answer.tables[1].rows as rows
from opened
