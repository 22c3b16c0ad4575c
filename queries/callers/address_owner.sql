-- Whose the public addresses are: the known network and the service tag that hold each.
-- reads: address, network_span
-- grain: one row an address, in its canonical form, that a known network or a service tag holds
with public_address as (
    select distinct
        canonical,
        value
    from address
    where value is not null
)

select
    a.canonical,
    s.network_name,
    s.network_owner,
    s.service_tag,
    s.azure_region
from public_address as a
asof inner join network_span as s on a.value >= s.first_value
where a.value <= s.last_value
