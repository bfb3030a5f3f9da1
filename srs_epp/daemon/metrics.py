"""What is counted and timed, for Prometheus, over all workers.

prometheus-client keeps each process's numbers in files of a folder, which whoever is asked for them adds up.
It looks for the folder when it is imported: so that is done late, and only where metrics are wanted.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from srs_epp.commands.overseer import Answered
from srs_epp.epp.reader import Command

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus-client's own name for it

_QUERIES = {"check", "info", "poll"}
_TRANSFORMS = {"create", "update", "delete", "renew", "transfer"}
_SESSION = {"hello", "login", "logout"}

# every label that recoveries and refusals can have
OUTCOMES = ("done", "not done", "unknown")
REASONS = (
    "max-connections",
    "max-connections-per-address",
    "max-sessions-per-registrar",
    "threads",
    "proxy",
    "certificate",
    "tls",
    "timeout",
    "client-id",
    "unknown-registrar",
    "signature",
    "password",
    "address",
    "certificate-name",
)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_ACTIONS = (1, 2, 3, 5, 10, 20, 50, 100)


_PREFIX = "eppd-metrics-"
_held: list[int] = []  # descriptors by which our processes hold the folder, and each its seat


def make_folder(*, keep: bool) -> bool:
    """Make the folder for all processes that come; ``keep``: or use that of the master before us.

    False where that was used. Every process that we fork holds the folder too. What nobody holds any more,
    since a master and all of its workers were killed, is removed.
    """
    left = os.environ.get(FOLDER)
    if keep and left is not None and _hold(Path(left)):
        return False
    # systemd's folder for us goes with us
    where = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0] or tempfile.gettempdir()
    for path in Path(where).glob(f"{_PREFIX}*"):
        _remove_where_unheld(path)
    while True:
        made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=where))
        if _hold(made):  # else another eppd, which starts as well, has taken it for one that was left
            os.environ[FOLDER] = str(made)
            return True


def remove_folder() -> None:
    """Remove it with all numbers."""
    shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


def _hold(path: Path) -> bool:
    """Whether the folder is there, and is ours and our children's until all of us have ended."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    if not path.exists():
        os.close(descriptor)
        return False
    _held.append(descriptor)
    return True


def _remove_where_unheld(path: Path) -> None:
    with suppress(OSError):  # somebody else's, or gone meanwhile
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if os.fstat(descriptor).st_uid == os.geteuid():
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path)
        finally:
            os.close(descriptor)


def _take_seat() -> str:
    """Which files of the folder this process counts in: it goes on in those of one that has ended."""
    folder = Path(os.environ[FOLDER])
    for number in itertools.count(1):
        descriptor = os.open(folder / f"seat_{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            _held.append(descriptor)
            return str(number)
    raise AssertionError


def class_of(command: Command) -> str:
    """Session, query or transform: the classes of RFC 5730 section 2.9, by which registries are measured."""
    if command.verb in _QUERIES:
        return "query"
    if command.verb in _TRANSFORMS:
        asks = command.element is not None and command.element.get("op") == "query"
        return "query" if asks else "transform"
    return "session"


def name_of(command: Command) -> str:
    """Its verb, or "other": a client must not be able to invent labels."""
    return command.verb if command.verb in _QUERIES | _TRANSFORMS | _SESSION else "other"


class Metrics:
    """This process's counters and histograms."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram, values

        # by itself it names files by process, and they would become more with each worker that is renewed
        seat = _take_seat()
        files: Any = values.MultiProcessValue
        values.ValueClass = files(lambda: seat)
        registry = CollectorRegistry()  # collected from the files, not from here

        def counter(name: str, text: str, *labels: str) -> Any:
            return Counter(f"eppd_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Any:
            return Histogram(f"eppd_{name}", text, labels, buckets=buckets, registry=registry)

        self._commands = counter(
            "commands", "Commands answered, by result code", "registrar", "class", "command", "code"
        )
        self._duration = histogram(
            "command_seconds", "From a command's last octet to its answer", _SECONDS, "registrar", "class"
        )
        self._waiting = histogram(
            "registry_seconds", "Of these, in the registry", _SECONDS, "registrar", "class"
        )
        self._transactions = counter("transactions", "Requests to the registry", "registrar", "outcome")
        self._actions = histogram("transaction_actions", "SRS actions in one request", _ACTIONS)
        self._exchange = histogram("transaction_seconds", "Duration of one request to the registry", _SECONDS)
        self._recoveries = counter("recoveries", "Unknown outcomes of writes that were found out", "outcome")
        self._connections = counter("connections", "Connections accepted")
        self._sessions = counter("sessions", "Sessions that have logged in", "registrar")
        self._refusals = counter("refusals", "Connections and logins refused", "reason")
        self._tls = counter("tls_connections", "Connections that agreed on TLS", "version")
        self._received = counter("received_bytes", "Octets received, inside TLS")
        self._sent = counter("sent_bytes", "Octets sent, inside TLS")
        # a series that begins with its first event would hide that one from whoever looks for a change
        for outcome in OUTCOMES:
            self._recoveries.labels(outcome)
        for reason in REASONS:
            self._refusals.labels(reason)
        # labels() takes a lock and joins texts: what is used for every command is kept
        self._command = cache(self._commands.labels)
        self._times = cache(lambda *labels: (self._duration.labels(*labels), self._waiting.labels(*labels)))

    def accepted(self) -> None:
        self._connections.inc()

    def agreed(self, version: str) -> None:
        self._tls.labels(version).inc()

    def refused(self, reason: str) -> None:
        self._refusals.labels(reason).inc()

    def logged_in(self, registrar: str) -> None:
        self._sessions.labels(registrar).inc()

    def answered(self, registrar: str, done: Answered) -> None:
        kind = class_of(done.command)
        code = "" if done.code is None else str(done.code)
        self._command(registrar, kind, name_of(done.command), code).inc()
        duration, waiting = self._times(registrar, kind)
        duration.observe(done.seconds)
        waiting.observe(done.registry_seconds)

    def exchanged(self, registrar: str, actions: int, seconds: float, *, answered: bool) -> None:
        self._transactions.labels(registrar, "answered" if answered else "failed").inc()
        self._actions.observe(actions)
        self._exchange.observe(seconds)

    def recovered(self, outcome: str) -> None:
        self._recoveries.labels(outcome).inc()

    def transferred(self, received: int, sent: int) -> None:
        self._received.inc(received)
        self._sent.inc(sent)
