"""How commands are sent: one after another's answer (closed), or by the clock, whatever comes back (open)."""

from __future__ import annotations

import select
import time
from collections.abc import Sequence

from bench.load.tally import Tally
from bench.load.wire import Answered, Wire

MOST_OUTSTANDING = 2000  # commands of a connection; who is that far behind stays behind
_MOST_AT_ONCE = 64  # commands sent before answers are looked at
_LONGEST_WAIT = 0.05  # seconds, so that the end of the window is seen


def closed(wires: Sequence[Wire], depth: int, apart: bool, tally: Tally) -> None:
    """Keep ``depth`` commands of each connection outstanding, until the window is over.

    ``apart``: each command is written on its own, so that each is a TLS record; else those that can go
    together do.
    """

    def send(wire: Wire, count: int, due: float) -> None:
        if apart:
            for _ in range(count):
                wire.send(1, due)
        else:
            wire.send(count, due)

    ready = _Readiness(wires)
    now = time.monotonic()
    for wire in wires:
        send(wire, depth, now)
    while not tally.over():
        for wire, answers in ready.wait(_LONGEST_WAIT):
            tally.add(answers)
            if answers:
                send(wire, len(answers), answers[-1].came)


def paced(wires: Sequence[Wire], rate: float, tally: Tally) -> None:
    """Send ``rate`` commands a second, evenly, over all connections in turn, until the window is over.

    The clock runs from when a command was to be sent, so that one that had to wait here is late too.
    """
    ready = _Readiness(wires)
    start, number = time.monotonic(), 0
    while not tally.over():
        for _ in range(_MOST_AT_ONCE):
            due = start + number / rate
            if due > time.monotonic():
                break
            wire = wires[number % len(wires)]
            if wire.outstanding < MOST_OUTSTANDING:
                wire.send(1, due)
            number += 1
        left = start + number / rate - time.monotonic()
        for _, answers in ready.wait(min(max(left, 0.0), _LONGEST_WAIT)):
            tally.add(answers)


class _Readiness:
    """Waits for many connections at once."""

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._wires = {wire.sock.fileno(): wire for wire in wires}
        self._epoll = select.epoll()
        for descriptor in self._wires:
            self._epoll.register(descriptor, select.EPOLLIN)
        self._blocked: set[int] = set()

    def wait(self, seconds: float) -> list[tuple[Wire, list[Answered]]]:
        """Those that have got something, with their answers, at the latest after ``seconds``."""
        self._watch_blocked()
        # epoll's own time-out is in whole milliseconds, select's is not
        if not select.select([self._epoll], [], [], seconds)[0]:
            return []
        found = []
        for descriptor, events in self._epoll.poll(0):
            wire = self._wires[descriptor]
            if events & select.EPOLLOUT:
                wire.flush()
            if events & ~select.EPOLLOUT:
                found.append((wire, wire.receive()))
        return found

    def _watch_blocked(self) -> None:
        now_blocked = {descriptor for descriptor, wire in self._wires.items() if wire.blocked}
        for descriptor in now_blocked ^ self._blocked:
            wanted = select.EPOLLIN | (select.EPOLLOUT if descriptor in now_blocked else 0)
            self._epoll.modify(descriptor, wanted)
        self._blocked = now_blocked
