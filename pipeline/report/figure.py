"""The figure of a report: requests that enforcing would deny, by day, as bars of an SVG drawing.

It is drawn by the page itself, without a script: so it opens from a mail, prints, and nothing in it can run.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, HEIGHT = 960, 280
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 12, 40
MOST_BARS = 100
"""Above that, a bar stands for a week."""
WEEK = 7


@dataclass(frozen=True, slots=True)
class Bar:
    """One day or week; lengths in the units of the drawing.

    Args:
        day: its first day.
        today: requests denied with the rules in force.
        recommended: requests denied with the recommended rules.
        x: left edge.
        width: of the bar.
        today_height: of the bar of today.
        recommended_height: of the bar of the recommended rules.
        label: below it; "" for most.
    """

    day: date
    today: int
    recommended: int
    x: float
    width: float
    today_height: float
    recommended_height: float
    label: str

    @property
    def base(self) -> float:
        """Where the bars stand."""
        return HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True)
class Figure:
    """The whole drawing.

    Args:
        bars: in order of time.
        ticks: (height above the base, requests) of the lines behind the bars.
        unit: what a bar stands for: day or week.
    """

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, int], ...]
    unit: str

    width, height, left, base = WIDTH, HEIGHT, LEFT, HEIGHT - BOTTOM


def figure(today: Mapping[date, int], recommended: Mapping[date, int]) -> Figure | None:
    """Draw what two scenarios deny of each day; None where there is no day.

    Args:
        today: day -> requests denied with the rules in force; every day with traffic.
        recommended: the same with the recommended rules.
    """
    if not today:
        return None
    first, last = min(today), max(today)
    days = (last - first).days + 1
    step = 1 if days <= MOST_BARS else WEEK
    if step == WEEK:
        first -= timedelta(days=first.weekday())
    starts = [first + timedelta(days=number) for number in range(0, (last - first).days + 1, step)]
    sums = [
        tuple(
            sum(each.get(start + timedelta(days=number), 0) for number in range(step)) for each in (today, recommended)
        )
        for start in starts
    ]
    ticks = _ticks(max(max(pair) for pair in sums))
    scale = (HEIGHT - TOP - BOTTOM) / ticks[-1]
    place = (WIDTH - LEFT - RIGHT) / len(starts)
    every = max(1, math.ceil(len(starts) / (9 if step == WEEK else 12)))
    bars = tuple(
        Bar(
            day,
            pair[0],
            pair[1],
            round(LEFT + number * place + place * 0.12, 2),
            round(place * 0.76, 2),
            round(pair[0] * scale, 2),
            round(pair[1] * scale, 2),
            f"{day.day} {day:%b}" if _is_labelled(day, number, days, every) else "",
        )
        for number, (day, pair) in enumerate(zip(starts, sums, strict=True))
    )
    return Figure(bars, tuple((round(tick * scale, 2), tick) for tick in ticks), "week" if step == WEEK else "day")


def _is_labelled(day: date, number: int, days: int, every: int) -> bool:
    """Mondays, where there are some weeks but not many bars; else every so many bars."""
    if 2 * WEEK <= days <= MOST_BARS:
        return day.weekday() == 0
    return number % every == 0


def _ticks(most: int) -> list[int]:
    """Return some four round numbers from 0 up to at least the most."""
    if most <= 0:
        return [0, 1]
    rough = most / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = max(1, round(next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough)))
    return list(range(0, most + step, step)) if most % step else list(range(0, most + 1, step))
