-- Decisions, in the order of recording.
-- reads: decision
-- grain: one row a decision
-- $proposal_id  id of one proposal; null for all
select
    sequence,
    proposal_id,
    action,
    elements,
    reason,
    who,
    decided_at,
    expires,
    proposal,
    previous_hash,
    hash
from decision
where $proposal_id is null or proposal_id = $proposal_id
order by sequence
