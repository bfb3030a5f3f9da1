"""What the status process tells: everything for Prometheus, and a summary for the status page.

Counters and histograms come from the files that the workers write (see ``metrics``), those of dead ones
included; what there is at the moment, from the table that they share.
"""

from __future__ import annotations

import os
import platform
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from srs_epp import __version__
from srs_epp.commands.mapping import registrar_name
from srs_epp.config import Config
from srs_epp.daemon import tls
from srs_epp.daemon.readiness import Readiness
from srs_epp.daemon.records import STATE_NAMES
from srs_epp.daemon.table import Row, Table
from srs_epp.session.states import State

SESSIONS_SHOWN = 200  # connections in the summary, those at work and the newest; there may be thousands
REGISTRARS_SHOWN = 200  # those with most sessions and commands
SUMMARY_AGE = 1.0  # seconds for which a summary serves whoever asks: they may be many
_ATTEMPTS, _MOMENT = 5, 0.01  # how often, and after how many seconds, files are read again
_CERTIFICATES_AGE = 60.0  # seconds for which files are not read again; a CRL can be large

_IDLE = STATE_NAMES.index(str(State.WAITING_FOR_COMMAND))

Families: TypeAlias = dict[str, list[Any]]
"""The samples of each metric, by its name."""


class Figures:
    """Reads the table and the metrics' folder when it is asked. Any thread may call anything."""

    def __init__(self, config: Config, table: Table, readiness: Readiness) -> None:
        """ValueError where there is no folder of metrics."""
        from prometheus_client import CollectorRegistry, multiprocess

        self._config = config
        self._table = table
        self._readiness = readiness
        self._started = _started(os.getppid())
        self._certificates = _Certificates()
        files: Any = multiprocess.MultiProcessCollector
        self._counted = _Collector(partial(_counted, files(None)))
        self._everything = CollectorRegistry()
        self._everything.register(self._counted)
        self._everything.register(_Collector(self.gauges))
        # one at a time: it takes a processor, and each of those who ask has a thread
        self._guard = threading.Lock()
        self._summary: tuple[float, dict[str, Any]] | None = None

    def use(self, config: Config) -> None:
        """Tell what is so by this Config, from now on."""
        self._config = config

    # -- for Prometheus

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All metrics, in the format that the Accept header asks for, and its media type."""
        from prometheus_client.exposition import choose_encoder

        encode, media_type = choose_encoder(accept)
        with self._guard:
            return encode(self._everything), media_type

    def gauges(self) -> Iterator[Any]:
        """The metrics of what there is at the moment."""
        from prometheus_client.core import GaugeMetricFamily

        def gauge(name: str, text: str, value: float | None = None, labels: tuple[str, ...] = ()) -> Any:
            return GaugeMetricFamily(f"eppd_{name}", text, value=value, labels=labels or None)

        rows = self._table.rows()
        yield gauge("open_connections", "Connections at the moment", len(rows))
        yield gauge("max_connections", "How many there may be", self._config.max_connections)
        sessions = gauge("open_sessions", "Sessions logged in at the moment", labels=("registrar",))
        for registrar, count in sorted(_sessions(rows).items()):
            sessions.add_metric([registrar], count)
        yield sessions
        states = gauge("open_connections_by_state", "The same, by RFC 5730's state", labels=("state",))
        counts = _states(rows)
        for state in dict.fromkeys(STATE_NAMES):
            states.add_metric([state], counts[state])
        yield states
        yield gauge("workers", "Worker processes, draining ones included", len(_workers(rows)))
        yield gauge("ready", "1 where /readyz says so, else 0", float(self._readiness.fault is None))
        yield gauge(
            "registry_silence_seconds", "Since the registry's last answer to anybody", self._readiness.silence
        )
        expiry = gauge(
            "certificate_expiry_timestamp_seconds",
            "When the first certificate or CRL of a file expires, in seconds since 1970",
            labels=("certificate",),
        )
        for kind, moment in self._certificates.expiry(self._config).items():
            expiry.add_metric([kind], moment)
        yield expiry
        yield gauge("start_time_seconds", "When eppd started, in seconds since 1970", self._started)
        build = gauge("build_info", "1, of this version", labels=("version", "python"))
        build.add_metric([__version__, platform.python_version()], 1)
        yield build

    # -- for the page

    def summary(self) -> dict[str, Any]:
        """What the status page shows, fit for JSON; at most SUMMARY_AGE old."""
        with self._guard:
            now = time.monotonic()
            if self._summary is None or now - self._summary[0] > SUMMARY_AGE:
                self._summary = now, self._summarise()
            # whether it is ready must not be old
            fault = self._readiness.fault
            return {"ready": fault is None, "reason": fault, **self._summary[1]}

    def _summarise(self) -> dict[str, Any]:
        rows = self._table.rows()
        samples: Families = {metric.name: metric.samples for metric in self._counted.collect()}
        shown = sorted(rows, key=lambda row: (row.state == _IDLE, -row.started))[:SESSIONS_SHOWN]
        shown.sort(key=lambda row: row.started, reverse=True)
        registrars = _registrars(rows, samples)
        outcomes = _by(samples, "eppd_transactions", "outcome")
        return {
            "server": self._config.server_name,
            "version": __version__,
            "time": _iso(time.time()),
            "started": _iso(self._started),
            "uptime": round(time.time() - self._started, 3),
            "totals": {
                "open_connections": len(rows),
                "max_connections": self._config.max_connections,
                "open_sessions": sum(row.registrar is not None for row in rows),
                "connections": _sum(samples, "eppd_connections"),
                "sessions": _sum(samples, "eppd_sessions"),
                "commands": _sum(samples, "eppd_commands"),
                "command_seconds": _sum(samples, "eppd_command_seconds", "_sum"),
                "refusals": _sum(samples, "eppd_refusals"),
                "received_bytes": _sum(samples, "eppd_received_bytes"),
                "sent_bytes": _sum(samples, "eppd_sent_bytes"),
            },
            "registry": {
                "silence": round(self._readiness.silence, 3),
                "answered": outcomes["answered"],
                "failed": outcomes["failed"],
                "transactions": _sum(samples, "eppd_transaction_seconds", "_count"),
                "transaction_seconds": _sum(samples, "eppd_transaction_seconds", "_sum"),
            },
            "results": dict(sorted(_by(samples, "eppd_commands", "code").items())),
            # reasons that there were; + takes those with nothing away
            "refusals": dict((+_by(samples, "eppd_refusals", "reason")).most_common()),
            "states": dict(_states(rows).most_common()),
            "certificates": {
                kind: _iso(moment) for kind, moment in self._certificates.expiry(self._config).items()
            },
            "workers": _workers(rows),
            "registrars": registrars[:REGISTRARS_SHOWN],
            "registrars_shown": min(len(registrars), REGISTRARS_SHOWN),
            "registrars_known": len(registrars),
            "sessions": [_session(row) for row in shown],
            "sessions_shown": len(shown),
        }


class _Collector:
    """What prometheus-client understands by that."""

    def __init__(self, collect: Callable[[], Iterable[Any]]) -> None:
        self.collect = collect


def _counted(files: Any) -> list[Any]:
    """What the workers have counted, those that are gone included."""
    for _ in range(_ATTEMPTS):
        with suppress(struct.error):
            return list(files.collect())
        time.sleep(_MOMENT)  # a worker has just made a file, which is still empty
    return list(files.collect())


class _Certificates:
    """When certificates expire, as the files said a little while ago."""

    def __init__(self) -> None:
        self._read: tuple[float, Config, dict[str, float]] | None = None

    def expiry(self, config: Config) -> dict[str, float]:
        now = time.monotonic()
        if self._read is None or self._read[1] is not config or now - self._read[0] > _CERTIFICATES_AGE:
            self._read = now, config, tls.expiry(config)
        return self._read[2]


def _sessions(rows: list[Row]) -> Counter[str]:
    return Counter(registrar_name(row.registrar) for row in rows if row.registrar is not None)


def _states(rows: list[Row]) -> Counter[str]:
    return Counter(STATE_NAMES[row.state] for row in rows)


def _session(row: Row) -> dict[str, Any]:
    return {
        "connection": row.connection,
        "peer": row.peer,
        "registrar": None if row.registrar is None else registrar_name(row.registrar),
        "state": STATE_NAMES[row.state],
        "since": _iso(row.started),
        "last_command": _iso(row.last) if row.commands else None,
        "commands": row.commands,
        "tls": row.tls or None,
        "worker": row.owner,
    }


def _registrars(rows: list[Row], samples: Families) -> list[dict[str, Any]]:
    """Those who are here, and those who were; who does most comes first."""
    here, done = _sessions(rows), _by(samples, "eppd_commands", "registrar")
    names = sorted((here.keys() | done.keys()) - {""}, key=lambda name: (-here[name], -done[name], name))
    return [{"registrar": name, "sessions": here[name], "commands": done[name]} for name in names]


def _workers(rows: list[Row]) -> list[dict[str, Any]]:
    """Each worker of our master, and of masters before it that still has connections."""
    connections = Counter(row.owner for row in rows)
    numbers: dict[int, int | None] = dict.fromkeys(connections)
    master = os.getppid()
    for entry in Path("/proc").glob("[0-9]*"):
        name, fields = _stat(int(entry.name))
        # as names.name_process has called it
        kind, _, number = name.rpartition(" ")
        if fields and int(fields[1]) == master and fields[0] != "Z" and kind == "eppd worker":
            numbers[int(entry.name)] = int(number)
    return [
        {"pid": pid, "number": number, "connections": connections[pid]}
        for pid, number in sorted(numbers.items())
    ]


def _started(pid: int) -> float:
    """When the process started, in seconds since 1970."""
    _, fields = _stat(pid)
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.time() - now + (int(fields[19]) / os.sysconf("SC_CLK_TCK") if fields else now)


def _stat(pid: int) -> tuple[str, list[str]]:
    """The process's name and the fields after it in /proc/PID/stat (proc(5)); nothing where it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return "", []
    before, _, after = text.rpartition(")")
    return before.partition("(")[2], after.split()


def _sum(samples: Families, name: str, suffix: str = "_total") -> float:
    """Over all labels."""
    total: float = _whole(sum(one.value for one in samples.get(name, ()) if one.name == name + suffix))
    return total


def _by(samples: Families, name: str, label: str) -> Counter[str]:
    """A counter's sums by one of its labels."""
    sums: Counter[str] = Counter()
    for one in samples.get(name, ()):
        sums[one.labels[label]] += _whole(one.value)
    return sums


def _whole(value: float) -> Any:
    """An int where it is one, which JSON writes without a point."""
    return int(value) if value == int(value) else value


def _iso(moment: float) -> str:
    """RFC 3339, UTC, milliseconds."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
