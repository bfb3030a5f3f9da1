"""The HTTP server around a registry: POST in, 200 with the signed answer out."""

from __future__ import annotations

import contextlib
import logging
import socket
import socketserver
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from srs_epp.registry.envelope import LARGEST_BODY
from srs_epp.registry.service import Registry
from srs_epp.srs.form import MIME_TYPE

PATH = "/srs/registrar"

_LOG = logging.getLogger("eppd.registry")

_SILENCE = 300.0  # seconds without an octet after which a connection is closed
_MOST_SKIPPED = (
    16 * LARGEST_BODY
)  # octets of a body that is too long, read so that the client hears the answer
_CHUNK = 64 * 1024
_FAREWELL = 10.0  # seconds that shutdown waits for answers under way


class RegistryServer(ThreadingHTTPServer):
    """Serves a registry on one address, with a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, registry: Registry, where: tuple[str, int] | socket.socket) -> None:
        """``where``: a host and port (0: any that is free), or a bound socket, which the server then owns."""
        self.registry = registry
        self._guard = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        if isinstance(where, socket.socket):
            super().__init__(where.getsockname()[:2], _Handler, bind_and_activate=False)
            self.socket.close()
            self.socket = where
            self._note_address()
        else:
            self.address_family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
            super().__init__(where, _Handler, bind_and_activate=False)
            self._bind()
        self.server_activate()

    @property
    def url(self) -> str:
        """Where requests are to be posted."""
        host = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"http://{host}:{self.server_port}{PATH}"

    def serve_forever(self, poll_interval: float = 0.05) -> None:
        """Serve until ``shutdown`` is called from another thread."""
        super().serve_forever(poll_interval)

    def shutdown(self) -> None:
        """End ``serve_forever``, which must have been called; answers under way are finished."""
        super().shutdown()
        self.server_close()
        with self._guard:
            connections = dict(self._connections)
        for connection in connections.values():
            # it ends the wait for a next request, and lets an answer out that is being made
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        deadline = time.monotonic() + _FAREWELL
        for thread in connections:
            thread.join(max(0.0, deadline - time.monotonic()))

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True, name="registry"
        )
        with self._guard:
            self._connections[thread] = request
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.registry.release()
            with self._guard:
                del self._connections[threading.current_thread()]

    def handle_error(self, request: Any, client_address: Any) -> None:
        _LOG.exception("connection of %s", client_address[0])

    def _bind(self) -> None:
        try:
            # not HTTPServer's, which asks the DNS for the name of the host
            socketserver.TCPServer.server_bind(self)
        except BaseException:
            self.server_close()
            raise
        self._note_address()

    def _note_address(self) -> None:
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.socket.getsockname()[:2]


class _Handler(BaseHTTPRequestHandler):
    """One connection, with one request after the other."""

    server: RegistryServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "registry", ""
    timeout = _SILENCE
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body of an answer go out together

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError as error:
            _LOG.debug("connection of %s lost: %s", self.client_address[0], error)

    def do_POST(self) -> None:
        """Answer one request of the SRS protocol."""
        if self.path != PATH:
            self._fail(HTTPStatus.NOT_FOUND)
            return
        length = self._length()
        if length is None:
            return
        if length > LARGEST_BODY:
            self._answer_too_long(length)
            return
        body = self.rfile.read(length)
        if len(body) < length:  # the client has gone in the middle of it
            self.close_connection = True
            return
        self._answer(self.server.registry.answer(body, self.headers.get("Content-Type", "")))

    def refuse(self) -> None:
        """Answer a method that the protocol has no use for."""
        self.close_connection = True  # it may have a body, which nobody reads
        self.send_response(HTTPStatus.METHOD_NOT_ALLOWED)
        self.send_header("Allow", "POST")
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    do_GET = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = refuse

    def log_message(self, format: str, *args: Any) -> None:
        _LOG.debug("%s " + format, self.client_address[0], *args)

    def _length(self) -> int | None:
        """The length of the body; None where it can't be told, and the client has been told so."""
        text = self.headers.get("Content-Length")
        if text is None or self.headers.get("Transfer-Encoding") is not None:
            self._fail(HTTPStatus.LENGTH_REQUIRED)
            return None
        if not (text.isascii() and text.isdigit()) or len(text) > 18:
            self._fail(HTTPStatus.BAD_REQUEST)
            return None
        return int(text)

    def _fail(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self.send_error(status)

    def _answer(self, body: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", MIME_TYPE)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _answer_too_long(self, length: int) -> None:
        self.close_connection = True
        left = min(length, _MOST_SKIPPED)
        while left > 0 and (skipped := self.rfile.read(min(left, _CHUNK))):
            left -= len(skipped)
        self._answer(self.server.registry.answer_too_long(length))
