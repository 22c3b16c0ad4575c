-- The callers, those with the most requests first.
-- reads: caller
-- grain: one row a perimeter and caller
-- $kind  member, other-perimeter, azure-resource, app, known-network, service-tag, public-address ...; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $limit  at most so many rows; null for all
select
    perimeter,
    kind,
    caller,
    coalesce(network_name, service_tag) as network,
    azure_region,
    addresses,
    address_list[1:3] as examples,
    resources,
    requests,
    denied_requests,
    denied_if_enforced,
    days_seen,
    first_seen,
    last_seen
from caller
where
    ($kind is null or kind = $kind)
    and ($perimeter is null or perimeter = lower($perimeter) or ends_with(perimeter, '/' || lower($perimeter)))
order by
    requests desc,
    perimeter,
    kind,
    caller
limit $limit
