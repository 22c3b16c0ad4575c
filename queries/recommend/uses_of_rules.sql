-- What the rules in force did with whom, by caller or destination: what tightening goes by.
-- reads: verdict, resource_state
-- grain: one row a perimeter, profile, direction, outcome, and what a rule could name
-- $since  first hour (UTC), inclusive; null for all
-- $until  last hour (UTC), exclusive; null for all
-- $perimeter  ARM id or name of the perimeter; null for all
-- $profile  name of the profile; null for all
-- To be asked within a scenario in which everything is Enforced. The outcome is admitted, where an element names the
-- party, and then each element that names it would admit it alone; not-honoured, where one names it and the log shows
-- it not admitted; as-logged, where the log names a rule of which no element explains it; or other, which tells no
-- party, but on which days anything was seen.
with seen as (
    select
        v.perimeter,
        lower(v.profile) as profile,
        v.direction,
        case
            when v.reason = 'rule' then 'admitted'
            when v.reason in ('not-honoured', 'identity-not-honoured') then 'not-honoured'
            when v.reason = 'rule-as-logged' then 'as-logged'
            else 'other'
        end as outcome,
        outcome in ('admitted', 'not-honoured') as is_party,
        if(is_party and v.source_network = 'public', v.source_ip, null) as source_ip,
        if(is_party, v.source_subscription, null) as source_subscription,
        if(is_party, v.destination_fqdn, null) as destination_fqdn,
        is_party and s.takes_tags as takes_tags,
        if(outcome = 'as-logged', v.rule, null) as rule,
        v.requests,
        v.hour,
        v.last_seen
    from verdict as v
    inner join resource_state as s
        on
            v.perimeter = s.perimeter
            and v.logged_profile is not distinct from s.logged_profile
            and v.service_resource is not distinct from s.service_resource
    where
        -- what belongs to no profile any more is no evidence of what its rules are for
        v.access_mode <> 'NotAssociated'
        and v.profile is not null
        and v.direction is not null
        and v.hour >= coalesce($since, '-infinity'::timestamp)
        and v.hour < coalesce($until, 'infinity'::timestamp)
        and ($perimeter is null or v.perimeter = lower($perimeter) or ends_with(v.perimeter, '/' || lower($perimeter)))
        and ($profile is null or lower(v.profile) = lower($profile))
)

select
    perimeter,
    profile,
    direction,
    outcome,
    source_ip,
    source_subscription,
    destination_fqdn,
    takes_tags,
    rule,
    sum(requests)::bigint as requests,
    list(distinct hour::date order by hour::date) as days,
    max(last_seen) as last_seen
from seen
group by
    perimeter,
    profile,
    direction,
    outcome,
    source_ip,
    source_subscription,
    destination_fqdn,
    takes_tags,
    rule
order by
    perimeter,
    profile,
    direction,
    outcome,
    source_ip,
    source_subscription,
    destination_fqdn,
    takes_tags,
    rule
