"""A long time of mixed load with trouble: ``python3 -m tests.reliability.soak --minutes 30``.

Clients come, work and go in every way; eppd is reloaded, handed over, and loses workers; the registry fails,
lies, stops and goes away. Every few seconds it is written down what the processes hold. The hand-overs are in
the first eighth, so that what comes after them is one generation of processes that grows old: the second half
of the time is judged, which begins when they have had some ten thousand commands. ``samples.csv``,
``summary.json`` and ``soak.svg`` go to the folder ``--out``; the exit code is 1 where something was lost or
grew.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import itertools
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import proc
from srs_epp.srs.openpgp import SigningKey
from tests.end_to_end import fault_proxy
from tests.end_to_end.conftest import registrars
from tests.end_to_end.daemon import Daemon, Launch, comm, wait_until_gone
from tests.end_to_end.fault_proxy import QUERY, WRITE, FaultProxy
from tests.end_to_end.process import Sandbox
from tests.end_to_end.test_hostile import registry_of
from tests.reliability import readings
from tests.reliability.chart import Chart, Mark, Panel
from tests.reliability.clients import Clients
from tests.reliability.readings import Reading, Size
from tests.reliability.service import RULE, seconds_until_served
from tests.reliability.trend import Point, Trend, trend

CLIENTS, PAUSE = 10, 0.2  # and seconds between two batches of one of them, on average
RELOADS, KILLS, OUTAGES = 1.0, 4.0, 2.0  # minutes from one to the next; of workers, one alone is killed
HAND_OVERS = (0.03, 0.06, 0.09, 0.12)  # parts of the time, in a long one
OUTAGE = 3.0  # seconds
AFTER_KILL = 3.0  # seconds in which connections may be cut after a kill
LASTING = ("master", "worker 2", "status", "registry")
"""Processes that live from the last hand-over to the end."""
# the third of each group makes all clients come again, in a crowd
OUTAGES_IN_ORDER = (
    *("refuses", "closed", "wrongly signed", "silent", "stopped", "unsigned"),
    *("reset", "half answered", "not XML", "failed"),
)
LEAST_RISE = 256.0  # KiB that are no growth, whatever the level
# KiB that Sequoia keeps of each that it has found good: 55 octets in a bare loop, 60 to 67 in the registry
SIGNATURE = 64 / 1024
WARM, YOUNG = 20.0, 60.0  # seconds of a worker's life: from then on, and up to then, levels are compared


Held = dict[str, dict[str, int]]
"""By role: how many threads, and how many descriptors of each kind."""


@dataclass(slots=True)
class Run:
    """What has been seen."""

    minutes: float
    began: float = field(default_factory=time.monotonic)
    readings: list[Reading] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    recoveries: dict[str, list[float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def now(self) -> float:
        return time.monotonic() - self.began

    def mark(self, kind: str) -> None:
        self.marks.append(Mark(self.now, kind))


class Soak:
    """A sandbox's registry, a proxy that makes faults, eppd with two workers, and clients."""

    def __init__(self, folder: Path, minutes: float, stack: ExitStack) -> None:
        self.run = Run(minutes)
        self.sandbox = Sandbox(folder / "sandbox", *registrars())
        stack.callback(self.sandbox.kill_all)
        self.registry = registry_of(self.sandbox)
        self.database = self.sandbox.data / "registry.sqlite"
        key = SigningKey.from_file(self.sandbox.data / "registry.key")
        self.proxy = stack.enter_context(FaultProxy(str(self.sandbox.facts["registry"]), key))
        self.audit = folder / "audit.log"
        self.daemon = Daemon(
            folder / "eppd",
            self.sandbox,
            # where somebody's environment wants traces, Sequoia reads 30 MiB of symbols for them
            Launch({"RUST_BACKTRACE": "0"}),
            workers="2",
            backend=self.proxy.url,
            backend_timeout="5",
            recovery_timeout="5",
            registry_timeout="5",
            drain_timeout="30",
            max_sessions_per_registrar="1000",
            metrics="127.0.0.1:0",
            pidfile=str(folder / "eppd.pid"),
            audit_log=str(self.audit),
        )
        stack.callback(self.daemon.kill_all)
        self.clients = Clients(self.daemon, CLIENTS, pause=PAUSE)
        self.kills: list[float] = []
        self._sampled = threading.Event()
        self._births: dict[int, float] = {}
        self._audited = 0

    # -- readings

    @contextmanager
    def sampling(self, interval: float) -> Iterator[None]:
        thread = threading.Thread(target=self._sample_every, args=(interval,))
        thread.start()
        try:
            yield
        finally:
            self._sampled.set()
            thread.join()

    def _sample_every(self, interval: float) -> None:
        while not self._sampled.wait(interval):
            self.sample()

    def sample(self) -> None:
        run = self.run
        for pid in [*readings.processes_of(self.daemon), self.registry]:
            try:
                role = "registry" if pid == self.registry else readings.role_of(pid)
                memory = readings.memory_of(pid)
                held = readings.threads_of(pid), readings.descriptors_of(pid)
            except (OSError, KeyError):  # it has just ended
                continue
            born = self._births.setdefault(pid, run.now)
            run.readings.append(Reading(run.now, role, pid, born, *memory, *held))
        octets = sum(path.stat().st_size for path in self.database.parent.glob("registry.sqlite*"))
        with self.audit.open("rb") as file:
            file.seek(self._audited)
            new = file.read()
        self._audited += len(new)
        lines, of_worker_2 = new.count(b"\n"), new.count(b'"worker": 2,')
        with self.proxy._lock:  # what it keeps for tests that look at single requests
            reached = len(self.proxy.reached)
            for kept in (self.proxy.requests, self.proxy.reached, self.proxy.responses):
                kept.clear()
        last = run.sizes[-1] if run.sizes else Size(0.0, 0, 0, 0)
        requests, of_2 = last.requests
        run.sizes.append(
            Size(
                run.now,
                octets,
                readings.actions_in(self.database),
                last.lines + lines,
                (requests + reached, of_2 + reached * of_worker_2 / max(1, lines)),
            )
        )

    def held(self) -> Held:
        """Threads and descriptors of each process; without connections to the registry, which are kept.

        Nor do log files of before a reload count, which go when the garbage collector comes by.
        """
        found: Held = {}
        for pid in readings.processes_of(self.daemon):
            held = readings.held_by(pid, self.proxy.port, str(self.audit))
            found[readings.role_of(pid)] = {"threads": readings.threads_of(pid), **dict(sorted(held.items()))}
        return found

    # -- trouble

    def schedule(self) -> list[tuple[float, Callable[[], None]]]:
        """What happens when, in seconds; each at least twice, but for the hand-over."""

        def spread(every: float, phase: float) -> list[float]:
            count = max(2, int(self.run.minutes / every))
            return [length * (one + phase) / count for one in range(count)]

        length = self.run.minutes * 60
        due: list[tuple[float, Callable[[], None]]] = []
        due += [(moment, self.reload) for moment in spread(RELOADS, 0.5)]
        due += [(moment, self.kill) for moment in spread(KILLS, 0.35)]
        due += [(moment, self._outage(count)) for count, moment in enumerate(spread(OUTAGES, 0.8))]
        hand_overs = HAND_OVERS if self.run.minutes >= 5 else HAND_OVERS[-1:]
        due += [(length * part, self.hand_over) for part in hand_overs]
        return sorted(due, key=lambda one: one[0])

    def reload(self) -> None:
        self.run.mark("reload")
        self.daemon.reload()

    def hand_over(self) -> None:
        self.run.mark("hand-over")
        wait_until_gone(self.daemon.hand_over())
        self.serve_again("hand-over")

    def kill(self) -> None:
        [victim] = [pid for pid in self.daemon.workers() if comm(pid) == "eppd worker 1"]
        self.run.mark("kill")
        self.kills.append(time.monotonic())
        os.kill(victim, signal.SIGKILL)
        self.serve_again("kill")
        deadline = time.monotonic() + RULE
        while len(self.daemon.workers()) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)

    def _outage(self, number: int) -> Callable[[], None]:
        on_requests = {
            "closed": fault_proxy.closed,
            "reset": fault_proxy.reset,
            "failed": fault_proxy.failed,
            "silent": fault_proxy.silent,
            "half answered": fault_proxy.half_answered,
            "wrongly signed": fault_proxy.wrongly_signed,
            "unsigned": fault_proxy.unsigned,
            "not XML": fault_proxy.not_xml,
        }
        name = OUTAGES_IN_ORDER[number % len(OUTAGES_IN_ORDER)]

        def happen() -> None:
            self.run.mark("registry outage")
            if name == "refuses":
                self.proxy.refuse()
            elif name == "stopped":
                os.kill(self.registry, signal.SIGSTOP)
            else:
                for kind in (QUERY, WRITE):
                    self.proxy.always(kind, on_requests[name])
            time.sleep(OUTAGE)
            if name == "stopped":
                os.kill(self.registry, signal.SIGCONT)
            self.proxy.be_well()
            self.serve_again(f"registry {name}")

        return happen

    def serve_again(self, after: str) -> None:
        """Wait until a new session gets an answer of the registry; how long that took."""
        seconds = seconds_until_served(self.daemon)
        if seconds is None:
            self.run.faults.append(f"not served within {RULE:.0f} s after {after}")
        else:
            self.run.recoveries.setdefault(after, []).append(seconds)

    # -- all of it

    def go(self, interval: float) -> dict[str, object]:
        self.serve_again("start")
        before = self.idle()
        cpu = {name: proc.cpu_seconds(pids) for name, pids in self._parts().items()}
        self.run.began = time.monotonic()
        with self.sampling(interval):
            self.clients.start()
            try:
                for moment, happen in self.schedule():
                    time.sleep(max(0.0, moment - self.run.now))
                    happen()
                time.sleep(max(0.0, self.run.minutes * 60 - self.run.now))
            finally:
                self.clients.stop()
        elapsed = self.run.now
        after = self.idle(before)
        spent = {name: proc.cpu_seconds(pids) - cpu[name] for name, pids in self._parts().items()}
        return self.verdict(before, after) | {
            "processors": {
                name: round(seconds / elapsed, 3) for name, seconds in spent.items() if name != "eppd"
            }
        }

    def _parts(self) -> dict[str, list[int]]:
        return {"registry": [self.registry], "clients": [os.getpid()]}

    def idle(self, wanted: Held | None = None) -> Held:
        """What is held without clients; waits until it is what it is to be, or stays what it is."""
        deadline = time.monotonic() + 3 * RULE
        held = self.held()
        while time.monotonic() < deadline:
            time.sleep(1.0)
            before, held = held, self.held()
            if held == wanted or (wanted is None and held == before and "worker 2" in held):
                break
        return held

    def verdict(self, before: Held, after: Held) -> dict[str, object]:
        clients, run = self.clients, self.run
        crossed = [cut for cut in clients.cuts if not self._by_a_kill(cut.moment)]
        counted = sum(clients.told.values()) + clients.unanswered + clients.abandoned + clients.behind_goodbye
        audited = Counter(trids_in(self.audit))
        faults = [
            *run.faults,
            *clients.wrong,
            *(f"read, and not answered: {one}" for cut in crossed for one in cut.trids if audited[str(one)]),
            *(f"lost: {name}" for name in clients.missing()),
            *(
                f"answered, {audited[one]} times in the audit log: {one}"
                for one in clients.answered
                if audited[one] != 1
            ),
        ]
        if counted != clients.sent:
            faults.append(f"{clients.sent} commands sent, {counted} accounted for")
        for role in before:
            if after.get(role) != before[role]:
                faults.append(f"{role} held {before[role]} at the beginning, {after.get(role)} at the end")
        if not readings.is_sound(self.database):
            faults.append("the registry's database is damaged")
        if "Traceback" in self.daemon.log:
            faults.append("a traceback in the log")
        return {
            "minutes": run.minutes,
            "commands": clients.sent,
            "codes": {str(code): count for code, count in sorted(clients.told.items())},
            "sessions": clients.sessions,
            "unanswered at kills": clients.unanswered - sum(len(cut.trids) for cut in crossed),
            "crossed a close, not read": sum(len(cut.trids) for cut in crossed),
            "sessions ended while idle": clients.left_idle,
            "abandoned by clients": clients.abandoned,
            "behind a goodbye": clients.behind_goodbye,
            "refused connections": clients.unconnected,
            "acknowledged and there": len(clients.made),
            "audit log lines": run.sizes[-1].lines,
            "reloads": self.daemon.reloads(),
            "events": dict(Counter(mark.kind for mark in run.marks)),
            "seconds until served again": {name: max(all_) for name, all_ in run.recoveries.items()},
            "threads and descriptors": {"before": before, "after": after},
            "faults": faults,
        }

    def _by_a_kill(self, moment: float) -> bool:
        return any(0 <= moment - kill <= AFTER_KILL for kill in self.kills)


def trids_in(audit: Path) -> Iterator[str]:
    """The clTRIDs of commands and logins in the audit log."""
    with audit.open() as lines:
        for line in lines:
            row = json.loads(line)
            if row["event"] in ("command", "login") and row["clTRID"]:
                yield row["clTRID"]


# -- what is made of it


def judged(run: Run, role: str) -> list[Point]:
    """(seconds, KiB) that can be compared, without what Sequoia keeps of signatures.

    Of who lives on after the last hand-over, the second half of the time; of worker 1, which is killed again
    and again, all that have the same age.
    """
    warm = min(WARM, run.minutes * 4)
    return [
        (one.time, one.anonymous - SIGNATURE * verified(run, role, one.time))
        for one in run.readings
        if one.role == role
        and one.time - one.born >= warm
        and (one.time - one.born <= YOUNG if role == "worker 1" else one.time >= run.minutes * 30)
    ]


def verified(run: Run, role: str, moment: float) -> float:
    """How many signatures the registry, or worker 2, had found good by then."""
    known = next((size.requests for size in run.sizes if size.time >= moment), (0.0, 0.0))
    return {"registry": known[0], "worker 2": known[1]}.get(role, 0.0)


def memory(run: Run) -> dict[str, Trend]:
    """How that of each role went."""
    return {role: trend(judged(run, role)) for role in (*LASTING, "worker 1")}


def growth(run: Run, most: float) -> list[str]:
    """Which roles have grown by more than the part ``most`` of their level."""
    return [
        f"{role} grew by {one.rise:.0f} KiB in {one.minutes:.1f} min, at {one.level:.0f} KiB"
        for role, one in memory(run).items()
        if not one.within(most, LEAST_RISE)
    ]


def octets_per_action(run: Run) -> dict[str, float]:
    """Of the database, in each quarter of the time."""
    quarters = [run.sizes[len(run.sizes) * part // 4] for part in range(4)] + [run.sizes[-1]]
    return {
        f"quarter {number}": round((later.octets - one.octets) / max(1, later.actions - one.actions))
        for number, (one, later) in enumerate(itertools.pairwise(quarters), 1)
    }


def chart(run: Run) -> str:
    def lines(of: Callable[[Reading], float], roles: tuple[str, ...]) -> dict[str, list[list[Point]]]:
        found: dict[str, list[list[Point]]] = {}
        for role in roles:
            lives: dict[int, list[Point]] = {}
            for one in run.readings:
                if one.role == role:
                    lives.setdefault(one.pid, []).append((one.time, of(one)))
            found[role] = list(lives.values())
        return found

    eppd, roles = (
        ("master", "worker 1", "worker 2", "status"),
        ("master", "worker 1", "worker 2", "status", "registry"),
    )
    actions = [[(size.time, float(size.actions)) for size in run.sizes]]
    octets = [[(size.time, size.octets / 1024) for size in run.sizes]]
    audit = [[(size.time, float(size.lines)) for size in run.sizes]]
    panels = [
        Panel(
            "memory that is no file's, MiB; a line for each process",
            lines(lambda one: one.anonymous / 1024, roles),
        ),
        Panel("threads", lines(lambda one: one.threads, roles)),
        Panel("descriptors", lines(lambda one: one.descriptors, eppd)),
        Panel("the registry's database, KiB", {"size": octets}),
        Panel("rows", {"writes kept": actions, "audit log": audit}),
    ]
    return Chart(
        "eppd under mixed load, with reloads, hand-overs, kills and outages", run.minutes, panels, run.marks
    ).svg()


def write(run: Run, summary: dict[str, object], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with (out / "samples.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([one.name for one in dataclasses.fields(Reading)])
        table.writerows(
            [f"{value:.1f}" if isinstance(value, float) else value for value in dataclasses.astuple(one)]
            for one in run.readings
        )
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    (out / "soak.svg").write_text(chart(run))


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Hours of trouble, in a time of your choice.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--interval", type=float, default=5.0, help="seconds between two samples")
    parser.add_argument("--most-growth", type=float, default=0.03, help="part of a process's memory")
    parser.add_argument("--out", type=Path, default=Path("docs/reliability"))
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="eppd-soak-") as folder, ExitStack() as stack:
        soak = Soak(Path(folder), given.minutes, stack)
        summary = soak.go(given.interval)
        faults = [*summary.pop("faults"), *growth(soak.run, given.most_growth)]  # type: ignore[misc]
        summary["memory"] = {
            role: {
                "KiB": round(one.level),
                "KiB per minute": round(one.per_minute, 2),
                "minutes": round(one.minutes, 2),
            }
            for role, one in memory(soak.run).items()
        }
        summary["octets per write"] = octets_per_action(soak.run)
        summary["faults"] = faults
        write(soak.run, summary, given.out)
        if soak.daemon.stop() != 0:
            faults.append("the first master's exit code is not 0")
    print(json.dumps(summary, indent=2))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
