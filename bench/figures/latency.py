"""How long an answer takes at half of the greatest rate."""

from __future__ import annotations

from collections.abc import Iterator

from bench.commands import CHECK_1, MIX, Kind
from bench.figures.figure import Figure, Measured
from bench.rows import Goal, Row, beside_floor
from bench.samples import EPPD, FLOOR, Ref
from bench.stage import Stage

_CONNECTIONS = 8
_LOADS: dict[str, tuple[Kind, ...]] = {CHECK_1.name: (CHECK_1,), "mixed commands": MIX}


class Latency(Figure):
    """The greatest rate is that of a closed loop, one command at a time on each connection.

    Half of it is then sent by the clock, evenly, over the same number of connections. Time runs from when a
    command was to be sent.
    """

    name = "latency"
    title = "Latency at half of the greatest rate"

    def measure(self, stage: Stage) -> Iterator[Measured]:
        scale = self.scale
        for name, mix in _LOADS.items():
            for target in (stage.eppd(), stage.floor):
                greatest = stage.closed(
                    target, mix, connections=_CONNECTIONS, depth=1, warm=scale.warm, seconds=scale.grid
                )
                values = stage.paced(
                    target,
                    mix,
                    connections=_CONNECTIONS,
                    rate=greatest["rate"] / 2,
                    warm=scale.warm,
                    seconds=scale.calm,
                )
                yield Measured(name, target.subject, values)

    def rows(self) -> list[Row]:
        found = []
        for name in _LOADS:
            for value in ("p50", "p95", "p99"):
                found.append(beside_floor(f"{name}, {value}", "ms", name, value))
            for subject, goal in ((EPPD, Goal(4)), (FLOOR, None)):
                of, base = Ref(name, "p99", subject), Ref(name, "p50", subject)
                found.append(Row(f"{name}, {subject}: p99 beside p50", "ms", of, (base,), "p50", goal))
        return found
