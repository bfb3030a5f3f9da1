"""What was measured: one Sample a run, subject and point; and what is said of several of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

EPPD, FLOOR = "eppd", "floor"


@dataclass(frozen=True, slots=True)
class Sample:
    """The values of one subject (eppd, or the floor) at one point of a figure in one run.

    The names of values: ``rate`` answers a second; ``cpu`` microseconds of the server's processes an answer;
    ``p50``, ``p95``, ``p99``, ``longest`` milliseconds of waiting for one; ``pss`` KiB; ``seconds``;
    ``server``, ``generator`` (the busiest), ``registry`` (the stub), ``others`` (what is not ours): how many
    processors each kept busy.
    """

    figure: str
    point: str
    subject: str
    run: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ref:
    """A series of values: the runs of one value at one point."""

    point: str
    value: str
    subject: str = EPPD


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, middle and greatest of several runs."""

    least: float
    middle: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(min(values), median(values), max(values))


class Samples:
    """All samples of a bench."""

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self._samples = list(samples)

    def add(self, sample: Sample) -> None:
        self._samples.append(sample)

    def series(self, figure: str, ref: Ref) -> dict[int, float]:
        """Run to value; empty where it was not measured."""
        return {
            one.run: one.values[ref.value]
            for one in self._samples
            if (one.figure, one.point, one.subject) == (figure, ref.point, ref.subject)
            and ref.value in one.values
        }

    def all(self, value: str) -> list[float]:
        """That value of every sample that has it."""
        return [one.values[value] for one in self._samples if value in one.values]

    def figures(self) -> set[str]:
        """The figures of which there are samples."""
        return {one.figure for one in self._samples}

    def as_json(self) -> list[dict[str, Any]]:
        return [
            {
                "figure": one.figure,
                "point": one.point,
                "subject": one.subject,
                "run": one.run,
                "values": dict(one.values),
            }
            for one in self._samples
        ]

    @classmethod
    def from_json(cls, found: Iterable[Mapping[str, Any]]) -> Samples:
        return cls(Sample(**one) for one in found)


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that at least ``share`` of the sorted values do not exceed.

    >>> percentile([1, 2, 3, 4], 0.5), percentile([1, 2, 3, 4], 0.99)
    (2, 4)
    """
    return values[max(0, math.ceil(share * len(values)) - 1)]
