-- Who decides about public traffic: by access mode, publicNetworkAccess and direction.
-- reads: nothing
-- grain: one row an access mode, publicNetworkAccess and direction
-- Source: Microsoft Learn, "Transition to a network security perimeter", the table of access modes. A resource that no
-- perimeter holds is NotAssociated. Audit is in the API without any published meaning: it is taken for Learning.
-- perimeter_rules: the perimeter's rules are asked first. otherwise: who decides where none of them admits.
select
    access_mode,
    public_network_access,
    direction,
    perimeter_rules,
    otherwise
from (
    values
    ('NotAssociated', 'Enabled', 'Inbound', false, 'resource-rules'),
    ('NotAssociated', 'Enabled', 'Outbound', false, 'allowed'),
    ('NotAssociated', 'Disabled', 'Inbound', false, 'denied'),
    ('NotAssociated', 'Disabled', 'Outbound', false, 'allowed'),
    ('NotAssociated', 'SecuredByPerimeter', 'Inbound', false, 'denied'),
    ('NotAssociated', 'SecuredByPerimeter', 'Outbound', false, 'denied'),
    ('Learning', 'Enabled', 'Inbound', true, 'resource-rules'),
    ('Learning', 'Enabled', 'Outbound', true, 'allowed'),
    ('Learning', 'Disabled', 'Inbound', true, 'denied'),
    ('Learning', 'Disabled', 'Outbound', true, 'allowed'),
    ('Learning', 'SecuredByPerimeter', 'Inbound', true, 'denied'),
    ('Learning', 'SecuredByPerimeter', 'Outbound', true, 'denied'),
    ('Audit', 'Enabled', 'Inbound', true, 'resource-rules'),
    ('Audit', 'Enabled', 'Outbound', true, 'allowed'),
    ('Audit', 'Disabled', 'Inbound', true, 'denied'),
    ('Audit', 'Disabled', 'Outbound', true, 'allowed'),
    ('Audit', 'SecuredByPerimeter', 'Inbound', true, 'denied'),
    ('Audit', 'SecuredByPerimeter', 'Outbound', true, 'denied'),
    ('Enforced', 'Enabled', 'Inbound', true, 'denied'),
    ('Enforced', 'Enabled', 'Outbound', true, 'denied'),
    ('Enforced', 'Disabled', 'Inbound', true, 'denied'),
    ('Enforced', 'Disabled', 'Outbound', true, 'denied'),
    ('Enforced', 'SecuredByPerimeter', 'Inbound', true, 'denied'),
    ('Enforced', 'SecuredByPerimeter', 'Outbound', true, 'denied')
) as cell (access_mode, public_network_access, direction, perimeter_rules, otherwise)
