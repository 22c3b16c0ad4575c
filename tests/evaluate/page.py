"""The scores as a page: what is measured, tables of means and worst runs, and which goals are missed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from tests.evaluate.score import OUTCOMES, UNSEEN, Score, right_share
from tests.evaluate.simulate import KEPT, KINDS, Setting

Results = Mapping[Setting, Sequence[Score]]

INTRODUCTION = """\
# How good the recommendations are

Written by `make evaluate`: {seeds} simulated perimeters a setting, of which everything is known; the recommender runs
with its defaults on a window, and the seven days after it are the truth. Simulations and scorer were written for
this page (`tests/evaluate`), so read the figures as an upper bound of what real logs allow.

A perimeter has, if its setting says nothing else: 18 services with fixed addresses or managed identities, and new ones
at the rate of `churn` a day; two pools (a /20 and a /22, or ranges that begin and end anywhere) of agents that get
another address each day; three offices and 25 laptops at home, whose addresses change once a quarter; six weekly and
five monthly jobs; migrations of a day, hotels and a vendor's SAS, which are legit and never come back; 80 new scanners
a day, all refused; and three kinds of attackers who got in: `burst` (a day or two, most resources, about half refused),
`slow` (twelve days, one resource, a few requests) and `stolen` (two to four days, under a service's application).
"""

READING = """\
## How to read it

Means over the runs; in brackets the worst run. A pair is one legit caller on one day.

| column | is |
|---|---|
| recall | pairs of next week that recommended rules admit, of callers that the window shows |
| answered | the same once every question about a legit caller is answered with yes |
| precision | share of the addresses in recommended rules that belong to a legit caller |
| denied | pairs of next week that no rule admits, not even one that is asked about |
| of it new | the part that is callers whom the window couldn't show: no policy can admit them |
| rules | recommended rule elements |
| for nothing | of them, those without a legit caller in the window (in brackets: made for an attacker) |
| questions | proposals that wait for a person |
| in 90 % | runs in which the forecast's interval holds the number of distinct legit callers denied next week |
| all in 90 % | the same with attackers counted, as the replay can't tell them apart |
| below 95 % | runs in which that number is at most the upper bound |
| scanner, burst, slow, stolen | attackers of the window whom accepting all defaults lets in |
| unseen | attackers of next week that came after the window, let in by what a prefix admits beside its callers |
| kept, listed, asked, unfixable, refused | what becomes of callers of the window, all settings together; listed ones \
are kept, and named among the outsiders: steady, alone, without identity |
"""


def page(results: Results) -> str:
    """Return the page in Markdown."""
    seeds = max((len(scores) for scores in results.values()), default=0)
    parts = [
        INTRODUCTION.format(seeds=seeds),
        READING,
        "## Admitted and denied\n\n" + _table(_ADMITTED, results),
        "## Forecast\n\n" + _table(_FORECAST, results),
        "## Attackers that accepting all defaults admits\n\n" + _table(_ATTACKERS, results),
        "## What becomes of whom\n\n" + _outcomes([each for scores in results.values() for each in scores]),
        "## Goals\n\n" + _goals(results),
    ]
    return "\n".join(parts)


Cell = Callable[[Sequence[Score]], str]


def _values(scores: Sequence[Score], name: str) -> list[float]:
    return [value for each in scores if not isnan(value := getattr(each, name))]


def mean(scores: Sequence[Score], name: str) -> float:
    """Return the mean of a figure over the runs that have it; nan where none does."""
    values = _values(scores, name)
    return sum(values) / len(values) if values else float("nan")


def _share(name: str, worst: Callable[[list[float]], float], digits: int = 1) -> Cell:
    def cell(scores: Sequence[Score]) -> str:
        values = _values(scores, name)
        return f"{mean(scores, name):.{digits}%} ({worst(values):.{digits}%})" if values else "-"

    return cell


def _number(name: str) -> Cell:
    def cell(scores: Sequence[Score]) -> str:
        values = _values(scores, name)
        return f"{mean(scores, name):.0f} ({max(values):.0f})" if values else "-"

    return cell


def _plain(name: str, form: str) -> Cell:
    return lambda scores: format(mean(scores, name), form)


def _for_nothing(scores: Sequence[Score]) -> str:
    return f"{mean(scores, 'for_nothing'):.2f} ({mean(scores, 'for_attackers'):.2f})"


def _admitted(kind: str) -> Cell:
    return lambda scores: (
        f"{sum(each.admitted[kind] for each in scores):,} of {sum(each.attackers[kind] for each in scores):,}"
    )


_ADMITTED: dict[str, Cell] = {
    "recall": _share("recall", min),
    "answered": _share("recall_answered", min),
    "precision": _share("precision", min),
    "denied": _share("denied", max, 2),
    "of it new": _share("denied_new", max, 2),
    "rules": _number("rules"),
    "for nothing": _for_nothing,
    "questions": _number("questions"),
}
_FORECAST: dict[str, Cell] = {
    "expected": _plain("expected", ".1f"),
    "true": _plain("actual", ".1f"),
    "in 90 %": _plain("is_covered", ".0%"),
    "all in 90 %": _plain("is_covered_all", ".0%"),
    "below 95 %": _plain("is_below", ".0%"),
}
_ATTACKERS: dict[str, Cell] = {
    kind: _admitted(kind) for kind in (*(kind for kind, about in KINDS.items() if not about.is_legit), UNSEEN)
}


def _table(columns: Mapping[str, Cell], results: Results) -> str:
    lines = [f"| setting | {' | '.join(columns)} |", f"|---|{'---:|' * len(columns)}"]
    for setting, scores in results.items():
        lines.append(f"| {setting.name} | {' | '.join(cell(scores) for cell in columns.values())} |")
    return "\n".join(lines) + "\n"


def _outcomes(scores: Sequence[Score]) -> str:
    lines = [f"| caller | {' | '.join(OUTCOMES)} | should be | is so |", f"|---|{'---:|' * len(OUTCOMES)}---|---:|"]
    for kind, about in KINDS.items():
        counts = " | ".join(f"{sum(each.outcomes[kind, outcome] for each in scores):,}" for outcome in OUTCOMES)
        share = right_share(scores, kind, about.right)
        right = " or ".join(outcome for outcome in OUTCOMES if outcome in about.right)
        lines.append(f"| {kind} | {counts} | {right} | {'-' if isnan(share) else f'{share:.1%}'} |")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Goal:
    """What a setting should reach.

    Args:
        name: what.
        applies: to which settings.
        figure: of the runs of one setting.
        least: smallest figure that is good enough; None for none.
        most: largest one.
    """

    name: str
    applies: Callable[[Setting], bool]
    figure: Callable[[Sequence[Score]], float]
    least: float | None = None
    most: float | None = None

    def is_missed(self, scores: Sequence[Score]) -> bool:
        """Whether the figure lies outside; one that nothing tells doesn't."""
        value = self.figure(scores)
        return (self.least is not None and value < self.least) or (self.most is not None and value > self.most)


def _is_long(setting: Setting) -> bool:
    return setting.window >= 30


def _is_aligned(setting: Setting) -> bool:
    return setting.is_aligned and not setting.branches


def _mean(name: str) -> Callable[[Sequence[Score]], float]:
    return lambda scores: mean(scores, name)


def _sum_admitted(*kinds: str) -> Callable[[Sequence[Score]], float]:
    return lambda scores: sum(each.admitted[kind] for each in scores for kind in kinds)


def _idle(scores: Sequence[Score]) -> float:
    return sum(each.for_nothing - each.for_attackers for each in scores)


def _lost_monthly(scores: Sequence[Score]) -> float:
    return sum(
        count
        for each in scores
        for (kind, outcome), count in each.outcomes.items()
        if kind == "monthly" and outcome not in KINDS["monthly"].right
    )


def _unlisted(scores: Sequence[Score]) -> float:
    return sum(each.outcomes["slow", KEPT] for each in scores)


GOALS = (
    Goal("recall at least 98 %, from 30 days on", _is_long, _mean("recall"), least=0.98),
    Goal(
        "precision at least 95 %, from 30 days on, of aligned pools",
        lambda setting: _is_long(setting) and _is_aligned(setting),
        _mean("precision"),
        least=0.95,
    ),
    Goal(
        "precision at least 50 %, of pools and branches that begin anywhere",
        lambda setting: not _is_aligned(setting),
        _mean("precision"),
        least=0.5,
    ),
    Goal(
        "at most 0.2 % of pairs denied, new callers not counted, from 30 days on",
        _is_long,
        lambda scores: mean(scores, "denied") - mean(scores, "denied_new"),
        most=0.002,
    ),
    Goal("no scanner of the window admitted", lambda _: True, _sum_admitted("scanner"), most=0),
    Goal("no burst or stolen identity admitted by default", lambda _: True, _sum_admitted("burst", "stolen"), most=0),
    Goal("every slow attacker that is admitted is listed as an outsider", lambda _: True, _unlisted, most=0),
    Goal("no attacker of next week beside a legit caller", lambda _: True, _sum_admitted(UNSEEN), most=0),
    Goal("no rule for nothing, but for attackers", lambda _: True, _idle, most=0),
    Goal("every monthly job of the window kept or asked about", lambda _: True, _lost_monthly, most=0),
    Goal("the 90 % interval holds in at least 85 %", lambda _: True, _mean("is_covered"), least=0.85),
    Goal("the 95 % bound holds in at least 93 %", lambda _: True, _mean("is_below"), least=0.93),
)


def _goals(results: Results) -> str:
    lines = ["| goal | missed in |", "|---|---|"]
    for goal in GOALS:
        missed = [
            f"{setting.name}: {goal.figure(scores):.4g}"
            for setting, scores in results.items()
            if goal.applies(setting) and goal.is_missed(scores)
        ]
        lines.append(f"| {goal.name} | {'; '.join(missed) or 'none'} |")
    return "\n".join(lines) + "\n"
