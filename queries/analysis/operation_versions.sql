-- Operations by the version of the API that is called: old clients, to be asked before enforcing.
-- reads: logged_flow, load_ledger, hour_count
-- grain: one row an operation and version
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
with told as (
    select
        a.*,
        l.source_kind,
        l.place
    from logged_flow as a
    inner join load_ledger as l on a.source_id = l.source_id
),

scoped as (
    select *
    from told
    where
        hour >= coalesce($since, '-infinity'::timestamp)
        and hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(profile) = lower($profile))
)

select
    s.operation,
    s.operation_version,
    sum(s.requests)::bigint as requests,
    sum(s.records)::bigint as records,
    count(distinct s.service_resource) as resources,
    count(distinct s.source_ip) as addresses,
    min(s.first_seen) as first_seen,
    max(s.last_seen) as last_seen
from scoped as s
-- what another place tells more fully is not counted again
inner join hour_count as h
    on
        s.hour = h.hour
        and s.source_kind = h.source_kind
        and s.place = h.place
        and s.perimeter is not distinct from h.perimeter
        and s.category = h.category
where h.counted and (s.operation is not null or s.operation_version is not null)
group by s.operation, s.operation_version
order by
    s.operation,
    s.operation_version
limit $limit
