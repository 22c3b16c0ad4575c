"""The table of log records, and what their categories mean.

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
