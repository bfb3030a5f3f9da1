"""EPPServer: accepts on one listening socket, and gives each connection a thread of its own."""

from __future__ import annotations

import errno
import itertools
import logging
import os
import select
import socket
import socketserver
import time
from typing import Any

from srs_epp.daemon import proxy
from srs_epp.daemon.connection import Connection, Service
from srs_epp.daemon.limits import Running
from srs_epp.daemon.logs import ConnectionLog
from srs_epp.daemon.sockets import BACKLOG
from srs_epp.daemon.table import Full

log = logging.getLogger("eppd.server")

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_PAUSE = 0.1  # seconds, where the system has no descriptor left: accept() would fail at once again

_numbers = itertools.count(1)


class EPPServer(socketserver.ThreadingTCPServer):
    """The server of one listening socket, which is shared with other workers and so does not block.

    ``service``: what new connections are served with; may be replaced at any time.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, listener: socket.socket, service: Service, running: Running, drain: int) -> None:
        """``running`` is shared by the servers of a worker; ``drain`` see Connection."""
        super().__init__(listener.getsockname()[:2], socketserver.BaseRequestHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.service = service
        self._running = running
        self._drain = drain
        self.looks = 0
        """How often the thread that accepts has looked whether somebody has come."""

    def service_actions(self) -> None:
        """What serve_forever calls after each look."""
        self.looks += 1

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept. OSError where another worker was faster, or nothing is left to accept with."""
        try:
            return super().get_request()
        except OSError as error:
            if error.errno in _EXHAUSTED:
                log.error("can't accept: %s", error.strerror)
                time.sleep(_PAUSE)
            raise

    def accept_waiting(self) -> None:
        """Take the connections that the system has accepted already: a close would reset them."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        for _ in range(BACKLOG):  # more may come all the time, as long as the socket is open
            if not poll.poll(0):
                return
            self._handle_request_noblock()  # type: ignore[attr-defined]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Find room for the connection, and start its thread; close it where there is none."""
        service = self.service
        config = service.runtime.config
        about = {"connection": f"c{os.getpid()}-{next(_numbers)}", "peer": client_address[0]}
        # a load balancer's own address does not count; the client's is known once it has said it
        proxied = proxy.trusted(about["peer"], config.proxy_protocol)
        of_address = None if proxied else config.max_connections_per_address
        try:
            slot = service.table.take(about["connection"], about["peer"], config.max_connections, of_address)
        except Full as full:
            ConnectionLog("eppd.server", about).warning("refused: %s", full)
            service.records.refused(about, full.limit, str(full))
            self.shutdown_request(request)
            return
        service.records.accepted()
        self._running.begin()
        connection = Connection(request, about, slot, service, self._drain, proxied=proxied)
        try:
            super().process_request(request, connection)
        except RuntimeError as error:
            ConnectionLog("eppd.server", about).error("refused: %s", error)
            service.records.refused(about, "threads", str(error))
            self._forget(connection)
            self.shutdown_request(request)
        except BaseException:
            self._forget(connection)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The connection's thread; ``client_address`` is the Connection that process_request has made."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._forget(client_address)

    def _forget(self, connection: Connection) -> None:
        connection.give_back()
        self._running.end()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve the connection, to its end."""
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client_address.run()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A fault of ours in one connection; the others do not notice."""
        log.exception("a connection failed in us")
