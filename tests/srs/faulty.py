"""A registry on a real socket that does what its script says, faults included."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import parse_qsl, quote_plus

from srs_epp.srs.openpgp import SigningKey

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Request:
    """One POST as it came."""

    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def fields(self) -> dict[str, bytes]:
        """The form, decoded by another way than the client's."""
        pairs = parse_qsl(self.body.decode("ascii"), keep_blank_values=True, encoding="latin-1")
        return {name: value.encode("latin-1") for name, value in pairs}


class Peer:
    """A connection, as the registry sees it."""

    def __init__(self, sock: socket.socket, stopped: threading.Event) -> None:
        self._sock = sock
        self._stopped = stopped
        self._held = b""
        self.open = True
        self.sent = 0

    def request(self) -> Request | None:
        """The next request; None where the client sends no more."""
        while b"\r\n\r\n" not in self._held:
            if not self._receive():
                return None
        head, _, self._held = self._held.partition(b"\r\n\r\n")
        line, *rest = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
        length = int(headers.get("content-length", "0"))
        while len(self._held) < length:
            if not self._receive():
                return None
        body, self._held = self._held[:length], self._held[length:]
        return Request(line, headers, body)

    def send(self, octets: bytes) -> None:
        self._sock.sendall(octets)
        self.sent += len(octets)

    def send_slowly(self, octets: bytes, pause: float) -> None:
        """One octet at a time, until the client has gone."""
        for octet in octets:
            if self.pause(pause):
                return
            self.send(bytes([octet]))

    def read_slowly(self, size: int, pause: float) -> None:
        """Take ``size`` octets at a time, until the client has gone."""
        while not self.pause(pause) and self._sock.recv(size):
            pass

    def take(self, octets: int) -> None:
        """Read that many octets, and no more; fewer where the client sends no more."""
        while octets > 0 and (taken := self._sock.recv(octets)):
            octets -= len(taken)

    def pause(self, seconds: float) -> bool:
        """Whether the registry was stopped meanwhile."""
        return self._stopped.wait(seconds)

    def wait(self) -> None:
        """Say nothing until the client has gone."""
        while self._receive():
            pass

    def close(self) -> None:
        self.open = False
        self._sock.close()

    def reset(self) -> None:
        """Close with a TCP reset instead of an orderly end."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def end(self) -> None:
        """Wake the thread that reads or writes here."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def _receive(self) -> bool:
        octets = self._sock.recv(65536)
        self._held += octets
        return bool(octets)


Behaviour = Callable[[Peer, Request], None]
Greeting = Callable[[Peer], None]


class Registry:
    """Listens on 127.0.0.1. The n-th request is treated as the n-th behaviour says, the rest as the last.

    ``greet`` is done to each connection before anything is read from it; ``receive_buffer``: octets that the
    kernel takes before the registry reads them.
    """

    def __init__(
        self,
        *script: Behaviour,
        greet: Greeting | None = None,
        tls: ssl.SSLContext | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        self._script = script
        self._greet = greet
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        if receive_buffer is not None:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._peers: list[Peer] = []
        self._threads: list[threading.Thread] = []
        self._open = 0
        self.most_open = 0
        self.requests: list[Request] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/srs/registrar"

    @property
    def accepted(self) -> int:
        """How many connections have come."""
        return len(self._peers)

    @property
    def sent(self) -> int:
        """How many octets clients were sent."""
        return sum(peer.sent for peer in self._peers)

    def __enter__(self) -> Registry:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        with self._lock:
            for peer in self._peers:
                peer.end()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def wait_until(self, condition: Callable[[], bool], seconds: float = 5) -> None:
        """Wait for what the registry's own threads will do; AssertionError if they don't."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the registry's thread did not come so far"
            time.sleep(0.002)

    def all_closed(self) -> bool:
        """Whether the registry has closed every connection."""
        return not any(peer.open for peer in self._peers)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            if self._tls is not None:
                sock.settimeout(5)
                sock = self._tls.wrap_socket(sock, server_side=True)
                sock.settimeout(None)
            with sock:
                self._talk(sock)

    def _talk(self, sock: socket.socket) -> None:
        peer = Peer(sock, self._stopped)
        with self._lock:
            self._peers.append(peer)
            self._open += 1
            self.most_open = max(self.most_open, self._open)
        try:
            if self._stopped.is_set():
                return
            if self._greet is not None:
                self._greet(peer)
            while peer.open and (request := peer.request()) is not None:
                self._behaviour(request)(peer, request)
        finally:
            peer.open = False
            with self._lock:
                self._open -= 1

    def _behaviour(self, request: Request) -> Behaviour:
        with self._lock:
            self.requests.append(request)
            return self._script[min(len(self.requests), len(self._script)) - 1]


def signed(xml: bytes, key: SigningKey) -> bytes:
    """The form of a response, escaped as the registry does it: in lower case, and all but 0-9A-Za-z_-."""
    return form({"r": xml, "s": key.sign(xml).encode()})


def form(fields: Mapping[str, bytes]) -> bytes:
    return b"&".join(name.encode() + b"=" + _escaped(value) for name, value in fields.items())


def _escaped(value: bytes) -> bytes:
    plain = quote_plus(value).replace(".", "%2E").replace("~", "%7E")
    return re.sub("%..", lambda found: found[0].lower(), plain).encode()


def http(
    body: bytes,
    *,
    status: str = "200 OK",
    mime: str | None = FORM,
    length: int | None = None,
    more: str = "",
) -> bytes:
    """An HTTP response; ``length``: what Content-Length says, instead of the truth."""
    head = f"HTTP/1.1 {status}\r\n{more}"
    if mime is not None:
        head += f"Content-Type: {mime}\r\n"
    head += f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    return head.encode() + body


def chunked(body: bytes, size: int = 100) -> bytes:
    """The response in chunks."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def send(octets: bytes) -> Behaviour:
    """Send exactly that, and keep the connection."""
    return lambda peer, _request: peer.send(octets)


def send_and_close(octets: bytes) -> Behaviour:
    def behave(peer: Peer, _request: Request) -> None:
        peer.send(octets)
        peer.close()

    return behave


def close(peer: Peer, _request: Request) -> None:
    """Read the request, then end the connection without a word."""
    peer.close()


def reset(peer: Peer, _request: Request) -> None:
    peer.reset()


def silence(peer: Peer, _request: Request) -> None:
    peer.wait()


def drip(octets: bytes, pause: float) -> Behaviour:
    return lambda peer, _request: peer.send_slowly(octets, pause)


def pour(octets: bytes, times: int, before: bytes = b"") -> Behaviour:
    """Send the octets again and again, as long as the client takes them."""

    def behave(peer: Peer, _request: Request) -> None:
        peer.send(before)
        for _ in range(times):
            peer.send(octets)
        peer.close()

    return behave
