"""What a generator has counted within the window of time that is measured."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from bench.load.wire import Answered


class Tally:
    """Counts answers between two moments of time.monotonic()."""

    def __init__(self, begin: float, end: float) -> None:
        self.begin = begin
        self.end = end
        self._latencies: list[int] = []
        self._wrong = 0
        self._cpu_at_begin: float | None = None

    def add(self, answers: Iterable[Answered]) -> None:
        """Count those that came within the window; one that is wrong is counted whenever it came."""
        for answer in answers:
            if not answer.right:
                self._wrong += 1
            elif self.begin <= answer.came < self.end:
                self._latencies.append(round((answer.came - answer.due) * 1e6))

    def over(self) -> bool:
        """Whether the window is over; to be asked all the time, for it also sees the window begin."""
        now = time.monotonic()
        if self._cpu_at_begin is None and now >= self.begin:
            self._cpu_at_begin = time.process_time()
        return now >= self.end

    def result(self) -> dict[str, Any]:
        """``latencies`` in microseconds, ``wrong`` answers, ``cpu`` seconds that the counting took."""
        cpu = time.process_time() - (self._cpu_at_begin or 0.0)
        return {"latencies": self._latencies, "wrong": self._wrong, "cpu": cpu}
