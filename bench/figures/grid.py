"""Rate and processor time over connections and pipeline depth."""

from __future__ import annotations

from collections.abc import Iterator

from bench.commands import KINDS, Kind
from bench.figures.figure import Figure, Measured
from bench.rows import Goal, Row, beside_floor
from bench.samples import Ref
from bench.stage import Stage, Target


def _point(kind: Kind, connections: int, depth: int) -> str:
    return f"{kind.name}, {connections} conn., depth {depth}"


class Grid(Figure):
    """Every command, at every number of connections and every depth; the floor at depth 1.

    The floor sends a request for each command: deeper queues change little in what that costs.
    """

    name = "grid"
    title = "Connections and commands outstanding"

    def measure(self, stage: Stage) -> Iterator[Measured]:
        eppd = stage.eppd()
        for kind in KINDS:
            for connections in self.scale.connections:
                yield self._load(stage, stage.floor, kind, connections, 1)
                for depth in self.scale.depths:
                    yield self._load(stage, eppd, kind, connections, depth)

    def _load(self, stage: Stage, target: Target, kind: Kind, connections: int, depth: int) -> Measured:
        values = stage.closed(
            target,
            [kind],
            connections=connections,
            depth=depth,
            warm=self.scale.warm,
            seconds=self.scale.grid,
        )
        return Measured(_point(kind, connections, depth), target.subject, values)

    def rows(self) -> list[Row]:
        found = []
        for value, unit in (("rate", "commands/s"), ("cpu", "µs CPU")):
            for kind in KINDS:
                for connections in self.scale.connections:
                    base = _point(kind, connections, 1)
                    for depth in self.scale.depths:
                        point = _point(kind, connections, depth)
                        found.append(beside_floor(point, unit, point, value, None, base))
        return found + [self._most_over_fewer(kind) for kind in KINDS]

    def _most_over_fewer(self, kind: Kind) -> Row:
        *fewer, most = self.scale.connections
        return Row(
            f"{kind.name}: {most} connections beside the best with fewer",
            "commands/s",
            Ref(_point(kind, most, 1), "rate"),
            tuple(Ref(_point(kind, connections, 1), "rate") for connections in fewer),
            "best with fewer",
            Goal(0.9, at_least=True),
        )
