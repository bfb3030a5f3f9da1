"""Twice as many commands as can be answered."""

from __future__ import annotations

from collections.abc import Iterator

from bench.commands import MIX
from bench.figures.figure import Figure, Measured
from bench.rows import Goal, Row
from bench.samples import Ref
from bench.stage import Stage

_CONNECTIONS = 8
_DEPTH = 10
_GREATEST, _TWICE = "the greatest rate", "twice the greatest rate"


class Overload(Figure):
    """The greatest rate is that of a closed loop with ten commands outstanding on each of eight connections.

    Then twice as many are sent by the clock. What is answered must not become less.
    """

    name = "overload"
    title = "Overload, mixed commands"

    def measure(self, stage: Stage) -> Iterator[Measured]:
        scale, eppd = self.scale, stage.eppd()
        greatest = stage.closed(
            eppd,
            MIX,
            connections=_CONNECTIONS,
            depth=_DEPTH,
            apart=True,  # as by the clock
            warm=scale.warm,
            seconds=scale.window,
        )
        yield Measured(_GREATEST, eppd.subject, greatest)
        twice = stage.paced(
            eppd,
            MIX,
            connections=_CONNECTIONS,
            rate=2 * greatest["rate"],
            warm=scale.warm,
            seconds=scale.window,
        )
        yield Measured(_TWICE, eppd.subject, twice)

    def rows(self) -> list[Row]:
        return [
            Row(f"answered when sent at {_GREATEST}", "commands/s", Ref(_GREATEST, "rate")),
            Row(
                f"answered when sent at {_TWICE}",
                "commands/s",
                Ref(_TWICE, "rate"),
                (Ref(_GREATEST, "rate"),),
                _GREATEST,
                Goal(0.9, at_least=True),
            ),
        ]
