"""A worker that has checked many signatures makes room for another, and nobody who is inside is lost."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import srs_epp
from tests.end_to_end.client import Client, check
from tests.end_to_end.daemon import Daemon, Launch, alive, wait_until_gone
from tests.end_to_end.process import PATIENCE, Sandbox

LEASE = 30  # signatures
SOON = f"""
from srs_epp.daemon import worker
worker.LEASE, worker.WATCH_INTERVAL, worker.RETIRED_INTERVAL = {LEASE}, 0.05, 0.05
"""
FAILING = """
import os
start = worker._Worker.__init__
def fail(*arguments):
    if os.path.exists({path!r}):
        raise RuntimeError("made to fail")
    start(*arguments)
worker._Worker.__init__ = fail
"""


@pytest.fixture
def sign(tmp_path: Path) -> Path:
    """Where there is a file of this name, no worker can start."""
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


def workers_other_than(daemon: Daemon, pid: int) -> list[int]:
    return [worker for worker in daemon.workers() if worker != pid]


def wait_for_another(daemon: Daemon, pid: int) -> int:
    """The worker that has taken the place of this one, which is retired by now."""
    deadline = time.monotonic() + PATIENCE
    while not workers_other_than(daemon, pid):
        assert time.monotonic() < deadline, daemon.log
        time.sleep(0.01)
    daemon.wait_for_log("worker 1 has worked for long: another takes its place")
    return workers_other_than(daemon, pid)[0]


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
        daemon.wait_for_log(r"worker 1, pid \d+, ended \(exit code 1\): another serves")
        with session(daemon) as late:
            work(late, LEASE)  # it asks again
        daemon.wait_for_log(r"(?s)another serves.*worker 1, pid \d+, ended \(exit code 1\): another serves")
        assert daemon.workers() == [old]
        sign.unlink()
        work(inside, LEASE)
        wait_for_another(daemon, old)
        assert alive(old)
    wait_until_gone(old)
    assert daemon.stop() == 0
