-- The rows of access_log from sources being loaded that lack what every record must have.
-- reads: access_log_stored
-- grain: one row a record
-- $source_ids  the sources
select rowid
from access_log_stored
where
    source_id in (select unnest($source_ids::bigint[]))
    and (time is null or category is null or count is null)
