-- What is loaded, in one row: window, records, requests, flows, files, rejects.
-- reads: traffic, load_ledger
-- grain: one row
with flow as (
    select
        min(first_seen) as window_start,
        max(last_seen) as window_end,
        coalesce(sum(records), 0)::bigint as records,
        coalesce(sum(requests), 0)::bigint as requests,
        count(*) as flows,
        coalesce(sum(records) filter (where perimeter is null), 0)::bigint as records_without_perimeter,
        count(distinct hour) as hours_seen,
        count(distinct hour::date) as days_seen,
        coalesce(date_diff('hour', min(hour), max(hour)) + 1, 0) as hours_in_window
    from traffic
),

file as (
    select
        count(*) as files,
        coalesce(sum(rejected), 0)::bigint as rejected_records,
        count_if(pending_bytes > 0)::bigint as files_with_a_cut_last_line,
        coalesce(sum(pending_bytes), 0)::bigint as pending_bytes
    from load_ledger
)

select
    flow.window_start,
    flow.window_end,
    flow.records,
    flow.requests,
    flow.flows,
    flow.records_without_perimeter,
    flow.hours_seen,
    flow.hours_in_window,
    flow.days_seen,
    file.files,
    file.rejected_records,
    file.files_with_a_cut_last_line,
    file.pending_bytes
from flow
cross join file
