"""The tables that loading fills beside the records: rejects, ledger, marks, addresses, hourly flows."""

from pipeline.tables.declaration import Column, Table

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
