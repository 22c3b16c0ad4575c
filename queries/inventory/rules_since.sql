-- Since when the inventory knows that the rules of each profile are what they are.
-- reads: inventory_snapshot, snapshot_profile, snapshot_rule_element
-- grain: one row a perimeter and profile whose rules the newest snapshot knows
-- Names of profiles differ in nothing but case; they come in lower case.
with rules_history as (
    select
        p.perimeter,
        lower(p.profile) as profile,
        s.snapshot_id,
        s.taken_at,
        s.confirmed_at,
        bool_and(p.rules_known) as rules_known,
        hash(list(distinct [e.rule, e.direction, e.kind, e.element] order by [e.rule, e.direction, e.kind, e.element]))
            as rules
    from snapshot_profile as p
    inner join inventory_snapshot as s on p.snapshot_id = s.snapshot_id
    left join snapshot_rule_element as e
        on p.snapshot_id = e.snapshot_id and p.perimeter = e.perimeter and lower(p.profile) = lower(e.profile)
    group by p.perimeter, lower(p.profile), s.snapshot_id, s.taken_at, s.confirmed_at
),

rules_step as (
    select
        *,
        last(rules order by confirmed_at, taken_at, snapshot_id) over (
            partition by perimeter, profile
        ) as newest_rules
    from rules_history
),

other_rules as (
    select
        perimeter,
        profile,
        max(confirmed_at) as last_seen
    from rules_step
    where rules <> newest_rules or not rules_known
    group by perimeter, profile
)

select
    s.perimeter,
    s.profile,
    min(if(s.taken_at > coalesce(o.last_seen, '-infinity'::timestamp), s.taken_at, s.confirmed_at)) as rules_since
from rules_step as s
left join other_rules as o on s.perimeter = o.perimeter and s.profile = o.profile
where s.rules_known and s.confirmed_at > coalesce(o.last_seen, '-infinity'::timestamp)
group by s.perimeter, s.profile
