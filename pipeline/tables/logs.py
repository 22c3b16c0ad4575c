"""The tables that loading fills: records, rejects, ledger, marks, addresses, hourly flows.

The facts about the log schema come from Microsoft Learn, "Diagnostic logs for network security perimeter" (blob
records) and the Azure Monitor table reference "NSPAccessLogs" (workspace columns), both as read in November 2026.
"""

from collections.abc import Mapping

from pipeline.tables.declaration import Column, Table

# a word that nobody knows, or another case of it, must not hide what succeeded: then the category tells
_DERIVED_DIRECTION = """case
        when lower(logged_direction) = 'inbound' then 'Inbound'
        when lower(logged_direction) = 'outbound' then 'Outbound'
        when contains(category, 'Inbound') then 'Inbound'
        when contains(category, 'Outbound') then 'Outbound'
    end"""
_DERIVED_TRAFFIC_TYPE = """case
        when lower(logged_traffic_type) = 'public' then 'Public'
        when lower(logged_traffic_type) = 'intra' then 'Intra'
        when lower(logged_traffic_type) = 'cross' then 'Cross'
        when lower(logged_traffic_type) = 'private' then 'Private'
        when starts_with(category, 'NspPublic') then 'Public'
        when starts_with(category, 'NspIntraPerimeter') then 'Intra'
        when starts_with(category, 'NspCrossPerimeter') then 'Cross'
        when starts_with(category, 'NspPrivate') then 'Private'
    end"""
_DERIVED_ACTION = """case
        when lower(logged_action) in ('approved', 'allowed') then 'Approved'
        when lower(logged_action) = 'denied' then 'Denied'
        when ends_with(category, 'Allowed') then 'Approved'
        when ends_with(category, 'Denied') then 'Denied'
    end"""
_DERIVED_RULE_ORIGIN = """case
        when logged_rule_origin is not null then logged_rule_origin
        when contains(category, 'PerimeterRules') then 'Perimeter'
        when contains(category, 'ResourceRules') then 'Resource'
    end"""


ACCESS_LOG = Table(
    "access_log",
    "one row a log record (which may stand for `count` events)",
    (
        Column("source_id", "BIGINT", "The load_ledger row that says which file the record came from.", True),
        Column("line", "BIGINT", "1-based line in that file; for an array, the record's ordinal.", True),
        Column("time", "TIMESTAMP", "First event of the record, UTC.", True, "time", "TimeGenerated"),
        Column(
            "end_time",
            "TIMESTAMP",
            "Last event of the record, UTC.",
            False,
            "timeGeneratedEndTime",
            "TimeGeneratedEndTime",
        ),
        Column(
            "count",
            "BIGINT",
            "Events that the record stands for; 1 where the log says nothing, or 0.",
            True,
            "count",
            "Count",
        ),
        Column("counted", "BOOLEAN", "The record carried a count of its own.", True),
        Column("perimeter", "VARCHAR", "ARM id of the perimeter, lower case.", False, "resourceId", "_ResourceId"),
        Column("location", "VARCHAR", "Azure region of the perimeter.", False, "location", "Location"),
        Column(
            "operation",
            "VARCHAR",
            "Name of the operation on the resource.",
            False,
            "operationName",
            "OperationName",
        ),
        Column(
            "operation_version",
            "VARCHAR",
            "API version of the operation.",
            False,
            "operationVersion",
            "OperationVersion",
        ),
        Column("category", "VARCHAR", "Log category, as written.", True, "category", "Category"),
        Column(
            "result_description",
            "VARCHAR",
            "Static text of the operation.",
            False,
            "resultDescription",
            "ResultDescription",
        ),
        Column(
            "service_resource",
            "VARCHAR",
            "ARM id of the resource that wrote the record, lower case.",
            False,
            "properties.serviceResourceId",
            "ServiceResourceId",
        ),
        Column(
            "service_fqdn",
            "VARCHAR",
            "Host name of that resource.",
            False,
            "properties.serviceFqdn",
            "ServiceFqdn",
        ),
        Column(
            "profile",
            "VARCHAR",
            "Profile of the association, as written.",
            False,
            "properties.profile",
            "Profile",
        ),
        Column(
            "parameters",
            "VARCHAR",
            "Optional properties of the resource, as written.",
            False,
            "properties.parameters",
            "Parameters",
        ),
        Column("app_id", "VARCHAR", "Entra application id of the resource.", False, "properties.appId", "AppId"),
        Column(
            "matched_rule",
            "VARCHAR",
            "Name of the perimeter or resource rule that matched.",
            False,
            "properties.matchedRule.accessRule",
            "MatchedRule",
        ),
        Column(
            "rules_version",
            "VARCHAR",
            "Version of the profile's access rules in force.",
            False,
            "properties.accessRulesVersion",
            "AccessRuleVersion",
        ),
        Column(
            "source_resource",
            "VARCHAR",
            "ARM id of the calling resource, lower case.",
            False,
            "properties.source.resourceId",
            "SourceResourceId",
        ),
        Column(
            "source_ip",
            "VARCHAR",
            "Address of the caller, as logged; the table address has its shortest form, without a port.",
            False,
            "properties.source.ipAddress",
            "SourceIpAddress",
        ),
        Column(
            "source_port",
            "VARCHAR",
            "Port of one of the events.",
            False,
            "properties.source.port",
            "SourcePort",
        ),
        Column(
            "source_protocol",
            "VARCHAR",
            "Application and transport protocol, such as HTTPS:TCP.",
            False,
            "properties.source.protocol",
            "SourceProtocol",
        ),
        Column(
            "source_perimeters",
            "VARCHAR",
            "JSON array of the GUIDs of the caller's perimeters.",
            False,
            "properties.source.perimeterGuids",
            "SourcePerimeterGuids",
        ),
        Column(
            "source_app_id",
            "VARCHAR",
            "Entra application id of the caller.",
            False,
            "properties.source.appId",
            "SourceAppId",
        ),
        Column(
            "source_parameters",
            "VARCHAR",
            "Optional properties of the caller, as written.",
            False,
            "properties.source.parameters",
            "SourceParameters",
        ),
        Column(
            "destination_resource",
            "VARCHAR",
            "ARM id of the called resource, lower case.",
            False,
            "properties.destination.resourceId",
            "DestinationResourceId",
        ),
        Column(
            "destination_fqdn",
            "VARCHAR",
            "Host name called.",
            False,
            "properties.destination.fullyQualifiedDomainName",
            "DestinationFqdn",
        ),
        Column(
            "destination_port",
            "VARCHAR",
            "Port called.",
            False,
            "properties.destination.port",
            "DestinationPort",
        ),
        Column(
            "destination_protocol",
            "VARCHAR",
            "Protocol used.",
            False,
            "properties.destination.protocol",
            "DestinationProtocol",
        ),
        Column(
            "destination_app_id",
            "VARCHAR",
            "Entra application id of the destination.",
            False,
            "properties.destination.appId",
        ),
        Column(
            "destination_parameters",
            "VARCHAR",
            "Optional properties, as written.",
            False,
            "properties.destination.parameters",
            "DestinationParameters",
        ),
        Column(
            "destination_email",
            "VARCHAR",
            "E-mail address called (workspace only).",
            False,
            None,
            "DestinationEmailAddress",
        ),
        Column(
            "destination_phone",
            "VARCHAR",
            "Phone number called (workspace only).",
            False,
            None,
            "DestinationPhoneNumber",
        ),
        Column(
            "logged_direction",
            "VARCHAR",
            "Direction as the workspace says it.",
            False,
            None,
            "ResultDirection",
        ),
        Column(
            "logged_traffic_type",
            "VARCHAR",
            "Traffic type as the workspace says it.",
            False,
            None,
            "TrafficType",
        ),
        Column("logged_action", "VARCHAR", "Action as the workspace says it.", False, None, "ResultAction"),
        Column("logged_rule_origin", "VARCHAR", "Rule type as the workspace says it.", False, None, "RuleType"),
        Column("extra", "VARCHAR", "JSON object of the fields that this table has no column for, by JSON path."),
        Column(
            "direction",
            "VARCHAR",
            "Inbound or Outbound: as logged, else from the category.",
            derived=_DERIVED_DIRECTION,
        ),
        Column(
            "traffic_type",
            "VARCHAR",
            "Public, Intra, Cross or Private: as logged, else from the category.",
            derived=_DERIVED_TRAFFIC_TYPE,
        ),
        Column(
            "action",
            "VARCHAR",
            "Approved or Denied: as logged, else from the category; null for an attempt.",
            derived=_DERIVED_ACTION,
        ),
        Column(
            "rule_origin",
            "VARCHAR",
            "Perimeter or Resource: whose rule decided; as logged, else from the category.",
            derived=_DERIVED_RULE_ORIGIN,
        ),
    ),
    checked_by_loader=True,
)

REJECTED_RECORD = Table(
    "rejected_record",
    "one row a line (or document) that can't be read",
    (
        Column("source_id", "BIGINT", "The load_ledger row that says which file it came from.", True),
        Column("line", "BIGINT", "1-based line; 0 where the whole file is meant.", True),
        Column("reason", "VARCHAR", "Why it can't be read.", True),
        Column("raw", "VARCHAR", "The text, cut after 4,096 characters."),
    ),
)

LOAD_LEDGER = Table(
    "load_ledger",
    "one row a file, blob or workspace window that was loaded",
    (
        Column("source_id", "BIGINT", "Number of the source, in order of loading.", True),
        Column("source_kind", "VARCHAR", "folder, blob or workspace.", True),
        Column("place", "VARCHAR", "URL of the account or id of the workspace; folder for all folders together.", True),
        Column("name", "VARCHAR", "Absolute path of the file, URL of the blob, or workspace and window.", True),
        Column(
            "etag",
            "VARCHAR",
            "Changes whenever the content may have: of a file its times in nanoseconds and inode, of a blob its etag.",
            True,
        ),
        Column("size_bytes", "BIGINT", "Size of the file when it was read.", True),
        Column(
            "loaded_bytes",
            "BIGINT",
            "Bytes loaded: to the end of the last whole line; all of a compressed file or a JSON document.",
            True,
        ),
        Column("pending_bytes", "BIGINT", "Bytes after that: a line still being written.", True),
        Column("lines", "BIGINT", "Lines read, blank ones included.", True),
        Column("records", "BIGINT", "Rows of access_log that came from it.", True),
        Column("rejected", "BIGINT", "Rows of rejected_record that came from it.", True),
        Column("head_hash", "VARCHAR", "Hash of the first loaded bytes (at most 4,096).", True),
        Column("tail_hash", "VARCHAR", "Hash of the last loaded bytes (at most 4,096).", True),
        Column("loaded_at", "TIMESTAMP", "When the transaction began, UTC.", True),
    ),
)

LOAD_MARK = Table(
    "load_mark",
    "one row a scope that is read in the order of time: a perimeter's folder in a container, or a workspace",
    (
        Column("source_kind", "VARCHAR", "blob or workspace.", True),
        Column("scope", "VARCHAR", "URL of the folder, or id of the workspace.", True),
        Column("complete_from", "TIMESTAMP", "First hour that was asked for; null for all there is."),
        Column("complete_until", "TIMESTAMP", "All that lay before this hour was loaded.", True),
    ),
)

ADDRESS = Table(
    "address",
    "one row a distinct source_ip text of access_log",
    (
        Column("text", "VARCHAR", "The address as logged.", True),
        Column("canonical", "VARCHAR", "The address in its shortest form; as logged where it is none.", True),
        Column("version", "UTINYINT", "4 or 6; null where it is no address."),
        Column(
            "value",
            "UHUGEINT",
            "A public address as a number, IPv4 in its place in IPv6 (::ffff:0:0/96); null for others.",
        ),
        Column(
            "network",
            "VARCHAR",
            "public, or why no access rule can match it: private, shared (CGNAT), "
            "loopback, link-local, unique-local, multicast, unspecified, reserved, translated, azure-platform, "
            "unreadable.",
            True,
        ),
    ),
)

TRAFFIC = Table(
    "traffic",
    "one row an hour and flow: same resource, caller, destination, operation, rule and category",
    (
        Column("hour", "TIMESTAMP", "Start of the hour of the record's first event, UTC.", True),
        Column("source_kind", "VARCHAR", "Where the records came from: folder, blob or workspace.", True),
        Column("perimeter", "VARCHAR", "ARM id of the perimeter."),
        Column("profile", "VARCHAR", "Profile of the association."),
        Column("service_resource", "VARCHAR", "ARM id of the resource that wrote the records."),
        Column("category", "VARCHAR", "Log category.", True),
        Column("direction", "VARCHAR", "Inbound or Outbound."),
        Column("traffic_type", "VARCHAR", "Public, Intra, Cross or Private."),
        Column("action", "VARCHAR", "Approved or Denied; null for an attempt."),
        Column("rule_origin", "VARCHAR", "Perimeter or Resource."),
        Column("matched_rule", "VARCHAR", "Name of the rule that matched."),
        Column("rules_version", "VARCHAR", "Version of the profile's rules."),
        Column("operation", "VARCHAR", "Name of the operation."),
        Column("source_ip", "VARCHAR", "Address of the caller in its shortest form."),
        Column("source_network", "VARCHAR", "public, or why no access rule can match the address; see address."),
        Column("source_resource", "VARCHAR", "ARM id of the calling resource."),
        Column("source_subscription", "VARCHAR", "Subscription id of the calling resource."),
        Column("source_app_id", "VARCHAR", "Entra application id of the caller, lower case."),
        Column("source_perimeters", "VARCHAR", "JSON array of the GUIDs of the caller's perimeters."),
        Column("caller_key", "VARCHAR", "Stable key of the caller: the best identity that the log holds."),
        Column(
            "caller_kind",
            "VARCHAR",
            "private-endpoint, member, other-perimeter, azure-resource, app, "
            "public-address, unmatchable-address or unknown.",
            True,
        ),
        Column("destination_fqdn", "VARCHAR", "Host name called, lower case."),
        Column("destination_resource", "VARCHAR", "ARM id of the called resource."),
        Column("protocol", "VARCHAR", "Protocol of the caller, else of the destination."),
        Column("records", "BIGINT", "Log records.", True),
        Column("requests", "BIGINT", "Events: the sum of count.", True),
        Column("first_seen", "TIMESTAMP", "First event, UTC.", True),
        Column("last_seen", "TIMESTAMP", "Last event, UTC.", True),
    ),
)

HOUR_COUNT = Table(
    "hour_count",
    "one row an hour, place, perimeter and category: what each way to the logs brought",
    (
        Column("hour", "TIMESTAMP", "Start of the hour of the records' first event, UTC.", True),
        Column("source_kind", "VARCHAR", "folder, blob or workspace.", True),
        Column("place", "VARCHAR", "URL of the account or id of the workspace; folder for all folders together.", True),
        Column("perimeter", "VARCHAR", "ARM id of the perimeter."),
        Column("category", "VARCHAR", "Log category.", True),
        Column("records", "BIGINT", "Log records.", True),
        Column("requests", "BIGINT", "Events: the sum of count.", True),
        Column("counted", "BOOLEAN", "These went into traffic: no other place has more of them.", True),
    ),
)

CATEGORIES: Mapping[str, str] = {
    "NspPublicInboundPerimeterRulesAllowed": "a rule of the perimeter admits it",
    "NspPublicInboundPerimeterRulesDenied": "denied by the perimeter today",
    "NspPublicInboundResourceRulesAllowed": "would be denied: only the resource's own rules admit it",
    "NspPublicInboundResourceRulesDenied": "denied today and when enforced",
    "NspPublicOutboundPerimeterRulesAllowed": "a rule of the perimeter admits it",
    "NspPublicOutboundPerimeterRulesDenied": "denied by the perimeter today",
    "NspPublicOutboundResourceRulesAllowed": "would be denied: no rule of the perimeter admits it",
    "NspPublicOutboundResourceRulesDenied": "denied today and when enforced",
    "NspOutboundAttempt": "attempt inside or between perimeters: no verdict",
    "NspIntraPerimeterInboundAllowed": "allowed: both are members of one perimeter",
    "NspCrossPerimeterInboundAllowed": "allowed by a perimeter link",
    "NspCrossPerimeterOutboundAllowed": "allowed by a perimeter link",
    "NspPrivateInboundAllowed": "private endpoint: not subject to the perimeter",
}
"""The 13 current log categories and what each means before enforcement. Source: Azure Monitor supported logs
for Microsoft.Network/networkSecurityPerimeters (2026-02-02) and the perimeter's diagnostic log page."""
