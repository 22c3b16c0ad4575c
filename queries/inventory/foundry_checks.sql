-- What has to hold before an Azure OpenAI or Foundry account is enforced, as far as the inventory tells.
-- reads: inventory_association, inventory_resource, traffic
-- grain: one row an account and check
-- Source: Microsoft Learn, "Add Azure AI Foundry to a network security perimeter" and "Add an Azure OpenAI network
-- security perimeter", sections on limitations, as read in November 2026. state: ok, attention or unknown.
with account as (
    select
        a.perimeter,
        a.profile,
        a.resource,
        r.resource is not null as is_known,
        r.kind,
        r.identity,
        r.key_source,
        r.local_auth_disabled,
        r.network_injections
    from inventory_association as a
    left join inventory_resource as r on a.perimeter = r.perimeter and a.resource = r.resource
    where regexp_matches(a.resource, '/providers/microsoft\.cognitiveservices/accounts/[^/]+$')
),

storage as (
    select
        perimeter,
        count(*) as accounts,
        min(parse_filename(resource)) as example
    from inventory_association
    where regexp_matches(resource, '/providers/microsoft\.storage/storageaccounts/[^/]+$')
    group by perimeter
),

tuning as (
    select
        service_resource,
        sum(requests)::bigint as requests
    from traffic
    where regexp_matches(operation, '(?i)fine.?tun|assistant')
    group by service_resource
),

checked as (
    select
        perimeter,
        profile,
        resource,
        'managed-identity' as "check",
        case when identity is null then 'unknown' when identity = 'None' then 'attention' else 'ok' end as state,
        coalesce('identity: ' || identity, 'the account was not read') as evidence,
        'give it a managed identity with a role on its data sources (such as Storage Blob Data Contributor)' as remedy
    from account
    union all
    select
        a.perimeter,
        a.profile,
        a.resource,
        'batch-storage' as "check",
        if(s.accounts is null, 'attention', 'unknown') as state,
        coalesce(s.accounts || ' storage account(s) in the perimeter, such as ' || s.example, 'no storage account')
            as evidence,
        'Batch input and output must lie in a storage account of the same perimeter' as remedy
    from account as a
    left join storage as s on a.perimeter = s.perimeter
    union all
    select
        perimeter,
        profile,
        resource,
        'customer-managed-keys' as "check",
        case
            when key_source ilike 'microsoft.keyvault' then 'attention'
            when key_source is not null then 'ok'
            else 'unknown'
        end as state,
        coalesce('keys: ' || key_source, 'not told') as evidence,
        'customer-managed keys may not behave as expected inside a perimeter: test, or use Microsoft-managed ones'
            as remedy
    from account
    union all
    select
        a.perimeter,
        a.profile,
        a.resource,
        'fine-tuning-and-assistants' as "check",
        if(t.requests is null, 'unknown', 'attention') as state,
        coalesce(t.requests || ' such requests in the logs', 'no such operation in the logs') as evidence,
        'fine-tuning, assistants, file upload and the chat playground may be refused: plan without them' as remedy
    from account as a
    left join tuning as t on a.resource = t.service_resource
    union all
    select
        perimeter,
        profile,
        resource,
        'agent-service' as "check",
        case when network_injections is not null then 'attention' else 'unknown' end as state,
        coalesce('network injection: ' || network_injections, 'no network injection told') as evidence,
        'a network-isolated (Secured Standard) agent set-up neither needs nor supports a perimeter' as remedy
    from account
    union all
    select
        perimeter,
        profile,
        resource,
        'keys' as "check",
        case when local_auth_disabled then 'ok' when local_auth_disabled is null then 'unknown' else 'attention' end
            as state,
        case
            when local_auth_disabled then 'keys are refused'
            when local_auth_disabled is null then 'not told'
            else 'keys are accepted'
        end as evidence,
        'callers with API keys need address rules, even members: let them use managed identities' as remedy
    from account
    union all
    select
        perimeter,
        profile,
        resource,
        'preview-feature' as "check",
        if(kind = 'AIServices', 'ok', 'unknown') as state,
        coalesce('kind: ' || kind, 'the account was not read') as evidence,
        'az feature show --namespace Microsoft.CognitiveServices --name OpenAI.NspPreview must say Registered' as remedy
    from account
)

select
    perimeter,
    profile,
    resource,
    "check",
    state,
    evidence,
    remedy
from checked
order by perimeter, resource, "check"
