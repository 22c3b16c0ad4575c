-- Elements of rules in force that can't be matched with the logs here: the engine believes the log for them.
-- reads: inventory_rule_element, service_tag_prefix
-- grain: one row an element
select
    e.perimeter,
    e.profile,
    e.rule,
    e.kind,
    e.element
from inventory_rule_element as e
where
    (e.kind = 'service-tags' and lower(e.element) not in (select lower(tag) from service_tag_prefix))
    or (e.kind = 'fqdns' and contains(e.element, '*'))
    or e.kind in ('email-addresses', 'phone-numbers')
order by e.perimeter, e.profile, e.rule, e.element
