-- Protocols in use, and whether a perimeter supports them.
-- reads: traffic
-- grain: one row a direction and protocol
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- For Storage a perimeter supports HTTPS only; success of the others in learning mode says nothing about enforced mode.
select
    direction,
    upper(protocol) as protocol,
    -- inbound NFS, SMB and SFTP are let in by the resource's own firewall only, whatever rules there are
    coalesce(direction = 'Inbound' and regexp_matches(upper(protocol), '^(NFS|SMB|SFTP)'), false) as is_unsupported,
    sum(requests)::bigint as requests,
    coalesce(sum(requests) filter (where action = 'Approved'), 0)::bigint as approved_requests,
    count(distinct service_resource) as resources,
    count(distinct caller_key) as callers,
    min(first_seen) as first_seen,
    max(last_seen) as last_seen
from traffic
where
    hour >= coalesce($since, '-infinity'::timestamp)
    and hour < coalesce($until, 'infinity'::timestamp)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
    and ($profile is null or lower(profile) = lower($profile))
group by direction, upper(protocol)
order by
    is_unsupported desc,
    requests desc,
    direction,
    protocol
limit $limit
