"""The processes of the sandbox: the proxy and the registry, which talk HTTP on loopback, and their keeper.

They stop together, also when one of them dies, or their keeper.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from srs_epp import config
from srs_epp.config import Address, Config, ConfigError
from srs_epp.daemon import logs, memory, sockets
from srs_epp.daemon.master import Master
from srs_epp.daemon.processes import fork
from srs_epp.daemon.signals import HANDLED, Signals
from srs_epp.registry import DEFAULT_ZONES, RegistryServer
from srs_epp.sandbox.folder import Folder, Registrar, SandboxError, move_clock
from srs_epp.sandbox.welcome import welcome

__all__ = ["DEFAULT_FOLDER", "SandboxError", "advance", "run"]

DEFAULT_FOLDER = "eppd-sandbox"
LISTEN = "127.0.0.1:7000"
REGISTRY_LISTEN = "127.0.0.1:0"
PATIENCE = 10.0  # seconds beyond the proxy's drain-timeout
_NOT_HERE = ("daemon", "user", "group", "pidfile")
HASTE = 2.0  # seconds for either process, once a second signal has come


def run(given: Mapping[str, Any]) -> int:
    """Serve until told to stop; the exit code. ConfigError, SandboxError, CannotListen before that."""
    passwords = _passwords(given.get("registrar") or ())
    listen = _addresses("listen", given.get("listen") or [LISTEN])
    registry_listen = _addresses("registry-listen", [given.get("registry_listen") or REGISTRY_LISTEN])
    listeners = sockets.listen(listen)
    registry_listener = _one(sockets.listen(registry_listen, "registry-listen"))
    registry_listener.setblocking(True)
    metrics = _addresses("metrics", [given["metrics"]] if given.get("metrics") else [])
    status_listener = _one(sockets.listen(metrics, "metrics")) if metrics else None
    folder = Folder(Path(given.get("data") or DEFAULT_FOLDER))
    if given.get("fresh"):
        folder.forget()
    registrars = folder.prepare(passwords)
    url = f"http://{sockets.name_of(registry_listener)}/srs/registrar"
    options = _config(given, folder, url)
    logs.configure(options.log_level, options.log_format, options.log_target)
    _describe(folder, listeners[0], url, registrars)
    keeper = _Keeper(options, listeners, registry_listener, folder, registrars, status_listener)
    return keeper.run()


def _one(listeners: Sequence[socket.socket]) -> socket.socket:
    first, *others = listeners
    for other in others:
        other.close()
    return first


def advance(given: Mapping[str, Any]) -> int:
    """Move the clock of a sandbox's registry, whether it runs or not; the exit code."""
    try:
        seconds = config.parse_duration(given["advance"])
    except ValueError as error:
        raise ConfigError([f"option advance: {given['advance']!r}: {error}"]) from None
    try:
        now = move_clock(Path(given.get("data") or DEFAULT_FOLDER), timedelta(seconds=seconds))
    except (ValueError, OverflowError) as error:
        raise ConfigError([f"option advance: {given['advance']!r}: {error}"]) from None
    print(f"the registry's clock is now {now:%Y-%m-%d %H:%M:%S %Z}")
    return 0


def _passwords(texts: Sequence[str]) -> dict[int, str]:
    passwords = {}
    for text in texts:
        number, colon, password = text.partition(":")
        if not colon or not re.fullmatch(r"[0-9]{1,6}", number) or int(number) < 2:
            raise ConfigError([f"option registrar: {number!r}: not ID:PASSWORD with a number from 2 up"])
        if not 6 <= len(password) <= 16:
            raise ConfigError([f"option registrar: {number}: an EPP password has 6 to 16 characters"])
        if not password.isprintable() or password != " ".join(password.split()):
            raise ConfigError([f"option registrar: {number}: stray blanks or control characters"])
        passwords[int(number)] = password
    return passwords


def _addresses(option: str, texts: Sequence[str]) -> list[Address]:
    try:
        return [config.parse_address(text) for text in texts]
    except ValueError as error:
        raise ConfigError([f"option {option}: {', '.join(texts)}: {error}"]) from None


def _config(given: Mapping[str, Any], folder: Folder, url: str) -> Config:
    """The proxy's options: what was given, before what the sandbox needs."""
    names = {one.name for one in config.options()}
    texts = {
        "server_name": "eppd sandbox",
        "tls_certificate": str(folder.file("server.pem")),
        "tls_private_key": str(folder.file("server.key")),
        "tls_client_ca": str(folder.file("ca.pem")),
        "backend": url,
        "max_connections_per_address": "1000",  # all clients are on this machine
        "pgp_signing_key": str(folder.file("proxy.key")),
        "pgp_registry_certificate": [str(folder.file("registry.asc"))],
    }
    wrong = [f"option {name} is not for the sandbox" for name in _NOT_HERE if given.get(name) is not None]
    if wrong:
        raise ConfigError(wrong)
    texts |= {name: value for name, value in given.items() if name in names and value is not None}
    return config.make_config(texts)


def _describe(folder: Folder, listener: socket.socket, url: str, registrars: Sequence[Registrar]) -> None:
    host, port = listener.getsockname()[:2]
    folder.describe(
        host=_reachable(host),
        port=port,
        ca=folder.file("ca.pem"),
        registry=url,
        zones=list(DEFAULT_ZONES),
        registrars=[
            {"id": str(one.id), "password": one.password, "certificate": one.certificate, "key": one.key}
            for one in registrars
        ],
    )


def _reachable(host: str) -> str:
    """Where a client on this machine finds what listens on ``host``, by a name in the certificate."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


class _Keeper:
    """Starts both processes, and ends both when one ends."""

    def __init__(
        self,
        options: Config,
        listeners: Sequence[socket.socket],
        registry_listener: socket.socket,
        folder: Folder,
        registrars: Sequence[Registrar],
        status_listener: socket.socket | None,
    ) -> None:
        self._options = options
        self._listeners = listeners
        self._registry_listener = registry_listener
        self._folder = folder
        self._registrars = registrars
        self._status_listener = status_listener
        self._signals = Signals(HANDLED)
        self._hurry = False
        # the children hold the reading end: it is closed when this process ends, however it ends
        self._lifeline, self._alive = os.pipe()

    def run(self) -> int:
        registry = fork(self._be_registry)
        proxy = fork(self._be_proxy)
        running = {registry: "registry", proxy: "proxy"}
        # who connects while they end must be refused, not left waiting
        for listener in (*self._proxys_listeners(), self._registry_listener):
            listener.close()
        while True:
            caught, _ = self._signals.wait()
            ended = [(running.pop(pid), code) for pid, code in _ended(tuple(running))]
            if any(number is not signal.SIGCHLD for number in caught):
                # whoever sent it to us may have sent it to all of us
                return self._end(proxy, registry, running)
            if ended:
                for name, code in ended:
                    logs.say(f"eppd: the sandbox's {name} ended (code {code})", sys.stderr)
                self._end(proxy, registry, running)
                return 1

    def _proxys_listeners(self) -> list[socket.socket]:
        return [*self._listeners, *([self._status_listener] if self._status_listener else [])]

    def _end(self, proxy: int, registry: int, running: dict[int, str]) -> int:
        """The proxy first: it may still have commands to answer."""
        code = 0
        for pid, seconds in ((proxy, self._options.drain_timeout + PATIENCE), (registry, PATIENCE)):
            if pid in running:
                code = max(code, self._end_one(pid, seconds))
        return 1 if code else 0

    def _end_one(self, pid: int, seconds: float) -> int:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + (HASTE if self._hurry else seconds)
        while True:
            for _, code in _ended([pid]):
                return code
            left = deadline - time.monotonic()
            caught, _ = self._signals.wait((), max(0.0, left))
            if left <= 0:
                os.kill(pid, signal.SIGKILL)
                deadline = time.monotonic() + PATIENCE
            elif any(number is not signal.SIGCHLD for number in caught):
                # whoever interrupts twice does not want to wait; the proxy then cuts its sessions
                os.kill(pid, signal.SIGTERM)
                self._hurry = True
                deadline = min(deadline, time.monotonic() + HASTE)

    def _be_registry(self) -> int:
        self._leave_parent()
        for listener in self._proxys_listeners():
            listener.close()
        memory.share_arenas()
        signals = Signals([signal.SIGTERM])
        registry = self._folder.registry()
        server = RegistryServer(registry, self._registry_listener)
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        signals.wait([self._lifeline])
        server.shutdown()
        serving.join()
        registry.close()
        return 0

    def _be_proxy(self) -> int:
        self._leave_parent()
        self._registry_listener.close()
        host, port = self._listeners[0].getsockname()[:2]

        def announce() -> None:
            logs.say(welcome(self._folder, _reachable(host), port, self._registrars), sys.stdout)

        return Master(
            self._options,
            self._listeners,
            status_listener=self._status_listener,
            lifeline=self._lifeline,
            announce=announce,
        ).run()

    def _leave_parent(self) -> None:
        # a terminal's Ctrl-C goes to the keeper alone, which ends us in the right order
        os.setpgid(0, 0)
        self._signals.close()
        os.close(self._alive)


def _ended(pids: Sequence[int] | Mapping[int, str]) -> list[tuple[int, int]]:
    """(pid, exit code) of those that have ended."""
    found = []
    for pid in pids:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            found.append((pid, abs(os.waitstatus_to_exitcode(status))))
    return found
