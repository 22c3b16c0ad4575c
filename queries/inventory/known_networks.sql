-- The networks whose owners were told.
-- reads: known_network
-- grain: one row a network
select
    name,
    prefix,
    owner
from known_network
order by name, prefix
