"""EPPServer: accepts on one listening socket, and gives each connection a thread of its own."""

from __future__ import annotations

import errno
import itertools
import logging
import os
import socket
import socketserver
import time
from typing import Any

from srs_epp.daemon.connection import Connection
from srs_epp.daemon.limits import Slots
from srs_epp.daemon.runtime import Runtime

log = logging.getLogger("eppd.server")

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_PAUSE = 0.1  # seconds, where the system has no descriptor left: accept() would fail at once again

_numbers = itertools.count(1)


class EPPServer(socketserver.ThreadingTCPServer):
    """The server of one listening socket, which is shared with other workers and so does not block."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, runtime: Runtime, slots: Slots, drain: int) -> None:
        """``slots`` is shared by the servers of a worker; ``drain`` see Connection."""
        super().__init__(listener.getsockname()[:2], socketserver.BaseRequestHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self._runtime = runtime
        self._slots = slots
        self._drain = drain

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept. OSError where another worker was faster, or nothing is left to accept with."""
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                log.error("can't accept: %s", error.strerror)
                time.sleep(_PAUSE)
            raise

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for one more connection."""
        if self._slots.take():
            return True
        log.warning("%s refused: max-connections (%d) reached", client_address[0], self._slots.taken)
        return False

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start the connection's thread; close it where the system has no more threads."""
        try:
            super().process_request(request, client_address)
        except RuntimeError as error:
            log.error("%s refused: %s", client_address[0], error)
            self._slots.give_back()
            self.shutdown_request(request)
        except BaseException:
            self._slots.give_back()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The connection's thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.give_back()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve the connection, to its end."""
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = f"c{os.getpid()}-{next(_numbers)}"
        Connection(request, client_address[0], name, self._runtime, self._drain).run()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A fault of ours in one connection; the others do not notice."""
        log.exception("the connection of %s failed in us", client_address[0])
