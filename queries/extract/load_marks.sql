-- How far scopes that are read in the order of time were loaded.
-- reads: load_mark
-- grain: one row a scope
-- $source_kind  blob or workspace
select
    scope,
    complete_from,
    complete_until
from load_mark
where source_kind = $source_kind
