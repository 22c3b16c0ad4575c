"""Lays a table out in the room that there is: what is shown is shown whole, and what isn't is named beneath it.

Rich by itself cuts what doesn't fit, so that 35 days look like 3 and a column goes without a word.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from pipeline.text import counted

SHORT = 12
"""Columns that a text may always have, if it is that long: an id, a day, a word."""
KEYS = 3
"""So many texts at the left say what a row is about; they stay longest."""
_EDGES, _GAP = 2, 2


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table.

    Args:
        name: its heading; "" for none.
        cells: as they are shown.
        numbers: which of the cells are numbers.
        is_told: its texts are sentences, so that it takes several lines before others do.
    """

    name: str
    cells: tuple[str, ...]
    numbers: tuple[bool, ...]
    is_told: bool = False

    @cached_property
    def is_number(self) -> bool:
        """Whether it is set to the right."""
        return any(self.numbers)

    @cached_property
    def widest(self) -> int:
        """How wide it is where nothing takes a second line."""
        return max(cell_len(self.name), self._longest(self.cells))

    @cached_property
    def least(self) -> int:
        """How narrow it may get: a number stays in one piece, and so does a word of a heading over numbers."""
        heading = self._longest(self.name.split())
        if not self.is_number:
            return min(SHORT, max(heading, self._longest(self.cells)))
        whole = self._longest([cell for cell, is_one in zip(self.cells, self.numbers, strict=True) if is_one])
        return max(heading, whole, min(SHORT, self._longest(self.cells)))

    @staticmethod
    def _longest(texts: Sequence[str]) -> int:
        return max(map(cell_len, texts), default=0)


@dataclass(frozen=True)
class Fitted:
    """A table that fits wherever it is printed.

    Args:
        title: above it; "" for none.
        columns: from left to right, the most important text first.
    """

    title: str
    columns: tuple[Column, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give Rich the table, and a sentence about the columns for which there is no room."""
        shown = _shown(self.columns, options.max_width)
        if shown:
            yield self._table(shown, _widths(shown, options.max_width))
        if left_out := [each.name or "one without a name" for each in self.columns if each not in shown]:
            yield Text(
                f"{counted(len(left_out), 'column')} left out for want of room: {', '.join(left_out)}. "
                "A wider terminal shows more, --format csv or json all."
            )

    def _table(self, shown: Sequence[Column], widths: Sequence[int]) -> Table:
        made = Table(
            title=Text(self.title) if self.title else None,
            box=box.SIMPLE_HEAD,
            title_justify="left",
            pad_edge=False,
            collapse_padding=True,
        )
        for each, width in zip(shown, widths, strict=True):
            made.add_column(
                Text(each.name), justify="right" if each.is_number else "left", overflow="fold", width=width
            )
        for row in zip(*(each.cells for each in shown), strict=True):
            made.add_row(*map(Text, row))
        return made


def _shown(columns: Sequence[Column], room: int) -> list[Column]:
    """Return the columns that can be shown in so much room, in their order."""
    kept = list(columns)
    dispensable = _dispensable(columns)
    while kept and _EDGES + _GAP * (len(kept) - 1) + sum(each.least for each in kept) > room:
        kept.remove(next(dispensable))
    return kept


def _dispensable(columns: Sequence[Column]) -> Iterator[Column]:
    """Give the columns, the least important first: empty ones, then texts, then numbers, each from the right."""

    def importance(index: int) -> tuple[int, int]:
        each = columns[index]
        if not any(each.cells):
            rank = 0
        elif each.is_number:
            rank = 3
        elif index < KEYS or not each.name:
            rank = 4
        else:
            rank = 2 if each.is_told else 1
        return (rank if index else 5, -index)

    return (columns[index] for index in sorted(range(len(columns)), key=importance))


def _widths(columns: Sequence[Column], room: int) -> list[int]:
    """Return how wide each column is: names are kept on a line rather than sentences, as far as there is room."""
    free = room - _EDGES - _GAP * (len(columns) - 1)
    widths = [each.least for each in columns]
    if any(each.is_told for each in columns):
        names = [each.least if each.is_told else max(each.least, min(each.widest, room // 2)) for each in columns]
        widths = _grown(widths, names, free)
    return _grown(widths, [each.widest for each in columns], free)


def _grown(widths: Sequence[int], most: Sequence[int], free: int) -> list[int]:
    """Return widths that fill the room, none above its most, by having the narrowest grow first."""
    grown = list(widths)
    left = free - sum(grown)
    while left > 0 and (able := [index for index, width in enumerate(grown) if width < most[index]]):
        index = min(able, key=grown.__getitem__)
        grown[index] += 1
        left -= 1
    return grown
