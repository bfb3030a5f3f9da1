"""One TLS connection of the generator."""

from __future__ import annotations

import socket
import ssl
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from bench.commands import LOGIN, Kind

HEADER = 4
PATIENCE = 30.0  # seconds for a greeting, and for the answer to a login
_READ_SIZE = 65536
_OPENERS = 8  # connections that are being opened at a time


class Wrong(Exception):
    """An answer that is not the right one."""


class Answered(NamedTuple):
    """``due`` and ``came`` are on the clock of time.monotonic(); ``right``: the answer is the right one."""

    due: float
    came: float
    right: bool


def context(certificate: Path | None = None) -> ssl.SSLContext:
    """A client's context. It does not check the server's certificate: that time is none of the server's."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        made.load_cert_chain(certificate, certificate.with_suffix(".key"))
    return made


def connect(port: int, tls: ssl.SSLContext, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
    """A connection to the server; it blocks."""
    raw = socket.create_connection(("127.0.0.1", port), PATIENCE)
    try:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return tls.wrap_socket(raw, session=session)
    except BaseException:
        raw.close()
        raise


def read_unit(sock: ssl.SSLSocket) -> bytes:
    """The next data unit's XML, on a connection that blocks."""
    held = b""
    length = HEADER
    while len(held) < length:
        octets = sock.recv(length - len(held))
        if not octets:
            raise Wrong("the server has closed the connection")
        held += octets
        if len(held) == HEADER:
            length = int.from_bytes(held, "big")
    return held[HEADER:]


def log_in(port: int, tls: ssl.SSLContext) -> ssl.SSLSocket:
    """A connection that is logged in."""
    sock = connect(port, tls)
    try:
        read_unit(sock)
        sock.sendall(LOGIN.unit)
        answer = read_unit(sock)
        if LOGIN.sign not in answer:
            raise Wrong(f"login: {answer.decode('utf-8', 'replace')}")
    except BaseException:
        sock.close()
        raise
    return sock


def open_many(port: int, count: int) -> list[ssl.SSLSocket]:
    """So many connections that are logged in."""
    tls = context()
    with ThreadPoolExecutor(_OPENERS) as openers:
        return list(openers.map(lambda _: log_in(port, tls), range(count)))


class Wire:
    """A logged-in connection that sends what it is told, and never waits."""

    def __init__(self, sock: ssl.SSLSocket, mix: Sequence[Kind], start: int = 0) -> None:
        """``start``: where in the mix it begins, so that not all connections ask the same at a time."""
        sock.setblocking(False)
        self.sock = sock
        self._mix = mix
        self._next = start
        self._held = bytearray()
        self._output = bytearray()
        self._sent: deque[tuple[float, bytes]] = deque()
        self._blocks = {1: mix[0].unit} if len(mix) == 1 else {}

    @property
    def outstanding(self) -> int:
        """Commands that are sent and not answered."""
        return len(self._sent)

    @property
    def blocked(self) -> bool:
        """Whether the server does not take what is sent."""
        return bool(self._output)

    def send(self, count: int, due: float) -> None:
        """Send the next commands; ``due``: when they were to be sent, on the clock of time.monotonic()."""
        if len(self._mix) == 1:
            kind = self._mix[0]
            if count not in self._blocks:
                self._blocks[count] = kind.unit * count
            self._output += self._blocks[count]
            self._sent.extend([(due, kind.sign)] * count)
        else:
            for _ in range(count):
                kind = self._mix[self._next % len(self._mix)]
                self._next += 1
                self._output += kind.unit
                self._sent.append((due, kind.sign))
        self.flush()

    def flush(self) -> None:
        """Send on, as far as the server takes it."""
        try:
            while self._output:
                taken = self.sock.send(memoryview(self._output)[:_READ_SIZE].tobytes())
                del self._output[:taken]
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return

    def receive(self) -> list[Answered]:
        """The answers that have come since. Wrong where the server has closed."""
        try:
            octets = self.sock.recv(_READ_SIZE)
            while octets and self.sock.pending():
                self._held += octets
                octets = self.sock.recv(_READ_SIZE)
        except ssl.SSLWantReadError:
            return []
        if not octets:
            raise Wrong("the server has closed the connection")
        self._held += octets
        return self._answers(time.monotonic())

    def _answers(self, came: float) -> list[Answered]:
        held, start, found = self._held, 0, []
        while len(held) - start >= HEADER:
            end = start + int.from_bytes(held[start : start + HEADER], "big")
            if len(held) < end:
                break
            due, sign = self._sent.popleft()
            found.append(Answered(due, came, held.find(sign, start, end) >= 0))
            start = end
        del held[:start]
        return found
