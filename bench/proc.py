"""What the kernel says of processes: their CPU time, their memory, their children."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time that the processes have had so far, in seconds; to a hundredth each."""
    return sum(_cpu_seconds(pid) for pid in pids)


def _cpu_seconds(pid: int) -> float:
    # the name in parentheses may hold blanks; utime and stime are fields 14 and 15 of proc(5)
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * _TICK


def all_busy_seconds() -> float:
    """CPU time that all processes of this machine, and its hypervisor's others, have had so far."""
    user, nice, system, _idle, _waiting, *interrupts = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + sum(interrupts)) * _TICK


def pss_kib(pids: Iterable[int]) -> int:
    """Memory of the processes in KiB; a page that several processes share counts in parts (PSS)."""
    return sum(_pss_kib(pid) for pid in pids)


def _pss_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise ValueError(f"no Pss of process {pid}")


def family(pid: int) -> list[int]:
    """The process and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:  # it has just ended
            continue
        if state != "Z":
            children.setdefault(int(parent), []).append(int(entry.parent.name))
    found = [pid]
    for one in found:  # grows while it is gone through
        found += children.get(one, [])
    return found
