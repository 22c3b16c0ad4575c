-- The records of lines, with null for what is blank in them.
-- reads: record_of_line
-- grain: one row a record
select
    source_id,
    line,
    time,
    end_time,
    count,
    counted,
    extra,
    nullif(nullif(columns(* exclude (source_id, line, time, end_time, count, counted, extra)), ''), '[]')
from record_of_line
