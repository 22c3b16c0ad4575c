"""The order in which rules are written: nothing is closed before all is open, and no limit is passed on the way.

First everything is widened: rules are created, and those that change admit old and new together. Then everything is
narrowed. So whatever is admitted both before and after is admitted at every moment between, wherever it moves, and
whatever was admitted before is closed only when all that is new is open.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.publish.content import Content
from pipeline.publish.merge import Key

Side = tuple[str, str, str]
"""Perimeter, profile in lower case, and direction: what Azure counts elements for."""


@dataclass(frozen=True, slots=True)
class Target:
    """How a rule is, and how it is to be; None for not there."""

    key: Key
    before: Content | None
    after: Content | None


@dataclass(frozen=True, slots=True)
class Step:
    """One write: a PUT, or where `after` is None a DELETE.

    Args:
        key: of the rule.
        before: what has to be in force for the write; None for nothing.
        after: what is in force then; None for nothing.
    """

    key: Key
    before: Content | None
    after: Content | None

    @property
    def word(self) -> str:
        """What it does: create, delete, widen, narrow or replace."""
        if self.before is None or self.after is None:
            return "create" if self.before is None else "delete"
        if not (self.before.is_readable and self.after.is_readable) or self.before.direction != self.after.direction:
            return "replace"
        if self.before.elements <= self.after.elements:
            return "widen"
        return "narrow" if self.before.elements >= self.after.elements else "replace"


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that would be passed: at most `count` elements at once, where `limit` are allowed."""

    side: Side
    count: int
    limit: int
    is_at_end: bool


def ordered(targets: Iterable[Target], *, narrow_first: bool = False) -> tuple[Step, ...]:
    """Return the writes that lead from before to after.

    Args:
        targets: rules; those that stay as they are need no write.
        narrow_first: close before opening, each rule with one write, so that the fewest elements are in force at
            once; what moves from one rule to another is closed for the while.
    """
    found = [each for each in sorted(targets, key=lambda one: one.key) if each.before != each.after]
    whole = [Step(each.key, each.before, each.after) for each in found]
    if narrow_first:
        return tuple(sorted(whole, key=lambda step: (_count(step.after) - _count(step.before), step.key)))
    wide, replaced, narrow = [], [], []
    for step in whole:
        if step.word in {"create", "widen"}:
            wide.append(step)
        elif step.word in {"delete", "narrow"}:
            narrow.append(step)
        elif (both := _both(step)) is None:
            replaced.append(step)
        else:
            wide.append(Step(step.key, step.before, both))
            narrow.append(Step(step.key, both, step.after))
    first = sorted(wide, key=lambda step: (step.before is not None, step.key))
    last = sorted(narrow, key=lambda step: (step.after is None, step.key))
    return (*first, *replaced, *last)


def _both(step: Step) -> Content | None:
    """Return what a rule admits while it changes; None where one rule can't hold both."""
    before, after = step.before, step.after
    if before is None or after is None or before.direction != after.direction or before.kinds != after.kinds:
        return None
    return before.with_all_of(after) if before.is_readable and after.is_readable else None


def excesses(live: Mapping[Key, Content], steps: Sequence[Step], limit: int) -> list[Excess]:
    """Return the profiles and directions that would have too many elements during some steps, or after them.

    A profile that has too many already isn't told, as long as the steps add none.

    Args:
        live: all rules in force, foreign ones as well.
        steps: in order.
        limit: elements of a profile and direction.
    """
    now: Counter[Side] = Counter()
    for key, content in live.items():
        now[_side(key, content)] += content.count()
    start, most = dict(now), Counter(now)
    for step in steps:
        for state, sign in ((step.before, -1), (step.after, 1)):
            if state is not None:
                now[_side(step.key, state)] += sign * state.count()
        for side, count in now.items():
            most[side] = max(most[side], count)
    return [
        Excess(side, count, limit, now[side] > limit)
        for side, count in sorted(most.items())
        if count > max(limit, start.get(side, 0))
    ]


def gaps(live: Mapping[Key, Content], steps: Sequence[Step]) -> list[tuple[str, str]]:
    """Return the elements that are in force before and after some steps, and not all the time between.

    Args:
        live: all rules in force.
        steps: in order.

    Returns:
        (direction, element), in order.
    """
    now = dict(live)
    before, lasting = _admitted(now), _admitted(now)
    for step in steps:
        if step.after is None:
            now.pop(step.key, None)
        else:
            now[step.key] = step.after
        lasting &= _admitted(now)
    return sorted({(side[2], element) for side, _, element in (before & _admitted(now)) - lasting})


def _admitted(rules: Mapping[Key, Content]) -> set[tuple[Side, str, str]]:
    return {(_side(key, each), name, element) for key, each in rules.items() for name, element in each.elements}


def _count(content: Content | None) -> int:
    return 0 if content is None else content.count()


def _side(key: Key, content: Content) -> Side:
    return key[0], key[1], content.side
