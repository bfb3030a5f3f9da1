"""Reloads and hand-overs while clients are at work: none is refused, nothing that was sent is unanswered."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end.client import HELLO, Client
from tests.end_to_end.daemon import Daemon, alive, wait_until_gone
from tests.end_to_end.load import Load
from tests.end_to_end.process import Sandbox
from tests.end_to_end.test_session import contact_info

CLIENTS = 50


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Start a daemon in front of the shared sandbox's registry, with these options."""
    started: list[Daemon] = []

    def run_one(**options: str) -> Daemon:
        started.append(Daemon(tmp_path / f"run-{len(started)}", sandbox, **options))
        return started[-1]

    yield run_one
    for one in started:
        one.kill_all()
        assert "Traceback" not in one.log, one.log


def assert_made(load: Load, daemon: Daemon) -> None:
    """Whatever was answered by 1000 is there."""
    for registrar in (100, 101):
        with Client(daemon) as client:
            client.log_in(daemon.registrar(registrar))
            for owner, handle in load.made:
                if owner == registrar:
                    assert client.ask(contact_info(handle)).code == 1000, handle


def test_twenty_reloads_and_five_hand_overs_under_load(run: Callable[..., Daemon]) -> None:
    daemon = run(workers="2", max_sessions_per_registrar="200")
    load = Load(daemon, CLIENTS)
    load.start()
    try:
        for _ in range(5):
            for _ in range(4):
                daemon.reload()
                time.sleep(0.2)
            sessions = load.sessions
            old = daemon.hand_over()
            wait_until_gone(old)
            time.sleep(0.5)
            # all of them were drained, and are back
            assert load.sessions >= sessions + CLIENTS - 5, (sessions, load.sessions)
    finally:
        load.stop()

    assert load.troubles == []
    assert load.told[1000] > 0
    assert daemon.reloads() == 20
    assert "not reloaded" not in daemon.log
    assert_made(load, daemon)
    assert daemon.stop() == 0


def test_a_reload_leaves_sessions_alone(run: Callable[..., Daemon]) -> None:
    daemon = run(idle_timeout="300")
    with Client(daemon) as living:
        living.log_in(daemon.registrar(100))
        daemon.configure(max_frame="1 KiB")
        daemon.reload()

        assert living.ask(HELLO + " " * 2000).is_greeting
        with Client(daemon) as later:
            assert later.read().is_greeting
            assert later.ask(HELLO + " " * 2000).code == 2001
    assert daemon.stop() == 0


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"idle_timeout": "soon"}, "not reloaded: option idle-timeout: 'soon': not a duration"),
        (
            {"tls_certificate": "/nowhere.pem"},
            "not reloaded: option tls-certificate: /nowhere.pem: No such file",
        ),
        (
            {"pgp_signing_key": "/nowhere.key"},
            "not reloaded: option pgp-signing-key: /nowhere.key: No such file",
        ),
        ({"log_target": "/nowhere/log"}, "not reloaded: option log-target: /nowhere/log: No such file"),
        ({"colour": "blue"}, "unknown key 'colour'"),
    ],
)
def test_a_faulty_configuration_keeps_the_old_one(
    run: Callable[..., Daemon], options: dict[str, str], fault: str
) -> None:
    daemon = run()
    daemon.configure(**options)
    daemon.reload()

    assert fault in daemon.log
    with Client(daemon) as client:
        client.log_in(daemon.registrar(100))
    assert daemon.stop() == 0


def test_the_number_of_workers_changes_and_no_session_ends(run: Callable[..., Daemon]) -> None:
    daemon = run(workers="3")
    clients = [Client(daemon) for _ in range(12)]
    try:
        for client in clients:
            client.log_in(daemon.registrar(100))
        three = daemon.workers()
        assert len(three) == 3
        daemon.configure(workers="1")
        daemon.reload()
        time.sleep(1.5)
        assert all(client.ask(HELLO).is_greeting for client in clients)
    finally:
        for client in clients:
            client.tls.close()
    for pid in three[1:]:
        wait_until_gone(pid)
    assert daemon.workers() == three[:1]
    daemon.configure(workers="2")
    daemon.reload()
    assert len(daemon.workers()) == 2
    assert daemon.stop() == 0


def test_a_new_master_that_cannot_start_leaves_the_old_one_in_place(run: Callable[..., Daemon]) -> None:
    daemon = run()
    with Client(daemon) as client:
        client.log_in(daemon.registrar(100))
        daemon.configure(idle_timeout="soon")
        os.kill(daemon.master, signal.SIGUSR2)
        daemon.wait_for_log("not handed over, going on: the new master failed")

        assert client.ask(HELLO).is_greeting
        assert "option idle-timeout: 'soon'" in daemon.log
    daemon.configure(idle_timeout="5m")
    old = daemon.hand_over()
    wait_until_gone(old)
    assert alive(daemon.master)
    assert daemon.stop() == 0


def test_sighup_to_every_process_ends_none(run: Callable[..., Daemon]) -> None:
    daemon = run(workers="2")
    with Client(daemon) as client:
        client.log_in(daemon.registrar(100))
        for pid in daemon.workers():
            os.kill(pid, signal.SIGHUP)
            os.kill(pid, signal.SIGUSR2)
            os.kill(pid, signal.SIGINT)
        daemon.reload()
        assert client.ask(HELLO).is_greeting
    assert daemon.stop() == 0
