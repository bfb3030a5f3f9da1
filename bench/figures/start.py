"""From nothing to ``listening on``."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures.figure import Figure, Measured
from bench.rows import Goal, Row
from bench.samples import EPPD, Ref
from bench.stage import Stage

_RUN, _SANDBOX = "eppd run", "first use of eppd sandbox"


class Start(Figure):
    """The sandbox makes its certificates, keys and database in that time."""

    name = "start"
    title = "Start to listening"

    def measure(self, stage: Stage) -> Iterator[Measured]:
        with stage.fresh_eppd() as product:
            yield Measured(_RUN, EPPD, {"seconds": product.started_in})
        with stage.sandbox() as product:
            yield Measured(_SANDBOX, EPPD, {"seconds": product.started_in})

    def rows(self) -> list[Row]:
        return [
            Row(_RUN, "s", Ref(_RUN, "seconds"), goal=Goal(1)),
            Row(_SANDBOX, "s", Ref(_SANDBOX, "seconds"), goal=Goal(5)),
        ]
