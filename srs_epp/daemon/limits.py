"""How many connections there may be at a time."""

from __future__ import annotations

import logging
import resource
import threading
import time

log = logging.getLogger("eppd.worker")

_SPARE_DESCRIPTORS = 64  # beside connections: listeners, pipes, the log, files that are read


class Slots:
    """A number of places, taken and given back by any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._changed = threading.Condition()

    @property
    def taken(self) -> int:
        return self._taken

    def take(self) -> bool:
        """False where all are taken."""
        with self._changed:
            if self._taken >= self._most:
                return False
            self._taken += 1
            return True

    def give_back(self) -> None:
        with self._changed:
            self._taken -= 1
            self._changed.notify_all()

    def wait_until_free(self, seconds: float) -> bool:
        """Whether all are free, at the latest after ``seconds``."""
        deadline = time.monotonic() + seconds
        with self._changed:
            return self._changed.wait_for(lambda: self._taken == 0, max(0.0, deadline - time.monotonic()))


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
