"""A sandbox that many tests share, and ones of their own for those that need it otherwise."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.client import Client
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.neighbours import Neighbours
from tests.end_to_end.process import PATIENCE, Process, Sandbox, held

PASSWORDS = {100: "kakapo-night-1", 101: "weka-by-day-22"}
_numbers = itertools.count(1)


def registrars() -> list[str]:
    return [
        word for number, password in PASSWORDS.items() for word in ("--registrar", f"{number}:{password}")
    ]


def assert_no_secret(text: str) -> None:
    for password in PASSWORDS.values():
        assert password not in text


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for all tests that leave it as they found it."""
    running = Sandbox(tmp_path_factory.mktemp("sandbox"), *registrars(), "--log-level", "DEBUG")
    yield running
    try:
        assert running.stop() == 0, running.log
        assert "Traceback" not in running.log, running.log
        assert_no_secret(running.log)
    finally:
        running.kill_all()


@pytest.fixture(autouse=True)
def _the_worker_lets_go(sandbox: Sandbox) -> Iterator[None]:
    """Whatever a test does to the shared sandbox, no thread and no descriptor of its connections is left."""
    before = sandbox.held()
    yield
    deadline = time.monotonic() + PATIENCE
    while (after := sandbox.held()) != before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert after == before, "threads and descriptors of the worker"


@pytest.fixture(scope="session")
def besieged(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """``eppd run`` with little patience, on which all hostile clients are let loose."""
    folder = tmp_path_factory.mktemp("besieged")
    daemon = Daemon(
        folder / "eppd",
        sandbox,
        handshake_timeout="2",
        frame_timeout="2",
        idle_timeout="4",
        login_timeout="8",
        max_connections_per_address="60",
        audit_log=str(folder / "audit.log"),
        log_level="DEBUG",
    )
    try:
        yield daemon
        assert daemon.stop() == 0, daemon.log
        assert "Traceback" not in daemon.log, daemon.log
        assert_no_secret(daemon.log + (folder / "audit.log").read_text())
    finally:
        daemon.kill_all()


@pytest.fixture(scope="session")
def addresses() -> Iterator[str]:
    """Addresses by which one who connects is known in the log."""
    return (f"127.0.{net}.{number}" for net in itertools.count(7) for number in range(1, 255))


@pytest.fixture
def address(addresses: Iterator[str]) -> str:
    """An address that no other test has."""
    return next(addresses)


@pytest.fixture
def neighbours(besieged: Daemon) -> Iterator[Neighbours]:
    """Good clients of the besieged server, which are served all the time; and nothing is left of the test."""
    registry = besieged.options["backend"]
    [worker] = besieged.workers()
    before = held(worker, registry)
    with Neighbours(besieged) as good:
        yield good
        good.see_each()
    print(good.report())
    deadline = time.monotonic() + PATIENCE
    while (after := held(worker, registry)) != before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert after == before, "threads and descriptors of the worker"
    assert besieged.workers() == [worker]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """Start a sandbox with more arguments; whatever is left of it ends with the test."""
    started: list[Process] = []

    def start_one(
        *arguments: str, listen: tuple[str, ...] = ("127.0.0.1:0",), folder: str = "eppd"
    ) -> Sandbox:
        running = Sandbox(tmp_path / folder, *registrars(), "--log-level", "DEBUG", *arguments, listen=listen)
        started.append(running)
        return running

    yield start_one
    for one in started:
        one.kill_all()
        assert_no_secret(one.log)
        assert "Traceback" not in one.log, one.log


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    """A connection that is logged in as registrar 100."""
    with Client(sandbox) as connected:
        connected.log_in(sandbox.registrar(100))
        yield connected


@pytest.fixture
def unused() -> Callable[[str], str]:
    """A name that no test has used before: ``unused("co.nz")``, or ``unused("")`` for a handle."""

    def make(zone: str) -> str:
        number = next(_numbers)
        return f"test-{number}.{zone}" if zone else f"test-{number}"

    return make
