"""What systemd is told, and that nothing is where nobody listens."""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from srs_epp.daemon.notify import notify, reloading


@pytest.fixture(params=["path", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """A socket that takes what is said."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as taker:
        if request.param == "path":
            name = str(tmp_path / "notify")
            taker.bind(name)
        else:
            name = f"@eppd-test-{os.getpid()}"
            taker.bind("\0" + name[1:])
        taker.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield taker


def test_states_go_in_one_message(systemd: socket.socket) -> None:
    notify("READY=1", "MAINPID=12", "STATUS=läuft")

    assert systemd.recv(4096) == "READY=1\nMAINPID=12\nSTATUS=läuft".encode()


def test_a_reload_tells_the_time(systemd: socket.socket) -> None:
    before = time.monotonic_ns() // 1000
    reloading()

    found = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", systemd.recv(4096).decode())
    assert found
    assert before <= int(found[1]) <= time.monotonic_ns() // 1000


@pytest.mark.parametrize("value", [None, ""])
def test_nobody_asks(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, value: str | None
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if value is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", value)

    notify("READY=1")

    assert caplog.records == []


@pytest.mark.parametrize("name", ["/nowhere/notify", "@eppd-nobody-listens", "/" + "x" * 200])
def test_one_that_does_not_listen_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", name)

    with caplog.at_level(logging.WARNING):
        notify("READY=1")

    [record] = caplog.records
    assert record.getMessage().startswith(f"NOTIFY_SOCKET: {name}: ")


def test_a_full_queue_does_not_stop_us(systemd: socket.socket, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        other.connect(systemd.getsockname())
        with suppress(BlockingIOError):
            while True:
                other.send(b"STATUS=")

        before = time.monotonic()
        notify("READY=1")

    assert time.monotonic() - before < 10
    assert "timed out" in caplog.text
