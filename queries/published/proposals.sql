-- The proposals of the run that a snapshot was published with.
-- reads: published_run
-- grain: one row a proposal
with run as (
    select
        unnest(
            from_json(
                run -> 'proposals',
                '[{
                    "id": "VARCHAR", "perimeter": "VARCHAR", "profile": "VARCHAR", "direction": "VARCHAR",
                    "kind": "VARCHAR", "state": "VARCHAR", "name": "VARCHAR", "elements": ["VARCHAR"], "recommended": "BOOLEAN",
                    "flags": ["VARCHAR"], "reason": "VARCHAR",
                    "evidence": {
                        "requests": "BIGINT", "denied_requests": "BIGINT", "records": "BIGINT", "callers": "BIGINT",
                        "days_seen": "BIGINT", "days_observed": "BIGINT", "first_seen": "TIMESTAMP",
                        "last_seen": "TIMESTAMP", "resources": ["VARCHAR"], "operations": ["VARCHAR"],
                        "examples": ["VARCHAR"]
                    },
                    "exposure": {"extra_addresses": "UBIGINT", "resources_opened": ["VARCHAR"]}
                }]'
            )
        ) as proposal
    from published_run
)

select
    proposal.id,
    proposal.perimeter,
    proposal.profile,
    proposal.direction,
    proposal.kind,
    proposal.state,
    proposal.name,
    proposal.elements,
    proposal.recommended,
    proposal.flags,
    proposal.reason,
    proposal.evidence.requests,
    proposal.evidence.denied_requests,
    proposal.evidence.records,
    proposal.evidence.callers,
    proposal.evidence.days_seen,
    proposal.evidence.days_observed,
    proposal.evidence.first_seen,
    proposal.evidence.last_seen,
    proposal.evidence.resources,
    proposal.evidence.operations,
    proposal.evidence.examples,
    proposal.exposure.extra_addresses,
    proposal.exposure.resources_opened
from run
