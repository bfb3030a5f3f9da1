"""How much is measured: the whole, or as little as shows that everything runs."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Scale:
    """Times are seconds.

    ``warm`` before each window that is measured; ``window`` where processor time is compared with the
    floor's; ``grid`` where many points are measured; ``calm`` where latencies are. ``few`` and ``many``: idle
    sessions. ``crowd``: connections that are all at work.
    """

    name: str
    runs: int
    warm: float
    window: float
    grid: float
    calm: float
    connections: tuple[int, ...]
    depths: tuple[int, ...]
    few: int
    many: int
    crowd: int

    def with_runs(self, runs: int) -> Scale:
        return replace(self, runs=runs)


FULL = Scale(
    name="full",
    runs=5,
    warm=0.3,
    window=1.5,
    grid=0.6,
    calm=2.5,
    connections=(1, 8, 64),
    depths=(1, 10, 50),
    few=100,
    many=5000,
    crowd=1000,
)
SHORT = Scale(
    name="short",
    runs=1,
    warm=0.05,
    window=0.2,
    grid=0.1,
    calm=0.3,
    connections=(1, 4),
    depths=(1, 10),
    few=5,
    many=20,
    crowd=20,
)
