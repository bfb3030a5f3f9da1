"""A registry that takes its time: do sessions hold each other up?"""

from __future__ import annotations

from collections.abc import Iterator

from bench.commands import CHECK_1, HELLO
from bench.figures.figure import Figure, Measured
from bench.rows import Goal, Row
from bench.samples import EPPD, Ref
from bench.stage import Stage

_DELAY = 50  # milliseconds
_SESSIONS = (1, 16)
_RATE = 100.0  # hellos a second
_ALONE, _BESIDE = "hello alone", f"hello beside {_SESSIONS[-1]} waiting sessions"


class Delay(Figure):
    """Every answer of the registry takes 50 ms. Sessions that wait for it must not slow each other."""

    name = "delay"
    title = f"A registry that takes {_DELAY} ms"

    def measure(self, stage: Stage) -> Iterator[Measured]:
        scale, eppd = self.scale, stage.eppd(delay=str(_DELAY))
        for count in _SESSIONS:
            values = stage.closed(
                eppd, [CHECK_1], connections=count, depth=1, warm=scale.warm, seconds=scale.window
            )
            yield Measured(_point(count), EPPD, {**values, "each": values["rate"] / count})
        yield Measured(_ALONE, EPPD, self._hellos(stage))
        with stage.loaded(eppd, CHECK_1, _SESSIONS[-1], scale.warm + scale.window + 1):
            yield Measured(_BESIDE, EPPD, self._hellos(stage))

    def _hellos(self, stage: Stage) -> dict[str, float]:
        eppd = stage.eppd(delay=str(_DELAY))
        return stage.paced(
            eppd, [HELLO], connections=1, rate=_RATE, warm=self.scale.warm, seconds=self.scale.window
        )

    def rows(self) -> list[Row]:
        one, many = map(_point, _SESSIONS)
        return [
            Row(f"{one}, p50", "ms", Ref(one, "p50")),
            Row(f"{many}, p50", "ms", Ref(many, "p50"), (Ref(one, "p50"),), one),
            Row(f"{many}, p99", "ms", Ref(many, "p99"), (Ref(one, "p99"),), one),
            Row(
                f"{many}, for each",
                "commands/s",
                Ref(many, "each"),
                (Ref(one, "each"),),
                one,
                Goal(0.9, at_least=True),
            ),
            Row(f"{_BESIDE}, p99", "ms", Ref(_BESIDE, "p99"), (Ref(_ALONE, "p99"),), "alone"),
        ]


def _point(count: int) -> str:
    return f"check of 1 name in {count} session{'s' if count > 1 else ''}"
