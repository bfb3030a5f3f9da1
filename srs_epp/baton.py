"""The baton: of the threads that carry it one works at a time, in the order in which they asked.

Python runs one thread at a time in any case, and a thread that serves a client gives that up several times
in each command, for a millisecond's part of TLS or of a signature. With many at work every such moment is a
fight for the interpreter, which costs more than the work. So a thread takes the baton when it has something
to do, and lays it down wherever it waits.

The baton is no lock, and guards nothing: who has been at one thing for longer than ``PATIENCE`` loses it to
the next, and goes on beside it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

PATIENCE = 0.02  # seconds
_WATCHERS = 32  # of those who wait, however many, so many look within it whether somebody has it for longer


class _Runner(threading.local):
    """What a thread has for its part; ``called``, a lock that opens when its turn has come, if it has one."""

    called: threading.Lock | None = None


class Baton:
    """One baton.

    >>> baton = Baton()
    >>> with baton.carried():
    ...     with baton.laid_down:
    ...         pass  # a wait for somebody else
    """

    def __init__(self) -> None:
        self.laid_down = self
        """A context in which the thread, if it carries the baton at all, leaves it to others."""
        self._runner = _Runner()
        self._guard = threading.Lock()
        self._holder: threading.Lock | None = None
        self._waiting: deque[threading.Lock] = deque()
        self._since = 0.0

    @contextmanager
    def carried(self) -> Iterator[None]:
        """Within it the thread works only when its turn has come."""
        called = threading.Lock()
        called.acquire()
        self._runner.called = called
        self.take()
        try:
            yield
        finally:
            self.lay_down()
            self._runner.called = None

    def take(
        self,
        _kind: type[BaseException] | None = None,
        _error: BaseException | None = None,
        _trace: TracebackType | None = None,
    ) -> None:
        """Wait for the thread's turn."""
        called = self._runner.called
        if called is None:
            return
        with self._guard:
            if self._holder is called:  # within another context in which it was laid down
                return
            if self._holder is None:
                self._holder, self._since = called, time.monotonic()
                return
            self._waiting.append(called)
        while not called.acquire(timeout=PATIENCE * (1 + len(self._waiting) // _WATCHERS)):
            with self._guard:
                if time.monotonic() - self._since >= PATIENCE:
                    self._hand_on()

    def lay_down(self) -> None:
        """Let the next one work."""
        called = self._runner.called
        if called is not None:
            with self._guard:
                if self._holder is not called:
                    return
                if self._waiting:
                    self._hand_on()
                else:
                    self._holder = None

    # every command waits twice at least: a call more for each end of a wait would be four more a command
    __enter__, __exit__ = lay_down, take

    def sleep(self, seconds: float) -> None:
        """time.sleep, and the others work meanwhile."""
        with self.laid_down:
            time.sleep(seconds)

    def _hand_on(self) -> None:
        self._holder, self._since = self._waiting.popleft() if self._waiting else None, time.monotonic()
        if self._holder is not None:
            self._holder.release()


BATON = Baton()
"""That of this process."""
