"""What becomes of the service when a process dies, a disk is full, a clock jumps, or resources run out.

The rule: it serves again by itself within ten seconds, or ends with a clear message; nothing that was
acknowledged is lost; nothing hangs.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.end_to_end.client import Client, check
from tests.end_to_end.conftest import registrars
from tests.end_to_end.daemon import Daemon, Launch, alive, wait_until_gone
from tests.end_to_end.process import PATIENCE, TOP, Sandbox
from tests.end_to_end.test_hostile import registry_of
from tests.end_to_end.test_session import contact_create
from tests.end_to_end.test_workers import stopped
from tests.reliability import readings
from tests.reliability.clients import Clients
from tests.reliability.service import RULE, seconds_until_served, serves

CLIENTS = 6
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)

Make = Callable[..., Daemon]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox whose registry no test here harms."""
    running = Sandbox(tmp_path_factory.mktemp("registry"), *registrars())
    yield running
    running.kill_all()


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Start eppd with two workers in front of a sandbox's registry; what is left of it ends with the test."""
    started: list[Daemon] = []

    def make_one(sandbox: Sandbox, launch: Launch | None = None, **options: str) -> Daemon:
        options = {"workers": "2", "max_sessions_per_registrar": "100", "drain_timeout": "10", **options}
        started.append(Daemon(tmp_path / f"eppd-{len(started)}", sandbox, launch, **options))
        return started[-1]

    yield make_one
    for one in started:
        one.kill_all()
        for pid in readings.processes_of(one):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def at_work(daemon: Daemon, *, allowed: str = "^$") -> Iterator[Clients]:
    """Clients that work in the block; after it, that each saw only what it may see, and nothing is lost.

    ``allowed``: a pattern of what it may see beside.
    """
    clients = Clients(daemon, CLIENTS)
    clients.start()
    try:
        wait_until(lambda: len(clients.made) > CLIENTS, "the clients do not come to work")
        yield clients
    finally:
        clients.stop()
    assert [one for one in clients.wrong if not re.search(allowed, one)] == []
    assert clients.missing() == []


def wait_until(true: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def wait_until_told(clients: Clients, code: int, times: int) -> None:
    """Wait until clients were answered by that code so many times more."""
    before = clients.told[code]
    wait_until(lambda: clients.told[code] >= before + times, f"nobody is told {code}")


def wait_until_replaced(daemon: Daemon, gone: Sequence[int]) -> None:
    """Wait until there are two workers, and none of these."""
    wait_until(
        lambda: len(daemon.workers()) == 2 and not set(daemon.workers()) & set(gone), "no new workers", RULE
    )


def go_on(clients: Clients) -> None:
    """Wait until each kind of work goes well again."""
    made, told = len(clients.made), clients.told[1000]
    wait_until(lambda: len(clients.made) > made and clients.told[1000] > told + 20, "work does not go on")


def assert_served_by_the_rule(daemon: Daemon) -> None:
    assert seconds_until_served(daemon) is not None, daemon.log[-3000:]


# -- processes that are killed


def test_workers_that_are_killed_at_once_are_replaced(registry: Sandbox, make: Make) -> None:
    daemon = make(registry)
    with at_work(daemon) as clients:
        for _ in range(2):
            killed = daemon.workers()
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
            assert_served_by_the_rule(daemon)
            wait_until_replaced(daemon, killed)
            go_on(clients)
    assert daemon.stop() == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def test_what_a_killed_master_leaves_is_in_nobodys_way(registry: Sandbox, make: Make, tmp_path: Path) -> None:
    temporary, pidfile = tmp_path / "tmp", tmp_path / "eppd.pid"
    temporary.mkdir()
    options = {
        "listen": f"[127.0.0.1:{free_port()}]",
        "metrics": f"127.0.0.1:{free_port()}",
        "pidfile": str(pidfile),
        "audit_log": str(tmp_path / "audit.log"),
    }
    launch = Launch({"TMPDIR": str(temporary)})
    first = make(registry, launch, **options)
    with at_work(first) as clients:
        others = [pid for pid in readings.processes_of(first) if pid != first.master]
        os.kill(first.master, signal.SIGKILL)
        for pid in others:
            wait_until_gone(pid)
        [left] = temporary.iterdir()

        second = make(registry, launch, **options)

        assert_served_by_the_rule(second)
        go_on(clients)
    assert pidfile.read_text() == f"{second.master}\n"
    assert len(list(temporary.iterdir())) == 1
    assert not left.exists()
    assert second.stop() == 0
    assert not pidfile.exists()
    assert list(temporary.iterdir()) == []


def test_a_start_removes_no_numbers_of_one_that_runs(registry: Sandbox, make: Make, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    launch = Launch({"TMPDIR": str(temporary)})
    first = make(registry, launch, metrics="127.0.0.1:0")
    wait_until_gone(first.hand_over())
    [numbers] = temporary.iterdir()

    second = make(registry, launch, metrics="127.0.0.1:0")

    assert numbers.exists()
    assert len(list(temporary.iterdir())) == 2
    assert [second.stop(), first.stop()] == [0, 0]
    assert list(temporary.iterdir()) == []


def test_a_killed_registry_that_comes_back_has_lost_nothing(tmp_path: Path, make: Make) -> None:
    where = ("--registry-listen", f"127.0.0.1:{free_port()}")
    first = Sandbox(tmp_path / "sandbox", *registrars(), *where)
    try:
        daemon = make(first, backend_timeout="3", recovery_timeout="3")
        with at_work(daemon) as clients:
            for _ in range(2):
                os.kill(registry_of(first), signal.SIGKILL)
                first.wait()  # a sandbox ends with its registry
                assert readings.is_sound(first.data / "registry.sqlite")
                wait_until_told(clients, 2400, 1)
                first = Sandbox(tmp_path / "sandbox", *registrars(), *where)
                assert_served_by_the_rule(daemon)
                go_on(clients)
        assert readings.is_sound(first.data / "registry.sqlite")
        assert daemon.stop() == 0
    finally:
        first.kill_all()


# -- disks that are full


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of four MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "eppd-test", str(folder)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    # whoever still has a file open there does not keep it
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Nothing more can be written there in the block."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 16, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    try:
        yield
    finally:
        filler.unlink()


def test_a_full_disk_of_the_registry_loses_nothing_acknowledged(disk: Path, make: Make) -> None:
    sandbox = Sandbox(disk / "sandbox", *registrars())
    try:
        daemon = make(sandbox, backend_timeout="5", recovery_timeout="2")
        with at_work(daemon) as clients:
            with full(disk):
                told = clients.told[2400] + clients.told[2500]
                wait_until(lambda: clients.told[2400] + clients.told[2500] > told + 5, "nothing is refused")
                with Client(daemon) as client:
                    client.log_in(daemon.registrar(100))
                    assert client.ask(check("still.nz")).code == 1000
                    assert client.ask(contact_create("no-room")).code in (2400, 2500)
            assert_served_by_the_rule(daemon)
            go_on(clients)
        assert readings.is_sound(sandbox.data / "registry.sqlite")
        assert daemon.stop() == 0
    finally:
        sandbox.kill_all()


def test_a_full_disk_of_logs_stops_no_command_and_damages_no_line(
    registry: Sandbox, make: Make, disk: Path
) -> None:
    audit, log = disk / "audit.log", disk / "eppd.log"
    daemon = make(registry, audit_log=str(audit), log_target=str(log), log_format="json")
    with at_work(daemon) as clients:
        for _ in range(3):
            with full(disk):
                wait_until_told(clients, 1000, 50)
            go_on(clients)
    assert daemon.stop() == 0
    for path in (audit, log):
        lines = path.read_bytes().splitlines()
        assert len(lines) > CLIENTS
        assert [line for line in lines if not is_json(line)] == [], path


def is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


# -- a clock that jumps


@pytest.mark.skipif(FAKETIME is None, reason="libfaketime is not here (Debian: faketime)")
def test_a_wall_clock_that_jumps_ends_nothing_and_keeps_nothing_waiting(tmp_path: Path, make: Make) -> None:
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    fake = {
        "LD_PRELOAD": str(FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    sandbox = Sandbox(tmp_path / "sandbox", *registrars(), environment=fake)
    try:
        daemon = make(sandbox, Launch(fake), idle_timeout="60", login_timeout="3")
        # what was signed before a jump back is of the future
        future = ": 2200 The signature is not one of this registrar"
        with at_work(daemon, allowed=future) as clients, Client(daemon) as idle:
            idle.log_in(daemon.registrar(100))
            for jump in ("+3h", "+0", "+3d"):
                clock.write_text(f"{jump}\n")
                assert_served_by_the_rule(daemon)
                go_on(clients)
                assert idle.ask(check("patient.nz")).code == 1000
                began = time.monotonic()
                with Client(daemon) as mute:
                    assert mute.read().is_greeting
                    assert mute.at_end()
                assert 2 <= time.monotonic() - began < PATIENCE
        assert shown(daemon) != []
        assert daemon.stop() == 0
    finally:
        sandbox.kill_all()


def shown(daemon: Daemon) -> list[str]:
    """Lines of the log from three days after today: that the clock did jump."""
    then = time.strftime("%Y-%m-%d", time.localtime(time.time() + 3 * 86400))
    return [line for line in daemon.log.splitlines() if line.startswith(then)]


# -- where the system has nothing left


def limit(pid: int, what: int, soft: int) -> tuple[int, int]:
    """Lower a limit of a process that runs; what it was."""
    was = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (soft, was[1]))
    return was


def lowest_free_descriptor(pid: int) -> int:
    held = {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    return next(number for number in range(len(held) + 1) if number not in held)


def test_workers_without_descriptors_keep_their_sessions_and_come_back(registry: Sandbox, make: Make) -> None:
    daemon = make(registry)
    with at_work(daemon) as clients, Client(daemon) as session:
        session.log_in(daemon.registrar(100))
        assert session.ask(check("before.nz")).code == 1000
        limits = {pid: limit(pid, resource.RLIMIT_NOFILE, 10) for pid in daemon.workers()}
        daemon.wait_for_log("can't accept: Too many open files")
        assert session.ask(check("meanwhile.nz")).code in (1000, 2400)
        for pid, was in limits.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, was)
        assert_served_by_the_rule(daemon)
        go_on(clients)
    assert daemon.stop() == 0


def test_a_master_without_descriptors_reloads_hands_over_and_replaces_later(
    registry: Sandbox, make: Make
) -> None:
    daemon = make(registry)
    with at_work(daemon) as clients:
        # one is left: enough to read a file, too few for a pipe
        was = limit(daemon.master, resource.RLIMIT_NOFILE, lowest_free_descriptor(daemon.master) + 1)
        os.kill(daemon.master, signal.SIGHUP)
        daemon.wait_for_log("not reloaded: .*Too many open files")
        os.kill(daemon.master, signal.SIGUSR2)
        daemon.wait_for_log("not handed over: Too many open files")
        # none is left, and the pipe to a worker that has died leaves one
        limit(daemon.master, resource.RLIMIT_NOFILE, lowest_free_descriptor(daemon.master))
        victim, other = daemon.workers()
        os.kill(victim, signal.SIGKILL)
        daemon.wait_for_log("no new process: Too many open files")
        assert daemon.workers() == [other]
        go_on(clients)
        resource.prlimit(daemon.master, resource.RLIMIT_NOFILE, was)
        wait_until(lambda: len(daemon.workers()) == 2, "no new worker", RULE)
        daemon.reload()
        wait_until_gone(daemon.hand_over())
        go_on(clients)
    assert "Traceback" not in daemon.log
    assert daemon.stop() == 0


# a module that Python imports by itself when it starts: eppd's threads fail while a file is there
NO_THREADS = """
import os, threading
start = threading.Thread.start
def fail(thread):
    if os.path.exists({path!r}):
        raise RuntimeError("can't start new thread")
    start(thread)
threading.Thread.start = fail
"""


def with_module(folder: Path, source: str) -> Launch:
    """Start eppd with this as its sitecustomize."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(source)
    return Launch({"PYTHONPATH": str(folder)})


def test_where_no_thread_can_be_started_clients_are_refused_and_later_served(
    registry: Sandbox, make: Make, tmp_path: Path
) -> None:
    sign = tmp_path / "no-threads"
    daemon = make(registry, with_module(tmp_path / "site", NO_THREADS.format(path=str(sign))))
    with at_work(daemon) as clients, Client(daemon) as session:
        session.log_in(daemon.registrar(100))
        sign.touch()
        daemon.wait_for_log("refused: can't start new thread")
        assert not serves(daemon)
        assert session.ask(check("inside.nz")).code == 1000
        victim = daemon.workers()[0]
        os.kill(victim, signal.SIGKILL)
        daemon.wait_for_log(rf"worker \d, pid (?!{victim}\b)\d+, ended \(exit code 1\)")
        sign.unlink()
        wait_until(lambda: len(daemon.workers()) == 2, "no new worker", RULE)
        assert_served_by_the_rule(daemon)
        go_on(clients)
    assert daemon.stop() == 0


def test_a_worker_drains_without_a_thread_to_spare(registry: Sandbox, make: Make, tmp_path: Path) -> None:
    sign = tmp_path / "no-threads"
    launch = with_module(tmp_path / "site", NO_THREADS.format(path=str(sign)))
    daemon = make(registry, launch, listen=f"[127.0.0.1:0, 127.0.0.1:{free_port()}]")
    with Client(daemon) as session:
        session.log_in(daemon.registrar(100))
        sign.touch()
        session.send(check(*[f"drain-{number}.nz" for number in range(50)]))
        os.kill(daemon.master, signal.SIGTERM)

        assert session.read().code == 1000
        assert session.at_end()
    assert daemon.wait() == 0
    assert "Traceback" not in daemon.log


NO_ACCEPTING = """
import os, socketserver
handle = socketserver.BaseServer._handle_request_noblock
def fail(server):
    if type(server).__name__ == "EPPServer" and os.path.exists({path!r}):
        os.unlink({path!r})
        raise MemoryError
    handle(server)
socketserver.BaseServer._handle_request_noblock = fail
"""


def test_a_worker_that_can_accept_no_more_is_replaced(registry: Sandbox, make: Make, tmp_path: Path) -> None:
    sign = tmp_path / "no-accepting"
    launch = with_module(tmp_path / "site", NO_ACCEPTING.format(path=str(sign)))
    daemon = make(registry, launch, workers="1")
    [sick] = daemon.workers()
    with Client(daemon) as session:
        session.log_in(daemon.registrar(100))
        sign.touch()
        session.send(check(*[f"sick-{number}.nz" for number in range(50)]))
        with suppress(OSError):
            Client(daemon).tls.close()
        assert session.read().code == 1000
    assert_served_by_the_rule(daemon)
    wait_until(lambda: daemon.workers() not in ([], [sick]), "the same worker", RULE)
    assert_served_by_the_rule(daemon)
    assert daemon.stop() == 0


def test_a_worker_without_memory_hurts_its_own_clients_alone(registry: Sandbox, make: Make) -> None:
    daemon = make(registry)
    with at_work(daemon, allowed="2400|2500") as clients:
        victim = daemon.workers()[0]
        [size] = re.findall(r"^VmSize:\s+(\d+) kB", Path(f"/proc/{victim}/status").read_text(), re.M)
        was = limit(victim, resource.RLIMIT_AS, int(size) * 1024)
        daemon.wait_for_log("can't start new thread|MemoryError|can't accept: Cannot allocate memory")
        wait_until(lambda: serves(daemon), "nobody serves", RULE)
        if alive(victim):
            resource.prlimit(victim, resource.RLIMIT_AS, was)
        wait_until(lambda: len(daemon.workers()) == 2, "no two workers", RULE)
        for _ in range(10):
            assert_served_by_the_rule(daemon)
        go_on(clients)
    assert daemon.stop() == 0


def test_workers_after_a_hand_over_hold_no_more_than_those_before(registry: Sandbox, make: Make) -> None:
    daemon = make(registry, pidfile="eppd.pid", metrics="127.0.0.1:0")
    port = int(str(registry.facts["registry"]).split(":")[2].split("/")[0])

    def held() -> list[int]:
        return [readings.held_by(pid, port).total() for pid in daemon.workers()]

    before = held()
    wait_until_gone(daemon.hand_over())

    assert held() == before


HANGING = """
import os, socketserver, threading
from srs_epp.daemon import worker
worker.WATCH_INTERVAL, worker.WATCHES, worker.STOPPING = 0.7, 3, 1.0
handle = socketserver.BaseServer._handle_request_noblock
def hang(server):
    if type(server).__name__ == "EPPServer" and os.path.exists({path!r}):
        os.unlink({path!r})
        threading.Event().wait()
    handle(server)
socketserver.BaseServer._handle_request_noblock = hang
"""


def test_a_worker_whose_accepting_hangs_is_replaced(registry: Sandbox, make: Make, tmp_path: Path) -> None:
    sign = tmp_path / "hanging"
    launch = with_module(tmp_path / "site", HANGING.format(path=str(sign)))
    launch.environment["PYTHONPATH"] += f":{TOP}"
    daemon = make(registry, launch, workers="1")
    [sick] = daemon.workers()
    with Client(daemon) as session:
        session.log_in(daemon.registrar(100))
        sign.touch()
        with socket.create_connection((daemon.host, daemon.port)):
            daemon.wait_for_log("a thread that accepts connections hangs")
        assert session.at_end()
    wait_until(lambda: daemon.workers() not in ([], [sick]), "the same worker", RULE)
    assert_served_by_the_rule(daemon)
    assert daemon.stop() == 0


def test_a_worker_that_was_stopped_for_long_is_not_taken_for_one_that_hangs(
    registry: Sandbox, make: Make, tmp_path: Path
) -> None:
    launch = with_module(tmp_path / "site", HANGING.format(path=str(tmp_path / "never")))
    launch.environment["PYTHONPATH"] += f":{TOP}"
    daemon = make(registry, launch, workers="1")
    [worker] = daemon.workers()
    for _ in range(4):
        with stopped(worker):
            time.sleep(1)
        assert_served_by_the_rule(daemon)

    assert daemon.workers() == [worker]
    assert "hangs" not in daemon.log
    assert daemon.stop() == 0
