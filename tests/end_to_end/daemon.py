"""``eppd run`` in front of a sandbox's registry, as an operator runs it: with a configuration file."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.end_to_end.process import PATIENCE, Process, Sandbox, parent


@dataclass(frozen=True)
class Launch:
    """How it is started, where that is not from a shell."""

    environment: dict[str, str] = field(default_factory=dict)
    wrapper: Sequence[str] = ()
    pass_fds: Sequence[int] = ()


class Daemon(Process):
    """Serves when it is made; to be spoken to like the sandbox behind it."""

    def __init__(
        self, folder: Path, sandbox: Sandbox, launch: Launch | None = None, /, **options: str
    ) -> None:
        """``options``: further ones, with underscores; an empty one is left out."""
        folder.mkdir(parents=True, exist_ok=True)
        self.sandbox = sandbox
        self.file = folder / "eppd.conf"
        data = sandbox.data
        self.options = {
            "listen": "[127.0.0.1:0]",
            "tls_certificate": str(data / "server.pem"),
            "tls_private_key": str(data / "server.key"),
            "tls_client_ca": str(data / "ca.pem"),
            "backend": str(sandbox.facts["registry"]),
            "pgp_signing_key": str(data / "proxy.key"),
            "pgp_registry_certificate": f"[{data / 'registry.asc'}]",
            "max_connections_per_address": "1000",
        } | options
        self.configure()
        arguments = ["--config", str(self.file), "run"]
        launch = launch or Launch()
        super().__init__(
            folder, arguments, launch.environment, wrapper=launch.wrapper, pass_fds=launch.pass_fds
        )
        self.master = self.popen.pid
        try:
            self.port = int(self.wait_for_log(r"^listening on 127\.0\.0\.1:(\d+)$")[1])
        except AssertionError:
            self.kill_all()
            raise
        self.host, self.ca, self.registrar = sandbox.host, sandbox.ca, sandbox.registrar

    def configure(self, **options: str) -> None:
        """Write the configuration file, with other values than before."""
        self.options |= options
        lines = [f"{key.replace('_', '-')} = {value}" for key, value in self.options.items() if value]
        self.file.write_text("\n".join([*lines, ""]))

    def workers(self) -> list[int]:
        """The pids of the workers of the master that serves."""
        return [pid for pid in children(self.master) if comm(pid).startswith("eppd worker")]

    def reload(self) -> None:
        """SIGHUP, and wait until it has had its effect, whichever."""
        count = self.reloads()
        os.kill(self.master, signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE
        while self.reloads() == count:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.01)

    def reloads(self) -> int:
        return len(re.findall(r"configuration reloaded|not reloaded: ", self.log))

    def hand_over(self) -> int:
        """SIGUSR2, and wait until the new master serves; the pid of the old one."""
        before = len(re.findall("the new master serves", self.log))
        old = self.master
        os.kill(old, signal.SIGUSR2)
        deadline = time.monotonic() + PATIENCE
        while len(re.findall("the new master serves", self.log)) == before:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.01)
        self.master = int(re.findall(r"handing over to a new master, pid (\d+)", self.log)[-1])
        return old

    def stop(self) -> int:
        """SIGTERM to the master that serves; the exit code of the first one."""
        if alive(self.master):
            os.kill(self.master, signal.SIGTERM)
            wait_until_gone(self.master)
        return self.wait()

    def kill_all(self) -> None:
        pids = [*descendants(self.master), self.master] if alive(self.master) else []
        super().kill_all()
        for pid in pids:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)


def comm(pid: int) -> str:
    """The name of the process, as ps shows it; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def children(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if parent(int(entry.name)) == pid and alive(int(entry.name)):
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def descendants(pid: int) -> list[int]:
    direct = children(pid)
    return direct + [other for child in direct for other in descendants(child)]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pid: int, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while alive(pid):
        assert time.monotonic() < deadline, f"{pid} has not ended"
        time.sleep(0.01)
