-- Attempts to call inside or between perimeters of which the other side's log shows nothing in the same hour.
-- reads: traffic, member_host
-- grain: one row a perimeter, calling resource and destination
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- $limit  at most so many rows; null for all
-- An attempt carries no verdict of its own. Records may be lost, and an attempt at the end of an hour may arrive in the next.
with host as (
    select
        host,
        min(resource) as resource
    from member_host
    group by host
),

attempt as (
    select
        t.perimeter,
        t.hour,
        t.service_resource as resource,
        coalesce(t.destination_resource, h.resource) as destination,
        t.destination_fqdn,
        t.requests,
        t.first_seen,
        t.last_seen,
        -- the account of a part of one, such as its blob service
        coalesce(
            nullif(
                regexp_extract(
                    t.service_resource, '^/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/[^/]+/[^/]+'
                ),
                ''
            ),
            t.service_resource
        ) as source_account,
        coalesce(
            nullif(
                regexp_extract(
                    coalesce(t.destination_resource, h.resource),
                    '^/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/[^/]+/[^/]+'
                ),
                ''
            ),
            t.destination_resource,
            h.resource
        ) as destination_account
    from (
        select *
        from traffic
        where
            category = 'NspOutboundAttempt'
            and hour >= coalesce($since, '-infinity'::timestamp)
            and hour < coalesce($until, 'infinity'::timestamp)
            and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
            and ($profile is null or lower(profile) = lower($profile))
    ) as t
    left join host as h on t.destination_fqdn = h.host
),

told as (
    select distinct
        hour,
        coalesce(
            nullif(
                regexp_extract(
                    service_resource, '^/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/[^/]+/[^/]+'
                ),
                ''
            ),
            service_resource
        ) as destination_account,
        coalesce(
            nullif(
                regexp_extract(
                    source_resource, '^/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/[^/]+/[^/]+'
                ),
                ''
            ),
            source_resource
        ) as source_account,
        coalesce(traffic_type in ('Intra', 'Cross'), false) as is_inside
    from traffic
    where direction = 'Inbound'
),

writing as (
    select distinct destination_account
    from told
),

named as (
    select distinct
        hour,
        destination_account,
        source_account
    from told
    where source_account is not null
),

unnamed as (
    select distinct
        hour,
        destination_account
    from told
    where source_account is null and is_inside
)

select
    a.perimeter,
    a.resource,
    a.destination,
    a.destination_fqdn,
    case
        when a.destination is null then 'the destination is not known'
        when not bool_or(w.destination_account is not null) then 'the destination wrote no inbound record at all'
        when bool_and(u.hour is not null) then 'its log has calls inside perimeters, without the name of the caller'
        else 'its log shows no such call'
    end as why,
    count(distinct a.hour) as hours,
    sum(a.requests)::bigint as requests,
    min(a.first_seen) as first_seen,
    max(a.last_seen) as last_seen
from attempt as a
left join named as n
    on a.hour = n.hour and a.destination_account = n.destination_account and a.source_account = n.source_account
left join unnamed as u on a.hour = u.hour and a.destination_account = u.destination_account
left join writing as w on a.destination_account = w.destination_account
where n.hour is null
group by a.perimeter, a.resource, a.destination, a.destination_fqdn
order by
    requests desc,
    a.perimeter,
    a.resource,
    a.destination,
    a.destination_fqdn
limit $limit
