-- Who calls: every caller of every perimeter, with what is known of it and every address it was seen from.
-- reads: verdict, address_owner, inventory_association
-- grain: one row a perimeter and caller
-- One resource or application seen from many addresses is one caller; an address without identity is one by itself.
-- Private endpoints and addresses that no rule can match are callers, too.
with inbound as (
    select *
    from verdict
    where direction = 'Inbound'
),

elsewhere as (
    select
        resource,
        min(perimeter) as perimeter
    from inventory_association
    group by resource
)

select
    i.perimeter,
    i.caller_key as caller,
    case
        when bool_and(i.caller_kind = 'private-endpoint') then 'private-endpoint'
        when bool_or(i.is_member or i.caller_kind = 'member') then 'member'
        when bool_or(i.caller_kind = 'other-perimeter') or max(e.perimeter) is not null then 'other-perimeter'
        when bool_or(i.caller_kind = 'azure-resource') then 'azure-resource'
        when bool_or(i.caller_kind = 'app') then 'app'
        when max(o.network_name) is not null then 'known-network'
        when max(o.service_tag) is not null then 'service-tag'
        else max(i.caller_kind) filter (where i.caller_kind <> 'private-endpoint')
    end as kind,
    max(e.perimeter) as of_perimeter,
    max(i.source_subscription) as subscription,
    max(i.source_app_id) as app_id,
    max(o.network_name) as network_name,
    max(o.network_owner) as network_owner,
    max(o.service_tag) as service_tag,
    max(o.azure_region) as azure_region,
    count(distinct i.source_ip) as addresses,
    coalesce(
        list(distinct i.source_ip order by i.source_ip) filter (where i.source_ip is not null), []
    ) as address_list,
    count(distinct i.service_resource) as resources,
    coalesce(list(distinct i.operation order by i.operation) filter (where i.operation is not null), []) as operations,
    sum(i.requests)::bigint as requests,
    coalesce(sum(i.requests) filter (where i.action = 'Denied'), 0)::bigint as denied_requests,
    coalesce(
        sum(i.requests) filter (where i.denied_if_enforced), 0
    )::bigint as denied_if_enforced,
    count(distinct i.hour::date) as days_seen,
    min(i.first_seen) as first_seen,
    max(i.last_seen) as last_seen
from inbound as i
left join address_owner as o on i.source_ip = o.canonical
left join elsewhere as e on i.source_resource = e.resource and i.perimeter <> e.perimeter
group by i.perimeter, i.caller_key
