"""eppd itself, as operators run it, with limits that the bench does not reach."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import child, proc
from bench.child import PATIENCE, TOP, BenchFailed

_LISTENING = re.compile(r"^listening on 127\.0\.0\.1:(\d+)$", re.MULTILINE)
_LOOK = 0.002  # seconds between two looks whether it listens
_numbers = itertools.count(1)

MOST_CONNECTIONS = 6000
BACKEND_CONNECTIONS = 64


class Eppd:
    """A running ``eppd``; ``started_in``: seconds from its start to ``listening on``."""

    def __init__(self, folder: Path, words: Sequence[str]) -> None:
        """``words``: its command line. BenchFailed where it does not come to listen."""
        self._log = folder / f"eppd-{next(_numbers)}.log"
        self._log.touch()
        began = time.monotonic()
        self._process = child.start([str(TOP / "eppd.py"), *words], stderr=self._log)
        try:
            self.port = self._wait(began + PATIENCE)
        except BaseException:
            self.close()
            raise
        self.started_in = time.monotonic() - began
        self.pids = proc.family(self._process.pid)

    def _wait(self, deadline: float) -> int:
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := _LISTENING.search(self._log.read_text("utf-8", "replace")):
                return int(found[1])
            time.sleep(_LOOK)
        raise BenchFailed(f"eppd does not listen:\n{self._log.read_text('utf-8', 'replace')[-2000:]}")

    def forget_log(self) -> None:
        """Empty its log."""
        with self._log.open("wb"):
            pass

    def close(self) -> None:
        """End it."""
        child.end(self._process)
        self._log.unlink()


def write_config(path: Path, keys: Path, backend: str, more: Mapping[str, str]) -> None:
    """A configuration file; ``keys``: the folder with certificates and keys, ``backend``: the URL."""
    options = {
        "listen": "127.0.0.1:0",
        "server-name": "eppd bench",
        "tls-certificate": keys / "server.pem",
        "tls-private-key": keys / "server.key",
        "backend": backend,
        "backend-connections": BACKEND_CONNECTIONS,
        "pgp-signing-key": keys / "proxy.key",
        "pgp-registry-certificate": keys / "registry.asc",
        "max-connections": MOST_CONNECTIONS,
        "max-connections-per-address": MOST_CONNECTIONS,
        "max-sessions-per-registrar": MOST_CONNECTIONS,
        "login-timeout": "10m",
        "idle-timeout": "1h",
        "drain-timeout": "5",
        **more,
    }
    path.write_text("".join(f"{name} = {value}\n" for name, value in options.items()))
