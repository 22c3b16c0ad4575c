"""Counts what a recommendation gets right, from the truth alone: it admits with integers, not with the engine."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from math import nan

from tests.evaluate.policy import Answer
from tests.evaluate.simulate import ASKED, KEPT, LISTED, REFUSED, Caller, Simulation
from tests.recommend.caller_day import CallerDay

UNFIXABLE = "unfixable"
UNSEEN = "unseen"
"""The kind of attackers of any kind who come next week only: rules admit them by what is beside somebody legit."""
OUTCOMES = (KEPT, LISTED, ASKED, UNFIXABLE, REFUSED)


@dataclass(frozen=True, slots=True)
class Score:
    """One run.

    Args:
        recall: share of the legit (caller, day) pairs of next week that recommended rules admit, of callers that the
            window shows.
        recall_answered: the same with all rules that wait for a person accepted.
        precision: share of the addresses admitted by recommended rules that are legit callers' own.
        denied: share of all legit (caller, day) pairs of next week that neither recommended rules nor those that wait
            admit.
        denied_new: the part of `denied` that is callers whom the window doesn't show.
        rules: elements of recommended rules.
        for_nothing: those of them that hold no legit caller of the window.
        for_attackers: the part of `for_nothing` that was made for an attacker.
        questions: proposals that wait for a person.
        outcomes: (kind, outcome) -> callers of the window. A caller with several addresses is kept when most are.
        admitted: kind of attacker, or UNSEEN -> callers of whom recommended rules admit any address.
        attackers: kind of attacker, or UNSEEN -> callers.
        expected: forecast of `actual`; nan without one.
        actual: distinct legit callers denied next week, as the replay counts them.
        actual_all: the same with attackers, whom the replay can't tell from others.
        is_covered: 1 when the 90 % interval holds `actual`, else 0; nan without a forecast.
        is_covered_all: the same for `actual_all`.
        is_below: 1 when `actual` is at most the upper bound.
    """

    recall: float
    recall_answered: float
    precision: float
    denied: float
    denied_new: float
    rules: float
    for_nothing: float
    for_attackers: float
    questions: float
    outcomes: Counter[tuple[str, str]]
    admitted: Counter[str]
    attackers: Counter[str]
    expected: float
    actual: float
    actual_all: float
    is_covered: float
    is_covered_all: float
    is_below: float


class Rules:
    """Rule elements, and whom they admit."""

    def __init__(self, elements: Iterable[str]) -> None:
        networks = [ip_network(each) for each in elements if not each.startswith("/")]
        self.spans = sorted({(int(each[0]), int(each[-1])) for each in networks})
        self.subscriptions = {each.removeprefix("/subscriptions/") for each in elements if each.startswith("/")}
        merged: list[list[int]] = []
        for first, last in self.spans:
            if merged and first <= merged[-1][1] + 1:
                merged[-1][1] = max(merged[-1][1], last)
            else:
                merged.append([first, last])
        self._merged = merged
        self._firsts = [first for first, _ in merged]

    def __len__(self) -> int:
        return len(self.spans) + len(self.subscriptions)

    def admit(self, key: str) -> bool:
        """Return whether an address or subscription id is admitted."""
        if not _is_address(key):
            return key in self.subscriptions
        number = int(ip_address(key))
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and number <= self._merged[place][1]

    def precision(self, callers: Iterable[Caller]) -> float:
        """Return the share of the admitted addresses that are legit callers' own; 1 where none is admitted."""
        own = sorted((caller.first, caller.last) for caller in callers if caller.is_legit)
        total = sum(last - first + 1 for first, last in self._merged)
        shared = sum(
            max(0, min(last, its_last) - max(first, its_first) + 1)
            for first, last in self._merged
            for its_first, its_last in own
        )
        return shared / total if total else 1.0


def _is_address(key: str) -> bool:
    return "." in key or ":" in key


def key_of(row: CallerDay) -> str:
    """Return what a rule could name."""
    return row.source_subscription or row.source_ip or ""


def score(simulation: Simulation, answer: Answer) -> Score:
    """Hold an answer against the truth."""
    rules, asked = Rules(answer.recommended), Rules(answer.asked)
    keys = _keys(simulation)
    known = {owner for owner, some in keys.items() if some}
    recall, answered, denied, denied_new = _next_week(simulation, rules, asked, known)
    nothing, for_attackers = _for_nothing(simulation, rules)
    admitted, attackers = _attackers(simulation, rules)
    actual = _denied_callers(simulation, rules, asked, legit_only=True)
    actual_all = _denied_callers(simulation, rules, asked, legit_only=False)
    has_forecast = answer.estimate is not None
    return Score(
        recall=recall,
        recall_answered=answered,
        precision=rules.precision(simulation.callers),
        denied=denied,
        denied_new=denied_new,
        rules=len(rules),
        for_nothing=nothing,
        for_attackers=for_attackers,
        questions=answer.questions,
        outcomes=_outcomes(simulation, answer, rules, asked),
        admitted=admitted,
        attackers=attackers,
        expected=nan if answer.estimate is None else answer.estimate,
        actual=actual,
        actual_all=actual_all,
        is_covered=float(answer.low <= actual <= answer.high) if has_forecast else nan,
        is_covered_all=float(answer.low <= actual_all <= answer.high) if has_forecast else nan,
        is_below=float(actual <= answer.high) if has_forecast else nan,
    )


def _keys(simulation: Simulation) -> dict[int, set[str]]:
    """Return for each caller of the window the keys with which he succeeded, maybe none."""
    found: dict[int, set[str]] = {}
    for row, owner in simulation.window():
        found.setdefault(owner, set())
        if row.allowed:
            found[owner].add(key_of(row))
    return found


def _next_week(
    simulation: Simulation, rules: Rules, asked: Rules, known: set[int]
) -> tuple[float, float, float, float]:
    """Return recall, recall with answers, the denied share, and the part of it that is new callers."""
    pairs = {
        (key_of(row), row.day): owner in known
        for row, owner in simulation.next_week()
        if row.allowed and simulation.callers[owner].is_legit
    }
    kept = waiting = new = denied_new = 0
    for (key, _), is_known in pairs.items():
        is_kept = rules.admit(key)
        is_waiting = not is_kept and asked.admit(key)
        if is_known:
            kept += is_kept
            waiting += is_waiting
        else:
            new += 1
            denied_new += not (is_kept or is_waiting)
    seen = max(1, len(pairs) - new)
    denied = seen - kept - waiting + denied_new
    return kept / seen, (kept + waiting) / seen, denied / max(1, len(pairs)), denied_new / max(1, len(pairs))


def _for_nothing(simulation: Simulation, rules: Rules) -> tuple[int, int]:
    """Return how many rules hold no legit caller of the window, and how many of these an attacker."""
    legit: set[str] = set()
    others: set[str] = set()
    for row, owner in simulation.window():
        if row.allowed:
            (legit if simulation.callers[owner].is_legit else others).add(key_of(row))
    needed = _held(rules, legit)
    attacked = _held(rules, others) - needed
    return len(rules) - len(needed), len(attacked)


def _held(rules: Rules, keys: Iterable[str]) -> set[object]:
    """Return the rules that hold any of the keys; spans of rules are disjoint or the first one that holds it counts."""
    firsts = [first for first, _ in rules.spans]
    found: set[object] = set()
    for key in keys:
        if not _is_address(key):
            found |= {key} & rules.subscriptions
            continue
        number = int(ip_address(key))
        place = bisect_right(firsts, number) - 1
        if place >= 0 and number <= rules.spans[place][1]:
            found.add(rules.spans[place])
    return found


def _attackers(simulation: Simulation, rules: Rules) -> tuple[Counter[str], Counter[str]]:
    """Return how many attackers of each kind are admitted, and how many there are."""
    keys: dict[int, set[str]] = {}
    for row, owner in zip(simulation.rows, simulation.owners, strict=True):
        if not simulation.callers[owner].is_legit:
            keys.setdefault(owner, set()).add(key_of(row))
    seen = {owner for _, owner in simulation.window()}
    kinds = {owner: simulation.callers[owner].kind if owner in seen else UNSEEN for owner in keys}
    admitted = Counter(kinds[owner] for owner, some in keys.items() if any(rules.admit(key) for key in some))
    return admitted, Counter(kinds.values())


def _outcomes(simulation: Simulation, answer: Answer, rules: Rules, asked: Rules) -> Counter[tuple[str, str]]:
    """Return what becomes of the callers of the window."""
    found: Counter[tuple[str, str]] = Counter()
    for owner, keys in _keys(simulation).items():
        if 2 * sum(rules.admit(key) for key in keys) >= max(1, len(keys)):
            outcome = LISTED if keys & answer.outsiders else KEPT
        elif any(asked.admit(key) or key in answer.questioned for key in keys):
            outcome = ASKED
        else:
            outcome = UNFIXABLE if keys & answer.unfixable else REFUSED
        found[simulation.callers[owner].kind, outcome] += 1
    return found


def _denied_callers(simulation: Simulation, rules: Rules, asked: Rules, *, legit_only: bool) -> int:
    """Count whom an admin would hear from next week, as the replay does: /24 networks and subscriptions.

    Left out are those never admitted, those refused at least as often as admitted, and those asked about.
    """
    requests: dict[str, list[int]] = {}
    for row, owner in simulation.next_week():
        if simulation.callers[owner].is_legit or not legit_only:
            counts = requests.setdefault(key_of(row), [0, 0])
            counts[0] += row.allowed
            counts[1] += row.denied
    return len(
        {
            key.rsplit(".", 1)[0]
            for key, (allowed, denied) in requests.items()
            if allowed > denied and not rules.admit(key) and not asked.admit(key)
        }
    )


def right_share(scores: Sequence[Score], kind: str, right: Iterable[str]) -> float:
    """Return the share of the callers of a kind, over all runs, with an outcome that is right; nan without any."""
    total = sum(each.outcomes[kind, outcome] for each in scores for outcome in OUTCOMES)
    fine = sum(each.outcomes[kind, outcome] for each in scores for outcome in right)
    return fine / total if total else nan
