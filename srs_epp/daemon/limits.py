"""How many connections a process has, and can have. How many it may have: see ``table``."""

from __future__ import annotations

import logging
import resource
import threading
import time

log = logging.getLogger("eppd.worker")

_SPARE_DESCRIPTORS = 64  # beside connections: listeners, pipes, the log, files that are read


class Running:
    """How many connections this process has, told by any thread."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    @property
    def count(self) -> int:
        return self._count

    def begin(self) -> None:
        """One more."""
        with self._changed:
            self._count += 1

    def end(self) -> None:
        """One less."""
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait_until_none(self, seconds: float) -> bool:
        """Whether there are none, at the latest after ``seconds``."""
        deadline = time.monotonic() + seconds
        with self._changed:
            return self._changed.wait_for(lambda: self._count == 0, max(0.0, deadline - time.monotonic()))


def allow_descriptors(connections: int) -> None:
    """Raise this process's limit of open files for so many connections, as far as it may be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _SPARE_DESCRIPTORS
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError, OverflowError):
        allowed = soft
    if allowed < wanted:
        log.warning("only %d files can be open, too few for %d connections", allowed, connections)
