"""A worker that has checked many signatures makes room for another, and nobody who is inside is lost."""

from __future__ import annotations

import os
import signal
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import srs_epp
from tests.end_to_end.client import Client, check
from tests.end_to_end.daemon import Daemon, Launch, alive, comm, wait_until_gone
from tests.end_to_end.process import PATIENCE, Sandbox

LEASE = 30  # signatures
WATCH = 0.05  # seconds
SOON = f"""
from srs_epp.daemon import worker
worker.LEASE, worker.WATCH_INTERVAL, worker.RETIRED_INTERVAL = {LEASE}, {WATCH}, {WATCH}
"""
FAILING = """
import os, time
from srs_epp.daemon import master
master.BEGINNING = 1.0
start = worker._Worker.__init__
def fail(*arguments):
    while os.path.exists({path!r}):
        if open({path!r}).read() == "hang":
            time.sleep(0.05)
        else:
            raise RuntimeError("made to fail")
    start(*arguments)
worker._Worker.__init__ = fail
check = master._check
def slow(config):
    while os.path.exists({path!r} + ".check"):
        time.sleep(0.05)
    return check(config)
master._check = slow
"""


FAILED = r"worker 1, pid \d+, ended \(exit code 1\) with 0 connections: another serves"


@pytest.fixture
def sign(tmp_path: Path) -> Path:
    """Where there is a file of this name, no worker can start; one that says "hang" hangs.

    One with ".check" behind its name holds up the look at a new configuration.
    """
    return tmp_path / "fail"


@pytest.fixture
def daemon(tmp_path: Path, sandbox: Sandbox, sign: Path) -> Iterator[Daemon]:
    """With one worker, that soon grows old."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SOON + FAILING.format(path=str(sign)))
    project = Path(srs_epp.__file__).parent.parent
    launch = Launch({"PYTHONPATH": f"{site}{os.pathsep}{project}"})
    daemon = Daemon(tmp_path / "eppd", sandbox, launch, workers="1")
    yield daemon
    daemon.kill_all()


def session(daemon: Daemon) -> Client:
    client = Client(daemon)
    client.log_in(daemon.registrar(100))
    return client


def work(client: Client, commands: int = LEASE) -> None:
    for number in range(commands):
        assert client.ask(check(f"renewal-{number}.nz")).code == 1000


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_for_another(daemon: Daemon, pid: int) -> int:
    """The worker that has taken the place of this one, which is retired by now."""
    daemon.wait_for_log("worker 1 has worked for long: another takes its place")
    wait_until(lambda: "accept" not in threads(pid))
    [another] = [worker for worker in daemon.workers() if worker != pid]
    return another


def threads(pid: int) -> list[str]:
    """The names of its threads."""
    return [path.read_text().strip() for path in Path(f"/proc/{pid}/task").glob("*/comm")]


def session_in(daemon: Daemon, pid: int) -> Client:
    """One that this worker serves."""
    deadline = time.monotonic() + PATIENCE
    while True:
        assert time.monotonic() < deadline
        client = session(daemon)
        wait_until(lambda: any(map(_serves, daemon.workers())))  # they are named now and then
        if _serves(pid):
            return client
        client.tls.close()
        wait_until(lambda: not any(map(_serves, daemon.workers())))


def _serves(pid: int) -> bool:
    return any(name.startswith("100 ") for name in threads(pid))


def test_another_worker_serves_who_comes_and_the_old_one_who_is_inside(daemon: Daemon) -> None:
    [old] = daemon.workers()
    with session(daemon) as inside:
        work(inside)
        new = wait_for_another(daemon, old)
        work(inside, LEASE // 2)
        for _ in range(5):
            with session(daemon) as late:
                work(late, 1)
        assert sorted(daemon.workers()) == sorted([old, new])
    wait_until_gone(old)
    assert daemon.workers() == [new]
    assert daemon.stop() == 0


def test_who_stays_with_the_old_one_for_very_long_is_closed_between_two_commands(daemon: Daemon) -> None:
    [old] = daemon.workers()
    codes: list[int] = []
    with session(daemon) as inside:
        work(inside)
        wait_for_another(daemon, old)
        with suppress(ssl.SSLError, ConnectionError, EOFError):
            while len(codes) < 100 * LEASE:
                codes.append(inside.ask(check("renewal.nz")).code)
    wait_until_gone(old)
    assert LEASE // 2 <= len(codes) < 100 * LEASE
    # one that came too late was told that it was not done
    assert set(codes[:-1]) == {1000}
    assert codes[-1] in (1000, 2500)
    with session(daemon) as late:
        work(late, 1)
    assert daemon.stop() == 0


def test_the_old_one_goes_on_where_no_other_can_start(daemon: Daemon, sign: Path) -> None:
    [old] = daemon.workers()
    sign.touch()
    with session(daemon) as inside:
        work(inside)
        daemon.wait_for_log(FAILED)
        with session(daemon) as late:
            work(late, LEASE)  # it asks again
        daemon.wait_for_log(f"(?s){FAILED}.*{FAILED}")
        assert daemon.workers() == [old]
        sign.unlink()
        work(inside, LEASE)
        wait_for_another(daemon, old)
        assert alive(old)
    wait_until_gone(old)
    assert daemon.stop() == 0


def test_one_that_hangs_before_it_serves_is_killed_and_tried_again(daemon: Daemon, sign: Path) -> None:
    [old] = daemon.workers()
    sign.write_text("hang")
    with session(daemon) as inside:
        work(inside)
        daemon.wait_for_log(
            r"(?s)does not serve after 1 s: killed.*"
            r"ended \(signal SIGKILL\) with 0 connections: another serves"
        )
        work(inside)
        sign.unlink()
        daemon.wait_for_log("(?s)another takes its place.*another takes its place")
        wait_until(lambda: len(daemon.workers()) == 2)
    wait_until_gone(old)
    assert len(daemon.workers()) == 1
    assert daemon.stop() == 0


def test_who_serves_dies_while_another_is_starting(daemon: Daemon, sign: Path) -> None:
    [old] = daemon.workers()
    sign.write_text("hang")
    with session(daemon) as inside:
        work(inside)
        wait_until(lambda: len(daemon.workers()) == 2)
        os.kill(old, signal.SIGKILL)
        daemon.wait_for_log(r"ended \(signal SIGKILL\) with 1 connections: another is starting")
    sign.unlink()
    with session(daemon) as late:
        work(late, 1)
    assert daemon.stop() == 0


def test_of_those_who_stay_for_weeks_only_the_last_are_kept_a_process_for(daemon: Daemon) -> None:
    [first] = daemon.workers()
    with Client(daemon) as patient:  # it makes no signatures
        patient.read()
        with session(daemon) as inside:
            work(inside)
        second = wait_for_another(daemon, first)
        assert daemon.workers() == sorted([first, second])
        with session(daemon) as inside:
            work(inside)
            wait_until_gone(first)
            assert second in daemon.workers()
            assert len(daemon.workers()) == 2
        assert patient.at_end()
    wait_until_gone(second)
    assert len(daemon.workers()) == 1
    assert daemon.stop() == 0


def test_the_death_of_a_retired_one_is_told_with_what_it_cost(daemon: Daemon) -> None:
    [old] = daemon.workers()
    with session(daemon) as inside:
        work(inside)
        wait_for_another(daemon, old)
        os.kill(old, signal.SIGKILL)
        daemon.wait_for_log(rf"worker 1, retired, pid {old}, ended \(signal SIGKILL\) with 1 connections")
    assert len(daemon.workers()) == 1
    assert daemon.stop() == 0


def test_one_that_a_reload_retires_is_not_renewed_and_keeps_its_sessions(daemon: Daemon, sign: Path) -> None:
    daemon.configure(workers="2")
    daemon.reload()
    wait_until(lambda: len(daemon.workers()) == 2)
    two = next(pid for pid in daemon.workers() if comm(pid) == "eppd worker 2")
    with session_in(daemon, two) as inside:
        work(inside, LEASE // 2)
        daemon.configure(workers="1")
        holding = sign.with_name(f"{sign.name}.check")
        holding.touch()
        os.kill(daemon.master, signal.SIGHUP)
        work(inside, LEASE // 2)  # it says that it has worked for long, while the master looks away
        time.sleep(10 * WATCH)
        holding.unlink()
        daemon.wait_for_log("configuration reloaded")
        work(inside, LEASE - 10)  # as many again, nearly
        assert sorted(map(comm, daemon.workers())) == ["eppd worker 1", "eppd worker 2"]
    wait_until_gone(two)
    assert list(map(comm, daemon.workers())) == ["eppd worker 1"]
    assert daemon.stop() == 0
