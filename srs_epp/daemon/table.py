"""The table that all workers share: a slot for each connection, and a bucket for each registrar's commands.

It lies in memory without a name that the master makes and every process of ours inherits. Whoever changes who
has what holds an fcntl lock, which the system takes back from a process that dies, in whatever way; the
master then frees the slots that it held. A slot's owner is written first and taken away last, so that a death
in between leaves nothing that has no owner.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from srs_epp.baton import BATON
from srs_epp.config import MOST_CONNECTIONS, Rate

_MAGIC = b"eppd table 1\0\0\0\0"
_HEADER = 4096
_BUCKETS = 4096
_PROBES = 32  # buckets that a registrar's may be among
_TEXTS = struct.Struct("=32s48s16s")  # connection, peer, TLS version
_BUCKET = struct.Struct("=Qdd")  # registrar + 1, tokens, when

# the column of each is as long as there may be connections
_OWNERS = _HEADER
_ADDRESSES = _OWNERS + 4 * MOST_CONNECTIONS
_REGISTRARS = _ADDRESSES + 8 * MOST_CONNECTIONS
_COMMANDS = _REGISTRARS + 8 * MOST_CONNECTIONS
_STARTED = _COMMANDS + 8 * MOST_CONNECTIONS
_LAST = _STARTED + 8 * MOST_CONNECTIONS
_STATES = _LAST + 8 * MOST_CONNECTIONS
_TEXT = _STATES + MOST_CONNECTIONS
_BUCKET_AT = _TEXT + _TEXTS.size * MOST_CONNECTIONS
_SIZE = _BUCKET_AT + _BUCKET.size * _BUCKETS

# octets of the file that are locked; none is ever read. Turns have the octets from _TURNS on.
_SLOT_LOCK, _BUCKET_LOCK, _TURNS = 0, 1, 1 << 32


class Full(Exception):
    """No slot is to be had: ``limit`` names the option that says so."""

    def __init__(self, limit: str, most: int) -> None:
        super().__init__(f"{limit} ({most}) reached")
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Row:
    """A connection, as it is seen from another process. Times are seconds since 1970."""

    owner: int
    connection: str
    peer: str
    tls: str
    registrar: int | None
    state: int
    started: float
    last: float
    commands: int


class Table:
    """Slots and buckets. Any thread of any process may call anything."""

    def __init__(self, descriptor: int | None = None) -> None:
        """``descriptor``: of the table of another master, whose place we take. ValueError if it is none."""
        self._guard = threading.Lock()
        if descriptor is None:
            descriptor = os.memfd_create("eppd", os.MFD_CLOEXEC)
            os.ftruncate(descriptor, _SIZE)
        elif os.fstat(descriptor).st_size != _SIZE:
            raise ValueError("not a table of this release")
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _SIZE)
        if self._memory[: len(_MAGIC)] == bytes(len(_MAGIC)):
            self._memory[: len(_MAGIC)] = _MAGIC
        elif self._memory[: len(_MAGIC)] != _MAGIC:
            raise ValueError("not a table of this release")
        view = memoryview(self._memory)

        self._high = view[16:24].cast("Q")  # slots from here on are free
        self._answered = view[24:32].cast("d")
        self._known = view[32:40].cast("Q")
        self._owners = view[_OWNERS:_ADDRESSES].cast("I")
        self._addresses = view[_ADDRESSES:_REGISTRARS].cast("Q")
        self._registrars = view[_REGISTRARS:_COMMANDS].cast("Q")
        self.commands = view[_COMMANDS:_STARTED].cast("Q")
        self._started = view[_STARTED:_LAST].cast("d")
        self.last = view[_LAST:_STATES].cast("d")
        self.states = view[_STATES : _STATES + MOST_CONNECTIONS]

    @contextmanager
    def _locked(self, octet: int) -> Iterator[None]:
        # an fcntl lock is the process's: threads have their own lock before it
        with self._guard:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX, 1, octet)
            try:
                yield
            finally:
                fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, octet)

    # -- slots

    def take(self, connection: str, peer: str, most: int, most_of_address: int | None) -> int:
        """A free slot, now ours. ``most_of_address`` None: the peer's address does not count. Full."""
        key = _key(peer)
        with self._locked(_SLOT_LOCK):
            high = self._high[0]
            owners = self._owners[:high].tolist()
            free = owners.count(0)
            if high - free >= most:
                raise Full("max-connections", most)
            if most_of_address is not None:
                self._check_address(key, most_of_address)
            slot = owners.index(0) if free else high
            self._owners[slot] = os.getpid()
            self._high[0] = max(high, slot + 1)
            self._addresses[slot] = 0 if most_of_address is None else key
            self._registrars[slot] = 0
            self.commands[slot] = 0
            self.states[slot] = 0
            self._started[slot] = self.last[slot] = time.time()
            self._write_texts(slot, connection, peer)
        return slot

    def _check_address(self, key: int, most: int) -> None:
        if self._addresses[: self._high[0]].tolist().count(key) >= most:
            raise Full("max-connections-per-address", most)

    def set_address(self, slot: int, connection: str, peer: str, most: int) -> None:
        """The connection's real peer, once it is known. Full."""
        key = _key(peer)
        with self._locked(_SLOT_LOCK):
            self._check_address(key, most)
            self._addresses[slot] = key
            self._write_texts(slot, connection, peer)

    def set_registrar(self, slot: int, registrar: int, most: int) -> None:
        """The slot's session is the registrar's. Full where it has ``most`` already."""
        with self._locked(_SLOT_LOCK):
            if self._registrars[: self._high[0]].tolist().count(registrar + 1) >= most:
                raise Full("max-sessions-per-registrar", most)
            self._registrars[slot] = registrar + 1

    def clear_registrar(self, slot: int) -> None:
        """The slot's session is nobody's again."""
        self._registrars[slot] = 0

    def set_tls(self, slot: int, version: str) -> None:
        """What the connection's peer and we have agreed on."""
        start = _TEXT + slot * _TEXTS.size + _TEXTS.size - 16
        self._memory[start : start + 16] = version.encode()[:16].ljust(16, b"\0")

    def _write_texts(self, slot: int, connection: str, peer: str) -> None:
        start = _TEXT + slot * _TEXTS.size
        _TEXTS.pack_into(self._memory, start, connection.encode()[:32], peer.encode()[:48], b"")

    def give_back(self, slot: int) -> None:
        """Free a slot of ours."""
        with self._locked(_SLOT_LOCK):
            self._free(slot)
            self._sink()

    def free_of(self, gone: Callable[[int], bool]) -> int:
        """Free every slot whose owner's pid is ``gone``; how many there were."""
        with self._locked(_SLOT_LOCK):
            owners = self._owners[: self._high[0]].tolist()
            dead = {pid for pid in set(owners) if pid and gone(pid)}
            lost = [slot for slot, pid in enumerate(owners) if pid in dead]
            for slot in lost:
                self._free(slot)
            self._sink()
        return len(lost)

    def _free(self, slot: int) -> None:
        self._addresses[slot] = 0
        self._registrars[slot] = 0
        self._owners[slot] = 0

    def _sink(self) -> None:
        high = self._high[0]
        while high and not self._owners[high - 1]:
            high -= 1
        self._high[0] = high

    def rows(self) -> list[Row]:
        """The connections that there are, more or less at the same moment."""
        found = []
        for slot, owner in enumerate(self._owners[: self._high[0]].tolist()):
            if owner:
                connection, peer, tls = _TEXTS.unpack_from(self._memory, _TEXT + slot * _TEXTS.size)
                registrar, state = self.session(slot)
                found.append(
                    Row(
                        owner=owner,
                        connection=_text(connection),
                        peer=_text(peer),
                        tls=_text(tls),
                        registrar=registrar,
                        state=state,
                        started=self._started[slot],
                        last=self.last[slot],
                        commands=self.commands[slot],
                    )
                )
        return found

    def session(self, slot: int) -> tuple[int | None, int]:
        """The registrar of the slot's session, None before its login, and the number of its state."""
        registrar = self._registrars[slot]
        return registrar - 1 if registrar else None, self.states[slot]

    def sessions(self) -> list[tuple[int | None, int]]:
        """The same of every slot that may be taken, whosever it is."""
        registrars, states = self._registrars[: self._high[0]].tolist(), self.states[: self._high[0]]
        return [
            (registrar - 1 if registrar else None, state)
            for registrar, state in zip(registrars, states, strict=False)
        ]

    # -- command-rate

    def reserve(self, registrar: int, rate: Rate) -> float:
        """Take one of the registrar's tokens; seconds until it may be used."""
        now = time.monotonic()
        with self._locked(_BUCKET_LOCK):
            at = self._bucket(registrar + 1)
            key, tokens, then = _BUCKET.unpack_from(self._memory, at)
            if key != registrar + 1:
                tokens, then = float(rate.burst), now
            tokens = min(float(rate.burst), tokens + max(0.0, now - then) * rate.per_second) - 1
            _BUCKET.pack_into(self._memory, at, registrar + 1, tokens, now)
        return max(0.0, -float(tokens) / rate.per_second)

    def _bucket(self, key: int) -> int:
        """Where the bucket of ``key`` is, or may be made: instead of that which was used longest ago."""
        places = [_BUCKET_AT + (key * 2654435761 + step) % _BUCKETS * _BUCKET.size for step in range(_PROBES)]
        for at in places:
            if _BUCKET.unpack_from(self._memory, at)[0] in (key, 0):
                return at
        return min(places, key=lambda at: float(_BUCKET.unpack_from(self._memory, at)[2]))

    # -- turns

    @contextmanager
    def lock(self, key: object, deadline: float) -> Iterator[bool]:
        """Hold the lock of ``key`` against other processes; whether it was to be had before ``deadline``.

        Threads of one process must not want the same key at the same time: see ``commands.turns``.
        """
        octet = _TURNS + 2 * (_key(repr(key)) % (1 << 61))
        # the second octet is for the one who is next: whoever has had the first can't have it again before
        if not self._wait_for(octet + 1, deadline):
            yield False
            return
        try:
            had = self._wait_for(octet, deadline)
        finally:
            self._unlock(octet + 1)
        try:
            yield had
        finally:
            if had:
                self._unlock(octet)

    def _wait_for(self, octet: int, deadline: float) -> bool:
        pause = 0.001
        while True:
            try:
                fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, octet)
                return True
            except (BlockingIOError, PermissionError):  # POSIX allows both
                if time.monotonic() + pause > deadline:
                    return False
                BATON.sleep(pause)
                pause = min(pause * 2, 0.05)

    def _unlock(self, octet: int) -> None:
        fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, octet)

    # -- the registry

    @property
    def registry_answered(self) -> float:
        """When the registry last answered any of us, on the clock of time.monotonic(), which all share."""
        return float(self._answered[0])

    def note_answer(self) -> None:
        """The registry has answered just now."""
        self._answered[0] = time.monotonic()

    @property
    def known_registrar(self) -> int | None:
        """A registrar that the registry knows, for it has logged in."""
        return self._known[0] - 1 if self._known[0] else None

    def note_registrar(self, registrar: int) -> None:
        """The registrar has logged in."""
        self._known[0] = registrar + 1


def _key(text: str) -> int:
    """A number that stands for the text, never 0."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") or 1


def _text(octets: bytes) -> str:
    return octets.rstrip(b"\0").decode("utf-8", "replace")
