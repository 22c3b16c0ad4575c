-- Every address that one caller was seen from, with whose it is.
-- reads: verdict, address_owner
-- grain: one row a perimeter and address
-- $caller  the caller, as the column caller of callers/callers has it
-- $perimeter  ARM id or name of the perimeter; null for all
select
    v.perimeter,
    v.source_ip as address,
    v.source_network as network,
    o.network_name,
    o.network_owner,
    o.service_tag,
    o.azure_region,
    sum(v.requests)::bigint as requests,
    count(distinct v.hour::date) as days_seen,
    min(v.first_seen) as first_seen,
    max(v.last_seen) as last_seen
from verdict as v
left join address_owner as o on v.source_ip = o.canonical
where
    v.direction = 'Inbound'
    and v.caller_key = $caller
    and v.source_ip is not null
    and ($perimeter is null or v.perimeter = lower($perimeter) or ends_with(v.perimeter, '/' || lower($perimeter)))
group by
    v.perimeter,
    v.source_ip,
    v.source_network,
    o.network_name,
    o.network_owner,
    o.service_tag,
    o.azure_region
order by
    requests desc,
    v.perimeter,
    v.source_ip
