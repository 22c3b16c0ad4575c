-- What a verdict can be founded on, and which verdict follows from it.
-- reads: nothing
-- grain: one row a reason
select
    reason,
    verdict,
    meaning
from (
    values
    ('rule', 'allowed-by-rule', 'an element of an access rule names it'),
    ('rule-as-logged', 'allowed-by-rule', 'the log names the rule, under the version of the rules that is in force'),
    ('member', 'allowed-by-membership', 'caller and resource are members of one perimeter'),
    ('log-artefact', 'allowed-by-membership', 'a call to a member that its own log shows as allowed'),
    ('link', 'allowed-by-link', 'a link joins the two perimeters'),
    ('private-endpoint', 'private', 'private endpoints are not subject to the perimeter'),
    ('resource-rules', 'allowed-by-resource-rules-only', 'only the resource''s own rules admit it'),
    ('outbound-open', 'allowed-by-resource-rules-only', 'learning mode leaves outbound calls open'),
    ('attempt', 'attempt', 'an attempt inside or between perimeters; the other side''s log has the outcome'),
    ('resource-rules-deny', 'denied', 'neither the perimeter''s rules nor the resource''s own admit it'),
    ('no-rule', 'denied', 'no access rule admits it, and nothing else is asked'),
    ('not-honoured', 'denied', 'a rule names it, yet the log shows that it does not admit it (service endpoint)'),
    ('identity-not-honoured', 'denied', 'a rule names its subscription, yet the log shows no admission (key or SAS)'),
    ('protocol', 'denied', 'the perimeter supports no NFS, SMB or SFTP, whatever its rules'),
    ('never-asked', 'unknown', 'the resource''s own rules would decide, and the log never saw them asked'),
    ('link-unknown', 'unknown', 'links let calls out, and nobody told in which perimeter the destination is'),
    ('mode', 'unknown', 'this access mode or publicNetworkAccess is not known'),
    ('category', 'unknown', 'this log category is not known')
) as told (reason, verdict, meaning)
