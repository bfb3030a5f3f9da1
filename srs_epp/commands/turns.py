"""Turns: of the commands that look at a domain before they change it, one at a time.

The SRS can't say "if it is still as I saw it". Without turns, two sessions of a registrar that add a name
server at the same time would both be told 1000, and one of the servers would be gone; and one curExpDate
would renew a domain twice. Turns hold within a process: several proxies in front of one registry know
nothing of each other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from srs_epp.commands.mapping import Context
from srs_epp.epp.results import CommandFailed


class Turns:
    """Takes turns by key; a key that nobody wants costs nothing.

    >>> turns = Turns()
    >>> with turns.take("kea.nz", 1.0), turns.take("weka.nz", 1.0):
    ...     len(turns)
    2
    >>> len(turns)
    0
    """

    def __init__(self) -> None:
        # reentrant: a mapping that is given up may be cleared away at any moment, here too
        self._guard = threading.RLock()
        self._locks: dict[object, tuple[threading.Lock, int]] = {}  # and how many want it, or have it

    def __len__(self) -> int:
        return len(self._locks)

    @contextmanager
    def take(self, key: object, patience: float) -> Iterator[None]:
        """Have the turn within the block. CommandFailed where others take more than ``patience`` seconds."""
        with self._guard:
            lock, wanted = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = lock, wanted + 1
        try:
            if not lock.acquire(timeout=patience):
                raise CommandFailed("another session is changing this domain")
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._guard:
                lock, wanted = self._locks.pop(key)
                if wanted > 1:
                    self._locks[key] = lock, wanted - 1


_turns = Turns()


@contextmanager
def turn(name: str, context: Context) -> Iterator[None]:
    """The turn of the session's registrar at a domain; no registrar can hold up another."""
    with _turns.take((context.registrar, name.lower()), context.config.backend_timeout):
        yield
