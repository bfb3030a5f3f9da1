"""A registry that costs next to nothing: an HTTP/1.1 server of one thread with answers of its own.

It looks nothing up and checks no signature; it puts TransIds into an answer, and signs it. The path says how
long it takes over an answer: ``/50`` is 50 milliseconds. ``python -m bench.stub FOLDER`` says its port.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import deque
from pathlib import Path

from bench.answers import Answers

_LENGTH = b"Content-Length: "
_READ_SIZE = 65536


class _Connection:
    """A kept connection; ``delay`` in seconds."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.held = bytearray()
        self.delay: float | None = None

    def bodies(self) -> list[bytes]:
        """The requests that are whole."""
        found = []
        while (head := self.held.find(b"\r\n\r\n")) >= 0:
            at = self.held.index(_LENGTH, 0, head) + len(_LENGTH)
            length = int(self.held[at : self.held.index(b"\r", at)])
            if len(self.held) < head + 4 + length:
                break
            if self.delay is None:
                self.delay = int(self.held.split(b" ", 2)[1].lstrip(b"/") or b"0") / 1000
            found.append(bytes(self.held[head + 4 : head + 4 + length]))
            del self.held[: head + 4 + length]
        return found


class Stub:
    """The server; ``serve`` never returns."""

    def __init__(self, listener: socket.socket, answers: Answers) -> None:
        self._listener = listener
        self._answers = answers
        self._connections: dict[int, _Connection] = {}
        self._epoll = select.epoll()
        self._late: dict[float, deque[tuple[float, _Connection, bytes]]] = {}

    def serve(self) -> None:
        self._epoll.register(self._listener, select.EPOLLIN)
        while True:
            for descriptor, _ in self._epoll.poll(self._send_late()):
                if descriptor == self._listener.fileno():
                    self._accept()
                else:
                    self._read(self._connections[descriptor])

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections[sock.fileno()] = _Connection(sock)
        self._epoll.register(sock, select.EPOLLIN)

    def _read(self, connection: _Connection) -> None:
        try:
            octets = connection.sock.recv(_READ_SIZE)
        except ConnectionResetError:
            octets = b""
        if not octets:
            del self._connections[connection.sock.fileno()]
            connection.sock.close()
            return
        connection.held += octets
        for body in connection.bodies():
            answer = self._answers.to(body)
            if connection.delay:
                queue = self._late.setdefault(connection.delay, deque())
                queue.append((time.monotonic() + connection.delay, connection, answer))
            else:
                _send(connection, answer)

    def _send_late(self) -> float | None:
        """Send what is due; seconds until more is."""
        now = time.monotonic()
        for queue in self._late.values():
            while queue and queue[0][0] <= now:
                _, connection, answer = queue.popleft()
                _send(connection, answer)
        due = [queue[0][0] for queue in self._late.values() if queue]
        return max(0.0, min(due) - now) if due else None


def _send(connection: _Connection, answer: bytes) -> None:
    try:
        connection.sock.sendall(answer)
    except OSError:  # whoever asked has gone; the next read sees it too
        return


def main(folder: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    stub = Stub(listener, Answers(Path(folder)))
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    stub.serve()


if __name__ == "__main__":
    main(sys.argv[1])
