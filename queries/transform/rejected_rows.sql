-- Workspace rows whose record lacks what every record must have, with the reason.
-- reads: access_log, workspace_row (source_id, line, cells)
-- grain: one row a record
-- $columns  names of the cells, in order
select
    r.source_id,
    r.line,
    case
        when a.time is null then 'TimeGenerated is no timestamp between 2015 and 2099'
        when a.category is null then 'no Category'
        else 'Count is no whole number between 0 and 1,000,000,000'
    end as reason,
    left(
        array_to_string(
            list_transform(
                list_zip($columns::varchar[], r.cells),
                lambda cell: coalesce(cell[1], '') || '=' || coalesce(cell[2], '')
            ),
            '; '
        ),
        4096
    ) as raw
from workspace_row as r
inner join access_log as a on r.source_id = a.source_id and r.line = a.line
where a.time is null or a.category is null or a.count is null
