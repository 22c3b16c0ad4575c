-- How far the log reaches, by the hours of its flows.
-- reads: hour_count, access_log, traffic
-- grain: one row
-- $now  hours after it are left out of newest_hour: a clock went wrong
select
    (select max(hour) from hour_count where hour <= $now) as newest_hour,
    (select min(time) from access_log) as oldest_raw,
    (select min(hour) from traffic) as oldest_flow
