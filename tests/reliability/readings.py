"""What eppd's processes and its registry hold at a moment: memory, threads, descriptors, rows."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.daemon import Daemon, alive, comm


@dataclass(frozen=True, slots=True)
class Reading:
    """A process at a moment; times in seconds since the beginning, memory in KiB."""

    time: float
    role: str
    pid: int
    born: float
    anonymous: int
    pss: int
    threads: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Size:
    """The registry's database, eppd's audit log, and the requests that have reached the registry by then.

    ``requests``: of all, and of worker 2, by its part of the audit log.
    """

    time: float
    octets: int
    actions: int
    lines: int
    requests: tuple[float, float] = (0.0, 0.0)


def processes_of(daemon: Daemon) -> list[int]:
    """All of it: every master, worker and status process, of whichever generation."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(daemon.file).encode() in words and alive(int(entry.name)):
            found.append(int(entry.name))
    return sorted(found)


def role_of(pid: int) -> str:
    """master, worker 1, status; empty for one that has no name yet."""
    name = comm(pid)
    return name.removeprefix("eppd ") if name.startswith("eppd ") else ""


def memory_of(pid: int) -> tuple[int, int]:
    """KiB of it: what is no file's; and its share of all that it maps (PSS).

    The first has what was inherited as a whole. A page that was shared with whom the process was forked from,
    and is its own once the garbage collector has marked something on it, is no growth: PSS would have it so.
    """
    fields = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, value = line.partition(":")
        fields[name] = int(value.split()[0])
    return fields["Anonymous"], fields["Pss"]


def threads_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def held_by(pid: int, but_to: int, but: str = "") -> Counter[str]:
    """What its descriptors are, without TCP sockets whose other end is that port, and ``but`` that file."""
    kept = _sockets_to(pid, but_to) | {but}
    return Counter(re.sub(r":\[\d+\]|_\d+", "", one) for one in _targets(pid) if one not in kept)


def descriptors_of(pid: int) -> int:
    return len(list(_targets(pid)))


def _targets(pid: int) -> Iterator[str]:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            yield str(entry.readlink())
        except FileNotFoundError:
            continue


def _sockets_to(pid: int, port: int) -> set[str]:
    fields = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{one[9]}]" for one in fields if int(one[2].split(":")[1], 16) == port}


def actions_in(database: Path) -> int:
    """How many writes the registry keeps."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM actions")
    return int(count)


def is_sound(database: Path) -> bool:
    """Whether SQLite finds nothing wrong in it, references between tables included."""
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        whole = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return whole and not connection.execute("PRAGMA foreign_key_check").fetchall()
