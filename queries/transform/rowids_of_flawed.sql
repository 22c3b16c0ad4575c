-- The rows of access_log from sources being loaded that lack what every record must have.
-- reads: access_log
-- grain: one row a record
-- $source_ids  the sources
select rowid
from access_log
where
    source_id in (select unnest($source_ids::bigint[]))
    and (time is null or category is null or count is null)
