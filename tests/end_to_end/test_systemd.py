"""As systemd starts us: with sockets that it has opened, and an ear for what we tell it (sd_notify(3))."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.client import HELLO, Client
from tests.end_to_end.daemon import Daemon, Launch, wait_until_gone
from tests.end_to_end.process import PATIENCE, Sandbox


class Systemd:
    """Opens sockets, starts eppd with them, and hears what it says."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self._folder, self._sandbox = folder, sandbox
        self._ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ear.bind(str(folder / "notify"))
        self._ear.settimeout(PATIENCE)
        self.sockets: list[socket.socket] = []
        self.daemon: Daemon | None = None

    def listen(self, host: str = "127.0.0.1") -> int:
        """Open one more socket; its port."""
        self.sockets.append(socket.create_server((host, 0), backlog=128))
        return int(self.sockets[-1].getsockname()[1])

    def start(self, names: str = "", **options: str) -> Daemon:
        fds = [one.fileno() for one in self.sockets]
        # the shell's own pid is that of what it becomes; its redirections put each socket in its place
        high = [os.dup2(fd, 200 + place) for place, fd in enumerate(fds)]
        moves = " ".join(f"{3 + place}<&{fd} {fd}<&-" for place, fd in enumerate(high))
        script = f'export LISTEN_PID=$$; exec "$@" {moves}'
        environment = {
            "NOTIFY_SOCKET": str(self._folder / "notify"),
            "LISTEN_FDS": str(len(fds)),
            "LISTEN_FDNAMES": names,
        }
        launch = Launch(environment, ["bash", "-c", script, "bash"], high)
        try:
            self.daemon = Daemon(self._folder / "run", self._sandbox, launch, **options)
        finally:
            for fd in high:
                os.close(fd)
        return self.daemon

    def hear(self) -> str:
        return self._ear.recv(4096).decode()

    def close(self) -> None:
        if self.daemon is not None:
            self.daemon.kill_all()
            assert "Traceback" not in self.daemon.log, self.daemon.log
        for one in (self._ear, *self.sockets):
            one.close()


@pytest.fixture
def systemd(sandbox: Sandbox, tmp_path: Path) -> Iterator[Systemd]:
    made = Systemd(tmp_path, sandbox)
    yield made
    made.close()


def test_it_serves_on_the_sockets_that_it_is_given_and_on_no_other(systemd: Systemd) -> None:
    port, other = systemd.listen(), systemd.listen()
    daemon = systemd.start("eppd.socket:eppd.socket", listen="[127.0.0.1:1]")

    assert re.findall(r"^listening on 127\.0\.0\.1:(\d+)$", daemon.log, re.M) == [str(port), str(other)]
    assert systemd.hear() == "READY=1"
    for daemon.port in (port, other):
        with Client(daemon) as client:
            client.log_in(daemon.registrar(100))
    assert daemon.stop() == 0
    assert systemd.hear() == "STOPPING=1"
    # it is systemd's, and still there for the next one
    socket.create_connection(("127.0.0.1", port)).close()


def test_systemd_hears_of_reloads_and_of_the_new_master(systemd: Systemd) -> None:
    systemd.listen()
    daemon = systemd.start()
    assert systemd.hear() == "READY=1"

    daemon.reload()
    first, second = systemd.hear().split("\n")
    assert (first, second.partition("=")[0]) == ("RELOADING=1", "MONOTONIC_USEC")
    assert systemd.hear() == "READY=1"

    daemon.configure(idle_timeout="soon")
    daemon.reload()
    assert systemd.hear().startswith("RELOADING=1")
    assert systemd.hear() == "READY=1"
    daemon.configure(idle_timeout="5m")

    for _ in range(2):  # the new one hands over too, with the same sockets
        with Client(daemon) as client:
            client.log_in(daemon.registrar(100))
            old = daemon.hand_over()
            assert systemd.hear() == f"MAINPID={daemon.master}"
            wait_until_gone(old)
        with Client(daemon) as client:
            client.log_in(daemon.registrar(100))
    assert daemon.stop() == 0
    assert systemd.hear() == "STOPPING=1"


def test_the_status_page_on_a_socket_of_its_own_name(systemd: Systemd) -> None:
    systemd.listen()
    port = systemd.listen()
    daemon = systemd.start("eppd.socket:metrics", metrics="127.0.0.1:1")
    assert systemd.hear() == "READY=1"
    for _ in range(2):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                page = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                page.request("GET", "/healthz")
                assert page.getresponse().status == 200
                page.close()
                break
            except OSError:
                assert time.monotonic() < deadline, daemon.log
                time.sleep(0.05)
        wait_until_gone(daemon.hand_over())
    assert daemon.stop() == 0


def test_a_client_that_waits_in_the_socket_is_served_by_the_next_start(systemd: Systemd) -> None:
    systemd.listen()
    daemon = systemd.start()
    port = daemon.port
    assert daemon.stop() == 0
    waiting = socket.create_connection(("127.0.0.1", port))
    again = systemd.start()
    assert again.port == port
    with Client(again) as client:
        assert client.ask(HELLO).is_greeting
    waiting.close()
    assert again.stop() == 0


def test_something_else_than_a_listening_socket_is_refused(
    systemd: Systemd,
) -> None:
    one, two = socket.socketpair()
    systemd.sockets += [one, two]
    with pytest.raises(AssertionError):
        systemd.start()
    assert "is no TCP socket" in (systemd._folder / "run" / "stderr").read_text()


def test_a_hand_over_keeps_the_own_sockets(sandbox: Sandbox, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "run", sandbox, metrics="127.0.0.1:0")
    try:
        inode = _listener(daemon.master).stat().st_ino
        old = daemon.hand_over()
        wait_until_gone(old)
        assert _listener(daemon.master).stat().st_ino == inode
        os.kill(daemon.master, signal.SIGTERM)
        wait_until_gone(daemon.master)
    finally:
        daemon.kill_all()


def _listener(pid: int) -> Path:
    """The lowest descriptor of the process that is a TCP socket, in /proc."""
    tcp = {line.split()[9] for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]}
    for path in sorted(Path(f"/proc/{pid}/fd").iterdir(), key=lambda path: int(path.name)):
        target = str(path.readlink())
        if target.startswith("socket:[") and target[8:-1] in tcp:
            return path
    raise AssertionError("no TCP socket")
