"""Rows of the table: which values stand side by side, and what we want of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.samples import FLOOR, Ref, Samples, Spread


@dataclass(frozen=True, slots=True)
class Goal:
    """What the ratio, or where there is none the value, is to be at most, or at least."""

    limit: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Row:
    """``of`` is put beside ``base``; of several bases the greatest of each run counts."""

    text: str
    unit: str
    of: Ref
    base: tuple[Ref, ...] = ()
    base_text: str = ""
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its numbers. ``ratio`` is that of values of the same run."""

    figure: str
    row: Row
    value: Spread
    base: Spread | None
    ratio: Spread | None

    @property
    def met(self) -> bool | None:
        """Whether the middle of the runs meets the goal; None where there is none."""
        if self.row.goal is None:
            return None
        return self.row.goal.met((self.ratio or self.value).middle)


def beside_floor(
    text: str, unit: str, point: str, value: str, goal: Goal | None = None, floor_point: str | None = None
) -> Row:
    """A row that compares eppd with the floor at the same point, or at another."""
    base = Ref(floor_point or point, value, FLOOR)
    base_text = "floor" if floor_point in (None, point) else f"floor: {floor_point}"
    return Row(text, unit, Ref(point, value), (base,), base_text, goal)


def lines(figure: str, rows: list[Row], samples: Samples) -> Iterator[Line]:
    """The rows that have numbers."""
    for row in rows:
        values = samples.series(figure, row.of)
        if not values:
            continue
        bases = [samples.series(figure, ref) for ref in row.base]
        runs = [run for run in values if bases and all(run in base for base in bases)]
        base = {run: max(one[run] for one in bases) for run in runs}
        yield Line(
            figure,
            row,
            Spread.of(list(values.values())),
            Spread.of(list(base.values())) if base else None,
            Spread.of([values[run] / base[run] for run in runs]) if base else None,
        )
