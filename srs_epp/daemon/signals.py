"""Signals as something that a loop can wait for, beside descriptors: handlers do nothing but wake it."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterable
from types import FrameType

# by any process of ours
HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2, signal.SIGCHLD)


class Signals:
    """Catches these signals from now on, in this process, and keeps them until they are asked for."""

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        self._caught: list[signal.Signals] = []
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, self._catch)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)

    def _catch(self, number: int, _frame: FrameType | None) -> None:
        self._caught.append(signal.Signals(number))

    def wait(
        self, descriptors: Iterable[int] = (), seconds: float | None = None
    ) -> tuple[list[signal.Signals], set[int]]:
        """Wait for a signal, for one of the descriptors to be readable or closed, or so many seconds."""
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        if self._caught:
            seconds = 0
        ready = {found for found, _ in poll.poll(None if seconds is None else seconds * 1000)}
        if self._read in ready:
            os.read(self._read, 4096)
        caught, self._caught = self._caught, []
        return caught, ready - {self._read}

    def close(self) -> None:
        """Close the pipe; what a forked child does with its parent's."""
        os.close(self._read)
        os.close(self._write)
