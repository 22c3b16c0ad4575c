-- The staged lines that others were staged in the place of.
-- reads: staged_line
-- grain: one row a line
-- $rowids  their rowids
select rowid
from staged_line
where rowid in (select unnest($rowids::bigint[]))
