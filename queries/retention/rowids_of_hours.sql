-- The rows of access_log of some hours.
-- reads: access_log_stored
-- grain: one row a record
-- $first_hour  first hour, inclusive; null for all before the end
-- $end_hour  end, exclusive
select rowid
from access_log_stored
where time >= coalesce($first_hour, '-infinity'::timestamp) and time < $end_hour
