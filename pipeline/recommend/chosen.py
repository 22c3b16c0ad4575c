"""What bounds and tolerates proposals, as the settings choose it."""

from pipeline.recommend.association import Tolerance
from pipeline.recommend.bounds import Bounds
from pipeline.recommend.policy import Limits
from pipeline.settings import Settings


def limits_of(settings: Settings, bounds: Bounds | None) -> Limits:
    """Return what bounds proposals.

    Args:
        settings: in force.
        bounds: the policy; None where there is none.
    """
    return Limits(
        max_elements=settings.max_elements,
        reserve=settings.reserve,
        rule_cost=settings.rule_cost or None,
        drop_budget=settings.drop_budget,
        widest_v4=settings.widest_v4,
        widest_v6=settings.widest_v6,
        memberships=settings.memberships,
        service_tags=settings.service_tags,
    ).within(bounds)


def tolerance_of(settings: Settings) -> Tolerance:
    """Return what readiness tolerates."""
    return Tolerance(settings.callers_at_risk, settings.min_days, settings.rejected_share)
