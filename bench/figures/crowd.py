"""A thousand clients who all want something at the same moment, of one worker."""

from __future__ import annotations

from collections.abc import Iterator

from bench.commands import CHECK_1, HELLO, Kind
from bench.figures.figure import Figure, Measured
from bench.rows import Goal, Row
from bench.samples import EPPD, Ref
from bench.scale import Scale
from bench.stage import Stage, most_sessions

_KINDS = (HELLO, CHECK_1)


def _point(kind: Kind, connections: int) -> str:
    return f"{kind.name}, {connections} conn."


class Crowd(Figure):
    """One command outstanding on each connection, of many and of very many."""

    name = "crowd"
    title = "Very many at work at once"

    def __init__(self, scale: Scale) -> None:
        super().__init__(scale)
        self._connections = (max(scale.connections), most_sessions(scale.crowd))

    def measure(self, stage: Stage) -> Iterator[Measured]:
        for kind in _KINDS:
            for connections in self._connections:
                values = stage.closed(
                    stage.eppd(),
                    [kind],
                    connections=connections,
                    depth=1,
                    # until everyone has had a turn
                    warm=self.scale.warm + connections / 1000,
                    seconds=self.scale.calm,
                )
                yield Measured(_point(kind, connections), EPPD, values)

    def rows(self) -> list[Row]:
        many, crowd = self._connections
        return [
            Row(
                f"{kind.name}: {crowd} connections",
                "commands/s",
                Ref(_point(kind, crowd), "rate"),
                (Ref(_point(kind, many), "rate"),),
                f"{many} connections",
                Goal(0.5, at_least=True),
            )
            for kind in _KINDS
        ]
