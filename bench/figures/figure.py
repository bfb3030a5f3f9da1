"""What a figure of the bench is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar, NamedTuple

from bench.rows import Row
from bench.scale import Scale
from bench.stage import Stage


class Measured(NamedTuple):
    """The values of one subject at one point; see ``bench.samples.Sample``."""

    point: str
    subject: str
    values: Mapping[str, float]


class Figure(ABC):
    """One thing that is measured, in any number of runs. What is compared is measured within one run."""

    name: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, scale: Scale) -> None:
        self.scale = scale

    @abstractmethod
    def measure(self, stage: Stage) -> Iterator[Measured]:
        """One run."""

    @abstractmethod
    def rows(self) -> list[Row]:
        """The rows of the table, in their order."""
