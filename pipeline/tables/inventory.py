"""The tables of the configuration: what was in force and when, and what the verdict engine makes of it.

A snapshot is one perimeter at one time. The tables `snapshot_...` keep all of them; the views `inventory_...` show
the newest of each perimeter. The tables after those are derived from the newest snapshots whenever one is loaded, in
the form in which addresses are matched. Names of fields come from azure-rest-api-specs, Microsoft.Network,
networkSecurityPerimeter.json, 2025-05-01, and common-types, networksecurityperimeter.json, v5.
"""

from pipeline.tables.declaration import Column, Table, View

_SNAPSHOT = Column("snapshot_id", "BIGINT", "The inventory_snapshot row that it belongs to.", True)
_PERIMETER = Column("perimeter", "VARCHAR", "ARM id of the perimeter, lower case.", True)
_PROFILE = Column("profile", "VARCHAR", "Name of the profile.", True)

INVENTORY_SNAPSHOT = Table(
    "inventory_snapshot",
    "one row a perimeter and time at which its configuration was found changed",
    (
        Column("snapshot_id", "BIGINT", "Number of the snapshot, in order of loading.", True),
        _PERIMETER,
        Column("perimeter_guid", "VARCHAR", "GUID of the perimeter, lower case, as in source_perimeters."),
        Column("location", "VARCHAR", "Azure region of the perimeter."),
        Column("taken_at", "TIMESTAMP", "When it was first found so, UTC.", True),
        Column("confirmed_at", "TIMESTAMP", "When it was last found so, UTC.", True),
        Column("origin", "VARCHAR", "arm, or the name of the file.", True),
        Column("content_hash", "VARCHAR", "Hash of the content: equal content makes no new snapshot.", True),
        Column("gone", "BOOLEAN", "The perimeter was no longer there.", True),
        Column("links_known", "BOOLEAN", "Links were read: an empty list means that there are none.", True),
        Column("logging_known", "BOOLEAN", "The logging configuration was read.", True),
        Column(
            "members_confirmed_at",
            "TIMESTAMP",
            "When the list of associations was last read, UTC; null where only single ones are known.",
        ),
        Column("gaps", "VARCHAR", "JSON array of what could not be read, one sentence each; null where all could."),
    ),
)

SNAPSHOT_PROFILE = Table(
    "snapshot_profile",
    "one row a profile of a perimeter, as of a snapshot",
    (
        _SNAPSHOT,
        _PERIMETER,
        _PROFILE,
        Column("rules_version", "VARCHAR", "Version of its access rules when the snapshot was taken."),
        Column("rules_known", "BOOLEAN", "Its access rules were read: where none is listed, it has none.", True),
    ),
)

SNAPSHOT_RULE_ELEMENT = Table(
    "snapshot_rule_element",
    "one row an element of an access rule (a prefix, a subscription, a host name, a tag), as of a snapshot",
    (
        _SNAPSHOT,
        _PERIMETER,
        _PROFILE,
        Column("rule", "VARCHAR", "Name of the rule.", True),
        Column("direction", "VARCHAR", "Inbound or Outbound.", True),
        Column(
            "kind",
            "VARCHAR",
            "address-prefixes, subscriptions, fqdns, service-tags, perimeters, email-addresses or phone-numbers.",
            True,
        ),
        Column("element", "VARCHAR", "The prefix, subscription id, host name, tag or perimeter GUID.", True),
    ),
)

SNAPSHOT_ASSOCIATION = Table(
    "snapshot_association",
    "one row a resource associated with a profile of a perimeter, as of a snapshot",
    (
        _SNAPSHOT,
        _PERIMETER,
        _PROFILE,
        Column("association", "VARCHAR", "Name of the association.", True),
        Column("resource", "VARCHAR", "ARM id of the resource, lower case.", True),
        Column("access_mode", "VARCHAR", "Learning, Enforced or Audit, as the API says it."),
        Column("public_network_access", "VARCHAR", "Enabled, Disabled or SecuredByPerimeter, where known."),
        Column("provisioning_state", "VARCHAR", "Succeeded, Failed, Updating ...; null where not known."),
        Column("has_provisioning_issues", "BOOLEAN", "The service has not taken over the perimeter's configuration."),
    ),
)

SNAPSHOT_RESOURCE = Table(
    "snapshot_resource",
    "one row an associated resource whose own properties are known, as of a snapshot",
    (
        _SNAPSHOT,
        _PERIMETER,
        Column("resource", "VARCHAR", "ARM id of the resource, lower case.", True),
        Column("resource_type", "VARCHAR", "Such as microsoft.storage/storageaccounts, lower case.", True),
        Column("kind", "VARCHAR", "Kind of the resource, such as OpenAI, AIServices or StorageV2."),
        Column("location", "VARCHAR", "Azure region of the resource."),
        Column("identity", "VARCHAR", "Type of its managed identity; None where it has none, null where not known."),
        Column("key_source", "VARCHAR", "Who manages its encryption keys: the service or a key vault, where known."),
        Column("local_auth_disabled", "BOOLEAN", "Keys are refused: callers need an identity; null where not known."),
        Column("network_injections", "VARCHAR", "JSON of an agent subnet injection of a Foundry account, if any."),
    ),
)

SNAPSHOT_LINK = Table(
    "snapshot_link",
    "one row a link between two perimeters, as of a snapshot of either",
    (
        _SNAPSHOT,
        _PERIMETER,
        Column("link", "VARCHAR", "Name of the link or link reference.", True),
        Column("remote_perimeter", "VARCHAR", "ARM id of the other perimeter, lower case, where known."),
        Column("remote_guid", "VARCHAR", "GUID of the other perimeter, lower case, where known."),
        Column("local_inbound_profiles", "VARCHAR", "JSON array of profiles that accept calls; * for all."),
        Column("remote_inbound_profiles", "VARCHAR", "JSON array of the other side's profiles that may be called."),
        Column("status", "VARCHAR", "Approved, Pending, Rejected or Disconnected."),
        Column("is_reference", "BOOLEAN", "Made by the other side: a link reference.", True),
    ),
)

SNAPSHOT_LOGGING = Table(
    "snapshot_logging",
    "one row a log category (or group of them) that a setting names, as of a snapshot",
    (
        _SNAPSHOT,
        _PERIMETER,
        Column("setting", "VARCHAR", "Name of the diagnostic setting; empty for the logging configuration.", True),
        Column("category", "VARCHAR", "Log category, or a category group such as allLogs.", True),
        Column("is_group", "BOOLEAN", "It is a category group.", True),
        Column("enabled", "BOOLEAN", "It is switched on.", True),
        Column("destination", "VARCHAR", "ARM id of the workspace, storage account or event hub; null where none."),
    ),
)

SNAPSHOT_ISSUE = Table(
    "snapshot_issue",
    "one row an issue that Azure itself reports of an associated resource, as of a snapshot",
    (
        _SNAPSHOT,
        _PERIMETER,
        Column("resource", "VARCHAR", "ARM id of the resource, lower case.", True),
        Column("issue", "VARCHAR", "Such as MissingIdentityConfiguration or ConfigurationPropagationFailure.", True),
        Column("severity", "VARCHAR", "Warning or Error."),
        Column("description", "VARCHAR", "Azure's words."),
        Column("suggested_resources", "VARCHAR", "JSON array of ARM ids that Azure suggests to associate."),
        Column("suggested_rules", "VARCHAR", "JSON array of access rules that Azure suggests."),
    ),
)

INVENTORY_PERIMETER = View(
    "inventory_perimeter",
    INVENTORY_SNAPSHOT,
    "one row a perimeter: its newest snapshot",
)
INVENTORY_PROFILE = View("inventory_profile", SNAPSHOT_PROFILE, "one row a profile of a perimeter")
INVENTORY_RULE_ELEMENT = View("inventory_rule_element", SNAPSHOT_RULE_ELEMENT, "one row an element of a rule in force")
INVENTORY_ASSOCIATION = View("inventory_association", SNAPSHOT_ASSOCIATION, "one row an associated resource")
INVENTORY_RESOURCE = View(
    "inventory_resource", SNAPSHOT_RESOURCE, "one row an associated resource with known properties"
)
INVENTORY_LINK = View("inventory_link", SNAPSHOT_LINK, "one row a link of a perimeter")
INVENTORY_LOGGING = View("inventory_logging", SNAPSHOT_LOGGING, "one row a log category that a setting names")
INVENTORY_ISSUE = View("inventory_issue", SNAPSHOT_ISSUE, "one row an issue that Azure reports of a resource")

_FIRST = Column(
    "first_value", "UHUGEINT", "First address, as a number; IPv4 in its place in IPv6 (::ffff:0:0/96).", True
)
_LAST = Column("last_value", "UHUGEINT", "Last address.", True)
_RULE_SET = (
    _PERIMETER,
    Column("profile", "VARCHAR", "Name of the profile, lower case.", True),
)

RULE_SPAN = Table(
    "rule_span",
    "one row a span of addresses that a rule admits; the spans of a profile and kind don't overlap",
    (
        *_RULE_SET,
        Column("kind", "VARCHAR", "address-prefixes or service-tags.", True),
        _FIRST,
        _LAST,
        Column("element", "VARCHAR", "The narrowest prefix (or the first tag) that holds the span.", True),
        Column("rule", "VARCHAR", "Name of its rule.", True),
        Column("in_force", "BOOLEAN", "A rule in force today holds the span, too.", True),
        Column(
            "holders",
            "VARCHAR",
            "All elements that hold the span, the widest first: a JSON list of {element, rule}.",
            True,
        ),
    ),
)

RULE_NAME = Table(
    "rule_name",
    "one row a name that a rule admits",
    (
        *_RULE_SET,
        Column("direction", "VARCHAR", "Inbound or Outbound; empty for a profile.", True),
        Column(
            "kind",
            "VARCHAR",
            "subscriptions, fqdns or perimeters; rule for a rule of today all of whose elements are there; profile for "
            "one whose rules are all known.",
            True,
        ),
        Column(
            "name",
            "VARCHAR",
            "Subscription id, host name or perimeter GUID, lower case; or the name of the rule or profile.",
            True,
        ),
        Column("element", "VARCHAR", "As the rule spells it.", True),
        Column("rule", "VARCHAR", "Name of its rule.", True),
        Column("in_force", "BOOLEAN", "A rule in force today names it, too.", True),
    ),
)

MEMBER_HOST = Table(
    "member_host",
    "one row a host name under which a member of a perimeter can be called",
    (
        _PERIMETER,
        Column("host", "VARCHAR", "Host name, lower case.", True),
        Column("resource", "VARCHAR", "ARM id of the member, lower case.", True),
    ),
)

SCENARIO = Table(
    "scenario",
    "one row: what is assumed instead of what is; null for what is",
    (
        Column("access_mode", "VARCHAR", "Access mode of all associations."),
        Column("public_network_access", "VARCHAR", "publicNetworkAccess of all resources."),
    ),
)

SERVICE_TAG_PREFIX = Table(
    "service_tag_prefix",
    "one row a prefix of an Azure service tag",
    (
        Column("tag", "VARCHAR", "Name of the tag, such as Storage.WestEurope.", True),
        Column("service", "VARCHAR", "Service that it stands for; empty for all of Azure."),
        Column("region", "VARCHAR", "Azure region; empty for all."),
        Column("prefix", "VARCHAR", "Prefix in its canonical form.", True),
    ),
)

KNOWN_NETWORK = Table(
    "known_network",
    "one row a network whose owner was told",
    (
        Column("name", "VARCHAR", "Such as Head office.", True),
        Column("prefix", "VARCHAR", "Prefix in its canonical form.", True),
        Column("owner", "VARCHAR", "Whom to ask."),
    ),
)

NETWORK_SPAN = Table(
    "network_span",
    "one row a span of addresses with whom it belongs to; spans don't overlap",
    (
        _FIRST,
        _LAST,
        Column("network_name", "VARCHAR", "Name of the narrowest known network."),
        Column("network_owner", "VARCHAR", "Its owner."),
        Column("service_tag", "VARCHAR", "The narrowest service tag that names a service, else the narrowest."),
        Column("azure_region", "VARCHAR", "Azure region of the narrowest tag that names one."),
    ),
)
