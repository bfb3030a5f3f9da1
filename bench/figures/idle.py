"""Idle sessions: what each takes of memory, and whether others notice them."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench import proc
from bench.commands import HELLO
from bench.figures.figure import Figure, Measured
from bench.rows import Goal, Row
from bench.samples import EPPD, Ref
from bench.scale import Scale
from bench.stage import Stage, Target, most_sessions

_RATE = 200.0  # hellos a second
_SETTLING = 0.5  # seconds until the last login has let go of what it needed
_UNLOADED = "no idle sessions"


class Idle(Figure):
    """In an eppd of its own each run: logged-in sessions that say nothing, and one beside them that does."""

    name = "idle"
    title = "Idle sessions"

    def __init__(self, scale: Scale) -> None:
        super().__init__(scale)
        self._counts = (scale.few, most_sessions(scale.many))

    def measure(self, stage: Stage) -> Iterator[Measured]:
        with stage.fresh_eppd() as product:
            target = Target(EPPD, product.port, product.pids)
            yield Measured(_UNLOADED, EPPD, self._hellos(stage, target))
            empty = proc.pss_kib(target.pids)
            for count in self._counts:
                with stage.holding(target, count):
                    time.sleep(_SETTLING)
                    pss = (proc.pss_kib(target.pids) - empty) / count
                    values = {"pss": pss}
                    if count == self._counts[-1]:
                        values |= self._hellos(stage, target)
                yield Measured(_point(count), EPPD, values)

    def _hellos(self, stage: Stage, target: Target) -> dict[str, float]:
        return stage.paced(
            target, [HELLO], connections=1, rate=_RATE, warm=self.scale.warm, seconds=self.scale.calm
        )

    def rows(self) -> list[Row]:
        many = self._counts[-1]
        memory = [
            Row(f"memory a session, of {count}", "KiB PSS", Ref(_point(count), "pss"), goal=Goal(150))
            for count in self._counts
        ]
        quick = Row(f"hello beside {many} idle sessions, p50", "ms", Ref(_point(many), "p50"))
        slow = Row(
            f"hello beside {many} idle sessions, p99",
            "ms",
            Ref(_point(many), "p99"),
            (Ref(_UNLOADED, "p99"),),
            "without them",
            Goal(5),
        )
        return [*memory, quick, slow]


def _point(count: int) -> str:
    return f"{count} idle sessions"
