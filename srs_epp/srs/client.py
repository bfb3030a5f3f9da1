"""The way to the registry: a Transaction is POSTed, its signed response checked and read.

What can go wrong is told apart by what the registry may have done: NotSent (nothing), Unanswered (nobody
knows) and Unacceptable (something, but we can't believe what it says).
"""

from __future__ import annotations

import http.client
import io
import logging
import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from urllib.parse import urlsplit

from srs_epp import __version__
from srs_epp.masking import mask
from srs_epp.srs import form
from srs_epp.srs.openpgp import Keyring, SignatureUnreadable, SignatureWrong, SigningKey
from srs_epp.srs.results import ResponseUnreadable, Result
from srs_epp.srs.transaction import Transaction

log = logging.getLogger("eppd.backend")


class BackendError(Exception):
    """The registry gave no answer that can be used."""


class NotSent(BackendError):
    """No connection, or none free in time: the registry has seen nothing of the request."""


class Unanswered(BackendError):
    """The request went out, and no whole answer came: what the registry did is not known."""


class Unacceptable(BackendError):
    """An answer came that is no signed SRS response, or not one to this request."""


class Backend(Protocol):
    """What a session needs of the registry."""

    def exchange(self, transaction: Transaction, *, timeout: float | None = None) -> list[Result]:
        """The results, one for each action. SRSError where the whole request was refused; BackendError.

        ``timeout``: seconds, where it is not the usual time.
        """


class Client:
    """Talks SRS over HTTP(S), with a bounded pool of kept connections that any number of threads share."""

    def __init__(
        self,
        url: str,
        *,
        signing_key: SigningKey,
        keyring: Keyring | None,
        timeout: float = 30,
        connections: int = 32,
        max_response: int = 8 * 1024 * 1024,
        ca_file: str | None = None,
        unsigned: bool = False,
    ) -> None:
        """``url``: http:// or https://. ``timeout``: seconds for a whole exchange. ``max_response``: octets.

        ``unsigned``: a response without a signature is taken; a wrong one never is, and without a
        ``keyring`` any is wrong.
        """
        self._keyring = keyring
        self._signing_key = signing_key
        self._timeout = timeout
        self._max_response = max_response
        self._pool = _Pool(url, connections, ca_file)
        self._unsigned = unsigned

    def exchange(self, transaction: Transaction, *, timeout: float | None = None) -> list[Result]:
        """Send the transaction and wait for its results; ``timeout``: other seconds than the usual.

        SRSError (``whole``) where the registry refused the request as a whole; NotSent, Unanswered or
        Unacceptable where no usable answer came.
        """
        document = transaction.document()
        body = form.encode(
            {"r": document, "s": self._signing_key.sign(document), "n": str(transaction.registrar_id)}
        )
        deadline = time.monotonic() + (self._timeout if timeout is None else timeout)
        answer = self._post(body, deadline, may_repeat=not transaction.writes)
        return self._read(transaction, answer)

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    def _post(self, body: bytes, deadline: float, *, may_repeat: bool) -> bytes:
        with self._pool.connection(deadline) as connection:
            reused = connection.reused
            try:
                return connection.post(body, deadline, self._max_response)
            except _Silence as silence:
                # a server closes an idle connection whenever it likes; a query does no harm twice
                if not (reused and may_repeat):
                    raise Unanswered(str(silence)) from None
            return self._post_afresh(body, deadline)

    def _post_afresh(self, body: bytes, deadline: float) -> bytes:
        with self._pool.fresh_connection(deadline) as connection:
            try:
                return connection.post(body, deadline, self._max_response)
            except _Silence as silence:
                raise Unanswered(str(silence)) from None

    def _read(self, transaction: Transaction, body: bytes) -> list[Result]:
        try:
            fields = form.decode(body)
            if "r" not in fields:
                raise form.NotAForm("the field 'r' is missing")
            self._check_signature(fields)
            return transaction.results(fields["r"])
        except (form.NotAForm, SignatureUnreadable, SignatureWrong, ResponseUnreadable) as error:
            log.debug("unacceptable response: %s", mask(body[:65536].decode("utf-8", "replace")))
            raise Unacceptable(str(error)) from None

    def _check_signature(self, fields: dict[str, bytes]) -> None:
        signature = fields.get("s", b"").strip()
        if not signature:
            if not self._unsigned:
                raise SignatureWrong("the response bears no signature")
            return
        if self._keyring is None:
            raise SignatureWrong("the response is signed, but there is no key to check it with")
        self._keyring.verify(fields["r"], signature)


class _Silence(Exception):
    """The connection ended, or time ran out, before the first octet of an answer came."""


class _Pool:
    """At most ``size`` connections at a time; the one used last is used first, so that few stay open."""

    def __init__(self, url: str, size: int, ca_file: str | None) -> None:
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
        self._free = threading.BoundedSemaphore(size)
        self._idle: deque[_Connection] = deque()

    @contextmanager
    def connection(self, deadline: float) -> Iterator[_Connection]:
        """One connection for one exchange; it goes back into the pool if it can serve again."""
        if not self._free.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise NotSent("every connection to the registry is busy")
        try:
            connection = self._take_idle() or self._open(deadline)
            try:
                yield connection
            finally:
                if connection.usable:
                    connection.reused = True
                    self._idle.append(connection)
                else:
                    connection.close()
        finally:
            self._free.release()

    @contextmanager
    def fresh_connection(self, deadline: float) -> Iterator[_Connection]:
        """A new connection in place of one that has just died; closed after use."""
        connection = self._open(deadline)
        try:
            yield connection
        finally:
            connection.close()

    def close(self) -> None:
        while (connection := self._pop()) is not None:
            connection.close()

    def _take_idle(self) -> _Connection | None:
        while (connection := self._pop()) is not None:
            if connection.alive():
                return connection
            connection.close()
        return None

    def _pop(self) -> _Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _open(self, deadline: float) -> _Connection:
        return _Connection(self._host, self._port, self._head, self._tls, deadline)


class _Connection:
    """One HTTP/1.1 connection to the registry."""

    def __init__(
        self, host: str, port: int | None, head: bytes, tls: ssl.SSLContext | None, deadline: float
    ) -> None:
        """``head``: that of every request, up to the value of Content-Length."""
        self.reused = False
        self.usable = False
        self._head = head
        opening = (
            http.client.HTTPSConnection(host, port, context=tls)
            if tls
            else http.client.HTTPConnection(host, port)
        )
        opening.timeout = max(0.001, deadline - time.monotonic())
        try:
            opening.connect()
        except (OSError, UnicodeError) as error:  # the latter: a host name that can't be one
            opening.close()
            raise NotSent(f"registry not reachable: {error}") from None
        self._socket = _DeadlineSocket(opening.sock)

    def alive(self) -> bool:
        """Whether the registry has kept this idle connection; one to be read from is closed or spoilt."""
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        return not poll.poll(0)

    def post(self, body: bytes, deadline: float, max_response: int) -> bytes:
        """The body of the answer. _Silence before its first octet, Unanswered after; Unacceptable."""
        self.usable = False
        self._socket.deadline = deadline
        try:
            self._socket.sendall(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
            response = http.client.HTTPResponse(self._socket, method="POST")  # type: ignore[arg-type]
            response.begin()
            if self._socket.ended:
                raise ConnectionAbortedError("it ended in the head of the response")
            content = response.read(max_response + 1)
        except TimeoutError:
            raise Unanswered("the registry did not answer in time") from None
        except (OSError, http.client.HTTPException) as error:
            reason = f"the connection to the registry failed: {error or type(error).__name__}"
            raise (Unanswered if self._socket.heard else _Silence)(reason) from None
        if response.status != http.HTTPStatus.OK:
            raise Unanswered(f"the registry answered HTTP status {response.status}")
        if len(content) > max_response:
            raise Unacceptable(f"the response is longer than {max_response} octets")
        if response.headers.get_content_type() != form.MIME_TYPE:
            raise Unacceptable(f"the response is not {form.MIME_TYPE}")
        if response.length:
            raise Unanswered("the response ended early")
        self.usable = not response.will_close
        return content

    def close(self) -> None:
        self._socket.close()


class _DeadlineSocket:
    """The socket under http.client, with one deadline for the whole exchange.

    A socket's own time-out starts again with every octet: a registry that drips would never time out.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.deadline = 0.0
        self.heard = False
        self.ended = False

    def fileno(self) -> int:
        return self._sock.fileno()

    def sendall(self, data: bytes) -> None:
        self.heard = False
        left = memoryview(data)
        while left:  # not by the socket's own sendall: over TLS its time-out starts again with every record
            self._sock.settimeout(self._left())
            left = left[self._sock.send(left) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def recv_into(self, buffer: memoryview) -> int:
        self._sock.settimeout(self._left())
        count = self._sock.recv_into(buffer)
        self.heard = self.heard or count > 0
        self.ended = count == 0
        return count

    def close(self) -> None:
        self._sock.close()

    def _left(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class _Reader(io.RawIOBase):
    def __init__(self, source: _DeadlineSocket) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._source.recv_into(buffer)
