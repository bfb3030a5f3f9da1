"""eppd as its users run it: a process of its own, told what to do on its command line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[2]
PATIENCE = 30.0  # seconds for a process to start or end


class Process:
    """``eppd`` with arguments; what it prints goes to files."""

    def __init__(
        self,
        folder: Path,
        arguments: Sequence[str],
        environment: dict[str, str] | None = None,
        *,
        wrapper: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
    ) -> None:
        """``wrapper``: the words of a command that starts the command which follows it."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.arguments = list(arguments)
        self._out, self._err = folder / "stdout", folder / "stderr"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("EPPD_")}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.popen = subprocess.Popen(
                [*wrapper, sys.executable, str(TOP / "eppd.py"), *self.arguments],
                pass_fds=pass_fds,
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
                cwd=folder,
                env=clean | (environment or {}),
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        return self._out.read_text("utf-8", "replace")

    @property
    def log(self) -> str:
        return self._err.read_text("utf-8", "replace")

    def wait_for_log(self, pattern: str, seconds: float = PATIENCE) -> re.Match[str]:
        """Wait until a line of the log matches."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ended = self.popen.poll() is not None  # asked for first: what it wrote before counts
            if found := re.search(pattern, self.log, re.MULTILINE):
                return found
            if ended and not self.descendants():
                break
            time.sleep(0.02)
        raise AssertionError(f"no line like {pattern!r} in:\n{self.log}")

    def wait(self, seconds: float = PATIENCE) -> int:
        """The exit code."""
        return self.popen.wait(seconds)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        return self.wait()

    def kill_all(self) -> None:
        """End whatever is left of it, for a test that has failed."""
        for pid in [*self.descendants(), self.popen.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.popen.wait(PATIENCE)

    def descendants(self) -> list[int]:
        """The pids of all processes that it has started, and those of theirs."""
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
        found, seek = [], [self.popen.pid]
        while seek:
            for child in parents.get(seek.pop(), []):
                found.append(child)
                seek.append(child)
        return found


class Sandbox(Process):
    """``eppd sandbox``, ready to be connected to."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        listen: Sequence[str] = ("127.0.0.1:0",),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.data = folder / "data"
        listens = [word for address in listen for word in ("--listen", address)]
        super().__init__(folder, ["sandbox", "--data", str(self.data), *listens, *arguments], environment)
        try:
            self.wait_for_log(r"^listening on ")
        except AssertionError:
            self.kill_all()
            raise
        self.facts: dict[str, Any] = json.loads((self.data / "sandbox.json").read_text())

    @property
    def host(self) -> str:
        return str(self.facts["host"])

    @property
    def port(self) -> int:
        return int(self.facts["port"])

    @property
    def ca(self) -> str:
        return str(self.facts["ca"])

    def registrar(self, number: int) -> dict[str, str]:
        """id, password, certificate and key of a registrar."""
        [found] = [one for one in self.facts["registrars"] if one["id"] == str(number)]
        return dict(found)

    def worker(self) -> int:
        """The pid of the worker: the child of a child that is the master."""
        direct = {pid for pid in self.descendants() if parent(pid) == self.popen.pid}
        [found] = [pid for pid in self.descendants() if parent(pid) in direct]
        return found

    def held(self) -> tuple[int, int]:
        """Threads and descriptors of the worker, without the connections to the registry that it keeps."""
        return held(self.worker(), str(self.facts["registry"]))


def held(pid: int, registry: str) -> tuple[int, int]:
    """Threads and descriptors of a worker, without its connections to the registry at that URL."""
    kept = _sockets_to(pid, int(registry.split(":")[2].split("/")[0]))
    descriptors = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            descriptors += str(entry.readlink()) not in kept
    return len(list(Path(f"/proc/{pid}/task").iterdir())), descriptors


def parent(pid: int) -> int:
    """The pid of the process that has started it."""
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def _sockets_to(pid: int, port: int) -> set[str]:
    """The process's TCP sockets whose other end is that port, as /proc/PID/fd names them."""
    lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return {f"socket:[{one[9]}]" for one in fields if int(one[2].split(":")[1], 16) == port}
