"""Two worker processes beside one."""

from __future__ import annotations

from collections.abc import Iterator

from bench.commands import CHECK_1
from bench.figures.figure import Figure, Measured
from bench.rows import Goal, Row
from bench.samples import EPPD, Ref
from bench.stage import Stage

_CONNECTIONS = 8
_ONE, _TWO = "one worker", "two workers"


class Workers(Figure):
    """Check of 1 name over eight connections. A rate says little where generator and registry share the
    processors; the processor time a command does.
    """

    name = "workers"
    title = "Two worker processes"

    def measure(self, stage: Stage) -> Iterator[Measured]:
        for name, eppd in ((_ONE, stage.eppd()), (_TWO, stage.eppd(workers="2"))):
            values = stage.closed(
                eppd,
                [CHECK_1],
                connections=_CONNECTIONS,
                depth=1,
                warm=self.scale.warm,
                seconds=self.scale.window,
            )
            yield Measured(name, EPPD, values)

    def rows(self) -> list[Row]:
        return [
            Row(_TWO, "µs CPU", Ref(_TWO, "cpu"), (Ref(_ONE, "cpu"),), _ONE, Goal(1.1)),
            Row(_TWO, "commands/s", Ref(_TWO, "rate"), (Ref(_ONE, "rate"),), _ONE),
        ]
