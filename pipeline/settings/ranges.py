"""What values settings may have."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from pipeline.settings.declaration import Settings

FEWEST_FLOW_DAYS = 35
"""Four weeks that are replayed, after one to learn from."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a setting.

    Args:
        key: as in nsp.toml; "" where it is the file itself.
        text: what is wrong, where, and what would do.
    """

    key: str
    text: str


def ranges(settings: Settings) -> Mapping[str, tuple[float, float]]:
    """Return the least and the greatest value of each field that has them.

    Args:
        settings: in force; how much may be reserved depends on them.
    """
    return {
        "rejected_share": (0, 1),
        "max_elements": (1, 200),
        "reserve": (0, settings.max_elements - 1),
        "rule_cost": (0, 2**32),
        "drop_budget": (0, 0.1),
        "widest_v4": (8, 32),
        "widest_v6": (16, 64),
        "callers_at_risk": (0, 2**31),
        "min_days": (1, 3650),
        "store_wait": (0, 86400),
        "notify_seconds": (1, 3600),
        "raw_days": (0, 36500),
        "flow_days": (0, 36500),
        "compact_share": (0.1, 1),
        "blob_look_back_hours": (1, 24 * 365),
        "blob_concurrency": (1, 64),
        "workspace_settle_minutes": (0, 24 * 60),
        "workspace_overlap_minutes": (0, 7 * 24 * 60),
        "workspace_audit_days": (1, 3650),
    }


def out_of_range(settings: Settings) -> list[Problem]:
    """Return which values lie outside of their range, or don't go together."""
    limits = ranges(settings)
    found = [
        Problem(each.metadata["key"], f"{each.metadata['key']} must lie between {low} and {high}.")
        for each in fields(Settings)
        if each.name in limits
        for low, high in [limits[each.name]]
        if not low <= getattr(settings, each.name) <= high
    ]
    fewest = max(FEWEST_FLOW_DAYS, settings.min_days, settings.raw_days)
    if 0 < settings.flow_days < fewest:
        why = f"{FEWEST_FLOW_DAYS} for the backtest, and no less than recommend.min_days and retention.raw_days"
        found.append(Problem("retention.flow_days", f"retention.flow_days must be 0 or at least {fewest}: {why}."))
    return found
