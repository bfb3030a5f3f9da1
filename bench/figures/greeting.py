"""New connections."""

from __future__ import annotations

from collections.abc import Iterator

from bench.figures.figure import Figure, Measured
from bench.rows import Row, beside_floor
from bench.stage import Stage

_THREADS = 8
_WAYS = {
    "new TLS session": (False, False),
    "new TLS session with client certificate": (True, False),
    "TLS session resumed": (False, True),
}


class Greeting(Figure):
    """Connect, TLS, greeting, close; in eight threads of the generator.

    Sessions are resumed where no client certificate is asked for: eppd verifies a certificate each time.
    """

    name = "greeting"
    title = "New connections, each up to its greeting"

    def measure(self, stage: Stage) -> Iterator[Measured]:
        for name, (certificate, resume) in _WAYS.items():
            asking = (stage.asking_eppd(), stage.asking_floor)
            for target in asking if certificate else (stage.eppd(), stage.floor):
                values = stage.greetings(
                    target,
                    threads=_THREADS,
                    certificate=certificate,
                    resume=resume,
                    warm=self.scale.warm,
                    seconds=self.scale.window,
                )
                yield Measured(name, target.subject, values)

    def rows(self) -> list[Row]:
        return [
            beside_floor(name, unit, name, value)
            for value, unit in (("rate", "connections/s"), ("cpu", "µs CPU"), ("p99", "ms, p99"))
            for name in _WAYS
        ]
