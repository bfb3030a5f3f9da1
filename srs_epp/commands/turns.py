"""Turns: of the commands that look at a domain before they change it, one at a time.

The SRS can't say "if it is still as I saw it". Without turns, two sessions of a registrar that add a name
server at the same time would both be told 1000, and one of the servers would be gone; and one curExpDate
would renew a domain twice. Turns hold between the threads of a process, and between all processes that
share what is ``beyond``; proxies on several machines know nothing of each other.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeAlias

from srs_epp.baton import BATON
from srs_epp.epp.results import CommandFailed

Beyond: TypeAlias = "Callable[[object, float], AbstractContextManager[bool]]"


def _nobody_else(_key: object, _deadline: float) -> AbstractContextManager[bool]:
    return nullcontext(True)


class Turns:
    """Takes turns by key; a key that nobody wants costs nothing.

    >>> turns = Turns()
    >>> with turns.take("kea.nz", 1.0), turns.take("weka.nz", 1.0):
    ...     len(turns)
    2
    >>> len(turns)
    0
    """

    def __init__(self, beyond: Beyond = _nobody_else) -> None:
        """``beyond``: has the lock of a key against other processes, or has not got it before a moment."""
        self._beyond = beyond
        # reentrant: a mapping that is given up may be cleared away at any moment, here too
        self._guard = threading.RLock()
        self._locks: dict[object, tuple[threading.Lock, int]] = {}  # and how many want it, or have it

    def __len__(self) -> int:
        return len(self._locks)

    @contextmanager
    def take(self, key: object, patience: float) -> Iterator[None]:
        """Have the turn within the block. CommandFailed where others take more than ``patience`` seconds."""
        deadline = time.monotonic() + patience
        with self._guard:
            lock, wanted = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = lock, wanted + 1
        try:
            with BATON.laid_down:
                had = lock.acquire(timeout=patience)
            if not had:
                raise CommandFailed("another session is changing this domain")
            try:
                with self._beyond(key, deadline) as had:
                    if not had:
                        raise CommandFailed("another session is changing this domain")
                    yield
            finally:
                lock.release()
        finally:
            with self._guard:
                lock, wanted = self._locks.pop(key)
                if wanted > 1:
                    self._locks[key] = lock, wanted - 1
