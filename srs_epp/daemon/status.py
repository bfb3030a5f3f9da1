"""The status process: /metrics, /healthz, /readyz, /status and /status.json, over plain HTTP.

It is meant for operators, in a network of theirs, and for Prometheus; it changes nothing and tells no secret.
Adding up what many workers have counted takes time: in a process of its own, no client of EPP waits for that.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import logging
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from multiprocessing.connection import Connection as Channel
from typing import Any, NamedTuple

from srs_epp.config import Config, ConfigError
from srs_epp.daemon import logs, names, sockets
from srs_epp.daemon.figures import Figures
from srs_epp.daemon.readiness import Prober, Readiness
from srs_epp.daemon.signals import Signals
from srs_epp.daemon.table import Table
from srs_epp.daemon.worker import FAULTS, READY, RELOAD

log = logging.getLogger("eppd.status")

MOST_CONNECTIONS = 64
LIFETIME = 10.0  # seconds from accept to the last octet of the answer: what Prometheus grants, too
FAREWELL = 2.0  # seconds for requests under way, once it is time to end
_LOOK = 0.5  # seconds between two looks for connections that have had their time

_PLAIN = "text/plain; charset=utf-8"
_ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def serve(config: Config, listener: socket.socket, table: Table, channel: Channel, lifeline: int) -> int:
    """Serve until SIGTERM, or until the master is gone; the exit code. Requests under way are answered first.

    ``listener`` does not block, and another process may accept on it too. ``channel``: to the master, as a
    worker's. ``lifeline``: a descriptor that is closed when the master ends.
    """
    # a terminal sends it to us too, and whoever tells all of eppd to reload means the master
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):
        signal.signal(ignored, signal.SIG_IGN)
    names.name_process("status")
    signals = Signals([signal.SIGTERM])
    readiness = Readiness(config, table)
    figures = Figures(config, table, readiness)
    prober = Prober(config, table)
    server = StatusServer(listener, _pages(readiness, figures))
    # neither is joined: this process ends with its main thread
    threading.Thread(target=server.serve_forever, args=(_LOOK,), name="accept", daemon=True).start()
    threading.Thread(target=prober.run, name="prober", daemon=True).start()
    channel.send((READY, []))
    log.info("status at http://%s/status", sockets.name_of(listener))
    while True:
        caught, ready = signals.wait([lifeline, channel.fileno()])
        if caught or lifeline in ready:
            break
        if ready:
            try:
                order, new = channel.recv()
            except (EOFError, OSError):
                break
            if order == RELOAD:
                with suppress(ConfigError):  # the master says what is wrong with the log
                    logs.configure(new.log_level, new.log_format, new.log_target)
                readiness.config = new
                figures.use(new)
                prober.use(new)
                channel.send((FAULTS, []))
            else:
                readiness.draining = True
    server.leave()
    return 0


class Answer(NamedTuple):
    """What is answered to a GET."""

    body: bytes
    media_type: str = _PLAIN
    status: HTTPStatus = HTTPStatus.OK
    policy: str = _NOTHING
    """The Content-Security-Policy."""


Page = Callable[[str], Answer]
"""Makes the answer, of the request's Accept header."""


def _pages(readiness: Readiness, figures: Figures) -> Mapping[str, Page]:
    page = resources.files("srs_epp.daemon").joinpath("status.html").read_bytes()
    status = Answer(page, "text/html; charset=utf-8", policy=policy_of(page.decode()))

    def readyz(_accept: str) -> Answer:
        fault = readiness.fault
        if fault is not None:
            return Answer(f"{fault}\n".encode(), status=HTTPStatus.SERVICE_UNAVAILABLE)
        return Answer(b"ok\n")

    return {
        "/metrics": lambda accept: Answer(*figures.exposition(accept)),
        "/healthz": lambda _accept: Answer(b"ok\n"),
        "/readyz": readyz,
        "/status": lambda _accept: status,
        "/status.json": lambda _accept: Answer(
            json.dumps(figures.summary(), separators=(",", ":")).encode(), "application/json"
        ),
    }


def policy_of(page: str) -> str:
    """A Content-Security-Policy by which the page may do what it does, and nothing else.

    Its own style and script are known by their hashes, so that nothing else that gets into it would run.
    """

    def hashes(element: str) -> str:
        inline = re.findall(f"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digests = (base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in inline)
        return " ".join(f"'sha256-{digest}'" for digest in digests)

    return (
        f"{_NOTHING}; style-src {hashes('style')}; script-src {hashes('script')};"
        " connect-src 'self'; img-src data:"
    )


class StatusServer(ThreadingHTTPServer):
    """A thread for each connection, which has one request; neither many nor long."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, pages: Mapping[str, Page]) -> None:
        super().__init__(listener.getsockname()[:2], _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.pages = pages
        self._guard = threading.Lock()
        self._ends: dict[socket.socket, float] = {}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start the connection's thread; close it where there are enough."""
        with self._guard:
            full = len(self._ends) >= MOST_CONNECTIONS
            if not full:
                self._ends[request] = time.monotonic() + LIFETIME
        if full:
            log.debug("%s refused: %d connections already", client_address[0], MOST_CONNECTIONS)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # the system has no thread left
            self._forget(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The connection's thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._forget(request)

    def _forget(self, request: socket.socket) -> None:
        with self._guard:
            self._ends.pop(request, None)

    def service_actions(self) -> None:
        """End the connections that have had their time: a time-out would begin again with every octet."""
        now = time.monotonic()
        with self._guard:
            late = [one for one, end in self._ends.items() if end <= now]
        for one in late:
            with suppress(OSError):  # just closed by its thread
                one.shutdown(socket.SHUT_RDWR)

    def leave(self) -> None:
        """Accept no more, and give what was accepted a little time."""
        self.shutdown()
        self.server_close()
        deadline = time.monotonic() + FAREWELL
        while self._ends and time.monotonic() < deadline:
            time.sleep(0.01)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or a fault of ours, which others do not notice."""
        if isinstance(sys.exception(), OSError):
            log.debug("connection of %s failed: %s", client_address[0], sys.exception())
        else:
            log.exception("a connection failed in us")


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: StatusServer
    timeout = LIFETIME
    default_request_version = "HTTP/1.0"  # whatever it was that came, a status can be answered

    def version_string(self) -> str:
        """Who we are, and no more."""
        return "eppd"

    def do_GET(self) -> None:
        """Answer with the page."""
        if not self._is_meant():
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return
        page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            answer = page(self.headers.get("Accept", ""))
        except Exception:
            log.exception("%s failed in us", self.path.partition("?")[0])
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        self._answer(answer)

    do_HEAD = do_GET

    def _is_meant(self) -> bool:
        """Whether who asks over loopback has asked for this machine, by an address or as localhost.

        A page that an operator looks at elsewhere can make its own name lead here (DNS rebinding), and would
        read the answers.
        """
        ours = ipaddress.ip_address(self.connection.getsockname()[0])
        if not (getattr(ours, "ipv4_mapped", None) or ours).is_loopback:
            return True  # by whatever name Prometheus knows us
        host = self.headers.get("Host", "")
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        with suppress(ValueError):
            return bool(ipaddress.ip_address(name))
        return name.lower() in ("", "localhost")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Say the status in plain text; what http.server has against the request in words is not said."""
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:  # so http.server calls it where there is no do_METHOD
            status = HTTPStatus.METHOD_NOT_ALLOWED
        self._answer(Answer(f"{status.phrase}\n".encode(), status=status))

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {
            "Content-Type": answer.media_type,
            "Content-Length": str(len(answer.body)),
            "Content-Security-Policy": answer.policy,
            **_ALWAYS,
        }
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = "GET, HEAD"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Only where one looks closely: Prometheus comes every few seconds."""
        log.debug("%s: %s", self.client_address[0], ascii(format % args))
