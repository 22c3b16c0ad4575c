-- What changed in the configuration from one snapshot of a perimeter to the next.
-- reads: inventory_snapshot, snapshot_profile, snapshot_rule_element, snapshot_association, snapshot_resource, snapshot_link, snapshot_logging, snapshot_issue
-- grain: one row a change, at the time at which it was found
-- $since  first time (UTC), inclusive; null for all
-- $until  end (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
with step as (
    select
        snapshot_id,
        perimeter,
        taken_at,
        gone,
        links_known,
        logging_known,
        gaps,
        lag(snapshot_id) over (partition by perimeter order by taken_at, snapshot_id) as before_id,
        lag(links_known) over (partition by perimeter order by taken_at, snapshot_id) as links_known_before,
        lag(logging_known) over (partition by perimeter order by taken_at, snapshot_id) as logging_known_before,
        lag(gaps) over (partition by perimeter order by taken_at, snapshot_id) as gaps_before
    from inventory_snapshot
),

fact as (
    select
        snapshot_id,
        'perimeter' as kind,
        perimeter as name,
        if(gone, 'gone', 'there') as value
    from inventory_snapshot
    union all
    select
        snapshot_id,
        'rules version' as kind,
        profile as name,
        coalesce(rules_version, '?') as value
    from snapshot_profile
    union all
    select
        snapshot_id,
        'rule element' as kind,
        concat_ws(' ', profile, direction, rule, kind, element) as name,
        'in force' as value
    from snapshot_rule_element
    union all
    select
        snapshot_id,
        'access mode' as kind,
        resource as name,
        coalesce(access_mode, '?') as value
    from snapshot_association
    union all
    select
        snapshot_id,
        'public network access' as kind,
        resource as name,
        public_network_access as value
    from snapshot_association
    where public_network_access is not null
    union all
    select
        snapshot_id,
        'profile' as kind,
        resource as name,
        profile as value
    from snapshot_association
    union all
    select
        snapshot_id,
        'provisioning issues' as kind,
        resource as name,
        if(has_provisioning_issues, 'yes', 'no') as value
    from snapshot_association
    where has_provisioning_issues is not null
    union all
    select
        snapshot_id,
        'identity' as kind,
        resource as name,
        identity as value
    from snapshot_resource
    where identity is not null
    union all
    select
        snapshot_id,
        'link' as kind,
        link as name,
        concat_ws(' ', status, local_inbound_profiles, remote_inbound_profiles) as value
    from snapshot_link
    union all
    select
        snapshot_id,
        'log category' as kind,
        concat_ws(' ', nullif(setting, ''), category, destination) as name,
        if(enabled, 'enabled', 'disabled') as value
    from snapshot_logging
    union all
    select
        snapshot_id,
        'issue' as kind,
        resource as name,
        issue as value
    from snapshot_issue
),

later as (
    select
        step.snapshot_id,
        fact.kind,
        fact.name,
        string_agg(fact.value, ', ' order by fact.value) as value
    from step
    inner join fact on step.snapshot_id = fact.snapshot_id
    where step.before_id is not null
    group by step.snapshot_id, fact.kind, fact.name
),

earlier as (
    select
        step.snapshot_id,
        fact.kind,
        fact.name,
        string_agg(fact.value, ', ' order by fact.value) as value
    from step
    inner join fact on step.before_id = fact.snapshot_id
    group by step.snapshot_id, fact.kind, fact.name
),

change as (
    select
        coalesce(later.snapshot_id, earlier.snapshot_id) as snapshot_id,
        coalesce(later.kind, earlier.kind) as kind,
        coalesce(later.name, earlier.name) as name,
        earlier.value as before,
        later.value as after
    from later
    full outer join earlier
        on later.snapshot_id = earlier.snapshot_id and later.kind = earlier.kind and later.name = earlier.name
    where later.value is distinct from earlier.value
)

select
    step.taken_at as found_at,
    step.perimeter,
    change.kind,
    change.name,
    change.before,
    change.after
from change
inner join step on change.snapshot_id = step.snapshot_id
where
    -- what went with the perimeter is told by that alone
    (change.kind = 'perimeter' or not step.gone)
    -- what could not be read at one of the two times didn't change
    and case change.kind
        when 'link' then step.links_known and step.links_known_before
        when 'log category'
            then
                step.logging_known and step.logging_known_before and step.gaps is null and step.gaps_before is null
        when 'rule element'
            then not exists (
                select 1
                from snapshot_profile as p
                where
                    p.snapshot_id in (step.snapshot_id, step.before_id)
                    and not p.rules_known
                    and starts_with(change.name, p.profile || ' ')
            )
        when 'identity' then step.gaps is null and step.gaps_before is null
        when 'public network access' then step.gaps is null and step.gaps_before is null
        when 'issue' then step.gaps is null and step.gaps_before is null
        else true
    end
    and step.taken_at >= coalesce($since, '-infinity'::timestamp)
    and step.taken_at < coalesce($until, 'infinity'::timestamp)
    and (
        $perimeter is null
        or step.perimeter = lower($perimeter)
        or ends_with(step.perimeter, '/' || lower($perimeter))
    )
order by
    found_at,
    step.perimeter,
    change.kind,
    change.name
