"""The calendar of a profile: what is due, what the window has not seen."""

from datetime import timedelta

from pipeline.recommend.association import Tolerance
from pipeline.recommend.calendar import calendar
from pipeline.recommend.readiness import Evidence, judge
from tests.recommend.test_policy import FUNCTION, START, inbound, seen

DAYS = [START + timedelta(days=day) for day in range(35)]


def test_weekly_job_is_due_and_what_comes_daily_is_not() -> None:
    rows = [seen(day, ip="203.0.113.9") for day in range(35)]
    rows += [seen(day, ip=f"198.51.100.{day}") for day in range(3, 35, 7)]  # another address of one network each week
    found = calendar(inbound(*rows), DAYS)
    ((day, caller),) = [(each.day, each.caller) for each in found.due]
    assert (day, caller) == (START + timedelta(days=38), "198.51.100.0/24")
    assert found.as_json()["due"][0]["rhythm"].startswith("on Sundays, 5 of 5")
    assert found.gaps == ()


def test_short_window_tells_what_it_has_not_seen() -> None:
    rows = [seen(4, ip=None, source_resource=f"{FUNCTION}{n}", source_subscription=str(n)) for n in range(3, 7)]
    found = calendar(inbound(*rows), DAYS[1:15])
    assert round(found.unseen_monthly, 1) == 4.6
    assert found.gaps
    reasons = judge("/p", "apps", Evidence(14), [], [], Tolerance(), found).reasons
    assert "window: 14 days seen, 31 wanted; monthly jobs may not have run yet, some 5 of them" in reasons
    assert f"window: {found.gaps[0]}" in reasons


def test_no_days_no_calendar() -> None:
    assert calendar([], []).as_json() == {"gaps": [], "unseen_monthly_jobs": 0.0, "due": []}
