-- The profiles that the inventory lists or a log names.
-- reads: inventory_profile, inventory_association, inventory_rule_element, traffic
-- grain: one row a perimeter and spelling of a profile
select
    perimeter,
    profile
from inventory_profile

union

select
    perimeter,
    profile
from inventory_association

union

select
    perimeter,
    profile
from inventory_rule_element

union

select
    perimeter,
    coalesce(profile, '') as profile
from traffic
where perimeter is not null
order by perimeter, profile
