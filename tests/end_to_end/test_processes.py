"""Processes: who ends when, and that nothing acknowledged is lost when one is killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.end_to_end.client import HELLO, Client, check
from tests.end_to_end.process import PATIENCE, Process, Sandbox, parent
from tests.end_to_end.test_session import contact_create, contact_info

Start = Callable[..., Sandbox]


def gone(pid: int) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def test_sigterm_answers_what_was_read_and_exits_0(start: Start) -> None:
    sandbox = start()
    with Client(sandbox) as busy, Client(sandbox) as idle:
        busy.log_in(sandbox.registrar(100))
        idle.log_in(sandbox.registrar(101))
        names = [f"drain-{number}.nz" for number in range(100)]
        busy.send(check(*names), HELLO)
        sandbox.popen.send_signal(signal.SIGTERM)

        assert busy.read().code == 1000
        assert busy.read().is_greeting
        assert busy.at_end()
        assert idle.at_end()
    assert sandbox.wait() == 0
    assert sandbox.descendants() == []


def test_ctrl_c_is_as_good(start: Start) -> None:
    sandbox = start()
    children = sandbox.descendants()
    os.killpg(sandbox.popen.pid, signal.SIGINT)

    assert sandbox.wait() == 0
    assert all(gone(pid) for pid in children)


def test_a_signal_to_all_processes_at_once_is_as_good(start: Start) -> None:
    sandbox = start()
    children = sandbox.descendants()
    for pid in [sandbox.popen.pid, *children]:
        os.kill(pid, signal.SIGTERM)

    assert sandbox.wait() == 0
    assert all(gone(pid) for pid in children)


def test_both_processes_killed_at_once_end_the_sandbox(start: Start) -> None:
    sandbox = start()
    children = [pid for pid in sandbox.descendants() if parent(pid) == sandbox.popen.pid]
    for pid in children:
        os.kill(pid, signal.SIGKILL)

    assert sandbox.wait() == 1
    assert all(gone(pid) for pid in children)


def test_a_killed_worker_is_replaced(start: Start) -> None:
    sandbox = start()
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
        first = sandbox.worker()
        os.kill(first, signal.SIGKILL)
        assert client.at_end()
    sandbox.wait_for_log("worker 1 started again")

    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
    assert sandbox.stop() == 0


def test_a_killed_keeper_takes_everything_with_it(start: Start) -> None:
    sandbox = start()
    children = sandbox.descendants()
    assert len(children) == 3  # registry, master, worker

    sandbox.popen.kill()

    assert all(gone(pid) for pid in children)


def test_a_killed_registry_ends_the_sandbox(start: Start) -> None:
    sandbox = start()
    registry, *others = [pid for pid in sandbox.descendants() if parent(pid) == sandbox.popen.pid]
    os.kill(registry, signal.SIGKILL)

    assert sandbox.wait() == 1
    assert all(gone(pid) for pid in others)
    sandbox.wait_for_log("the sandbox's registry ended")


def test_the_folder_is_used_again(start: Start) -> None:
    first = start()
    with Client(first) as client:
        client.log_in(first.registrar(100))
        assert client.ask(contact_create("kept-1")).code == 1000
    assert first.stop() == 0

    second = start()

    assert second.registrar(100) == first.registrar(100)
    assert Path(second.ca).read_bytes() == Path(first.ca).read_bytes()
    with Client(second) as client:
        client.log_in(second.registrar(100))
        assert client.ask(contact_info("kept-1")).code == 1000


def test_fresh_forgets_the_folder_and_nothing_else(start: Start) -> None:
    first = start()
    authority = Path(first.ca).read_bytes()
    (first.data / "mine.txt").write_text("not the sandbox's")
    assert first.stop() == 0

    second = start("--fresh")

    assert Path(second.ca).read_bytes() != authority
    assert (second.data / "mine.txt").read_text() == "not the sandbox's"


def test_generated_passwords_are_kept_and_new_registrars_join(tmp_path: Path) -> None:
    first = Sandbox(tmp_path / "a")
    assert first.stop() == 0
    second = Sandbox(tmp_path / "a", "--registrar", "102:takahe-1")
    try:
        assert second.registrar(101) == first.registrar(101)
        for number in (100, 101, 102):
            with Client(second, certificate_of=number) as client:
                client.log_in(second.registrar(number))
    finally:
        assert second.stop() == 0


def test_one_folder_is_for_one_sandbox(start: Start) -> None:
    first = start()
    second = Process(
        first.folder / "second", ["sandbox", "--data", str(first.data), "--listen", "127.0.0.1:0"]
    )

    assert second.wait() == 1
    assert "another sandbox is using it" in second.log


def test_no_secret_is_readable_by_others(start: Start) -> None:
    data = start().data

    assert data.stat().st_mode & 0o077 == 0
    for path in [*data.glob("*.key"), *data.glob("registry.sqlite*"), data / "sandbox.json"]:
        assert path.stat().st_mode & 0o077 == 0, path
