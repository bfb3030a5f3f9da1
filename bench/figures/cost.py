"""Processor time of a command, beside that of the floor."""

from __future__ import annotations

from collections.abc import Iterator

from bench.commands import CHECK_1, CREATE, HELLO, INFO, KINDS, Kind
from bench.figures.figure import Figure, Measured
from bench.rows import Goal, Row, beside_floor
from bench.samples import EPPD, Ref
from bench.stage import Stage, Target

_GOALS = {HELLO: Goal(3), CHECK_1: Goal(1.35), INFO: Goal(1.6), CREATE: Goal(1.6)}
_PIPELINED = f"{CHECK_1.name}, 10 outstanding"
_APART = f"{_PIPELINED}, written one by one"


class Cost(Figure):
    """One connection, one command at a time; and ten, which eppd may send in one request."""

    name = "cost"
    title = "Processor time a command, one connection"

    def measure(self, stage: Stage) -> Iterator[Measured]:
        eppd = stage.eppd()
        for kind in KINDS:
            for target in (eppd, stage.floor):
                yield Measured(kind.name, target.subject, self._load(stage, target, kind, 1))
        yield Measured(_PIPELINED, EPPD, self._load(stage, eppd, CHECK_1, 10))
        yield Measured(_APART, EPPD, self._load(stage, eppd, CHECK_1, 10, apart=True))

    def _load(
        self, stage: Stage, target: Target, kind: Kind, depth: int, apart: bool = False
    ) -> dict[str, float]:
        return stage.closed(
            target,
            [kind],
            connections=1,
            depth=depth,
            apart=apart,
            warm=self.scale.warm,
            seconds=self.scale.window,
        )

    def rows(self) -> list[Row]:
        pipelined = beside_floor(_PIPELINED, "µs CPU", _PIPELINED, "cpu", Goal(0.35), CHECK_1.name)
        found = [beside_floor(kind.name, "µs CPU", kind.name, "cpu", _GOALS.get(kind)) for kind in KINDS]
        apart = beside_floor(_APART, "µs CPU", _APART, "cpu", floor_point=CHECK_1.name)
        found[2:2] = [pipelined, apart]
        found += [beside_floor(kind.name, "commands/s", kind.name, "rate") for kind in KINDS]
        found += [Row(point, "commands/s", Ref(point, "rate")) for point in (_PIPELINED, _APART)]
        return found
