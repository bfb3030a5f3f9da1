"""The kept connections to the registry: at most so many, shared by any number of threads."""

from __future__ import annotations

import queue
import ssl
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from srs_epp import __version__
from srs_epp.baton import BATON
from srs_epp.srs import form
from srs_epp.srs.backend import NotSent
from srs_epp.srs.http import Connection


class Pool:
    """At most ``size`` connections at a time; the one used last is used first, so that few stay open."""

    def __init__(self, url: str, size: int, ca_file: str | None) -> None:
        """``url``: http:// or https://. ``ca_file``: certificates (PEM) to trust besides the system's."""
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        # http.client would put the same together each time, and send it apart from the body
        self._head = (
            f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept-Encoding: identity\r\n"
            f"Content-Type: {form.MIME_TYPE}\r\nUser-Agent: eppd/{__version__}\r\nContent-Length: "
        ).encode("ascii")
        self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
        # a token for each; a semaphore of threading is written in Python
        self._free: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(size):
            self._free.put(None)
        self._idle: deque[Connection] = deque()

    def take(self, deadline: float) -> Connection:
        """One connection for one exchange, to be given back.

        NotSent where none is free, or none can be made, until ``deadline`` (by time.monotonic()).
        """
        try:
            self._free.get_nowait()
        except queue.Empty:
            self._wait_for_one(deadline)
        try:
            return self._take_idle() or self._open(deadline)
        except BaseException:
            self._free.put(None)
            raise

    def give_back(self, connection: Connection) -> None:
        """It goes back into the pool if it can serve again."""
        if connection.usable:
            connection.reused = True
            self._idle.append(connection)
        else:
            connection.close()
        self._free.put(None)

    @contextmanager
    def fresh_connection(self, deadline: float) -> Iterator[Connection]:
        """A new connection in place of one that has just died; closed after use."""
        connection = self._open(deadline)
        try:
            yield connection
        finally:
            connection.close()

    def close(self) -> None:
        """Close the idle connections."""
        while (connection := self._pop()) is not None:
            connection.close()

    def _wait_for_one(self, deadline: float) -> None:
        try:
            with BATON.laid_down:
                self._free.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise NotSent("every connection to the registry is busy") from None

    def _take_idle(self) -> Connection | None:
        while (connection := self._pop()) is not None:
            if connection.alive():
                return connection
            connection.close()
        return None

    def _pop(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _open(self, deadline: float) -> Connection:
        return Connection(self._host, self._port, self._head, self._tls, deadline)
