-- The prefixes of Azure's service tags, as loaded.
-- reads: service_tag_prefix
-- grain: one row a tag and prefix
select
    tag,
    service,
    region,
    prefix
from service_tag_prefix
order by tag, prefix
