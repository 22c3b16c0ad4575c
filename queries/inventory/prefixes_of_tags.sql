-- The prefixes of some service tags.
-- reads: service_tag_prefix
-- grain: one row a tag and prefix
-- $tags  names of tags, lower case
select
    lower(tag) as tag,
    prefix
from service_tag_prefix
where lower(tag) in $tags
order by tag, prefix
