"""One kept HTTP/1.1 connection to the registry, with one deadline for a whole exchange.

The head that nearly every answer has is read here, in a fraction of the time that ``http.client`` takes; any
other goes to ``http.client``, octet for octet as it came.
"""

from __future__ import annotations

import http.client
import io
import re
import select
import ssl
import time
from functools import lru_cache

from srs_epp.baton import BATON
from srs_epp.srs import form
from srs_epp.srs.backend import NotSent, Unacceptable, Unanswered

_READ_SIZE = 65536
_LONGEST_HEAD = 65536  # octets; http.client says what is wrong with a longer one


class Silence(Exception):
    """The connection ended before the first octet of an answer came."""


class Connection:
    """One connection; ``usable``: the last exchange left it fit for another. ``reused``: it has had one."""

    def __init__(
        self, host: str, port: int | None, head: bytes, tls: ssl.SSLContext | None, deadline: float
    ) -> None:
        """``head``: that of every request, up to the value of Content-Length. NotSent where it can't be made.

        ``deadline``: by time.monotonic(), until when it must be there.
        """
        self.reused = False
        self.usable = False
        self._head = head
        self._deadline = 0.0
        self._heard = self._ended = False
        opening = (
            http.client.HTTPSConnection(host, port, context=tls)
            if tls
            else http.client.HTTPConnection(host, port)
        )
        opening.timeout = max(0.001, deadline - time.monotonic())
        try:
            with BATON.laid_down:
                opening.connect()
        except (OSError, UnicodeError) as error:  # the latter: a host name that can't be one
            opening.close()
            raise NotSent(f"registry not reachable: {error}") from None
        # a socket's own time-out starts again with every octet: a registry that drips would never time out
        self._socket = opening.sock
        self._socket.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def alive(self) -> bool:
        """Whether the registry has kept this idle connection; one to be read from is closed or spoilt."""
        return not self._poll.poll(0)

    def post(self, body: bytes, deadline: float, max_response: int) -> bytes:
        """The body of the answer. Silence before its first octet, Unanswered after; Unacceptable."""
        self.usable = False
        self._deadline = deadline
        self._heard = self._ended = False
        try:
            self._send(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
            begun = self._begin_answer()
            end = begun.find(b"\r\n\r\n")
            length = usual_length(begun[:end]) if end >= 0 else None
            if length is None:
                return self._unusual(begun, max_response)
            return self._content(begun[end + 4 :], length, max_response)
        except TimeoutError:
            raise Unanswered("the registry did not answer in time") from None
        except (OSError, http.client.HTTPException) as error:
            reason = f"the connection to the registry failed: {error or type(error).__name__}"
            raise (Unanswered if self._heard else Silence)(reason) from None

    def close(self) -> None:
        self._socket.close()

    # -- the answer

    def _begin_answer(self) -> bytes:
        """Its head, with what came along behind it; less where it ends before, or has no end."""
        octets = self._receive(_READ_SIZE)
        while not _HEAD_END.search(octets) and not self._ended and len(octets) < _LONGEST_HEAD:
            octets += self._receive(_READ_SIZE)
        return octets

    def _content(self, begun: bytes, length: int, max_response: int) -> bytes:
        if length > max_response:
            raise Unacceptable(f"the response is longer than {max_response} octets")
        if len(begun) < length:
            content = bytearray(begun)
            while len(content) < length:
                if not (more := self._receive(_READ_SIZE)):
                    raise Unanswered("the response ended early")
                content += more
            begun = bytes(content)
        # what comes behind an answer answers nothing
        self.usable = len(begun) == length
        return begun[:length]

    def _unusual(self, begun: bytes, max_response: int) -> bytes:
        response = http.client.HTTPResponse(_Replay(begun, self), method="POST")  # type: ignore[arg-type]
        response.begin()
        if self._ended:
            raise ConnectionAbortedError("it ended in the head of the response")
        content = response.read(max_response + 1)
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

    # -- octets

    def _send(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            try:
                left = left[self._socket.send(left) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(select.POLLOUT)
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN)

    def _receive(self, most: int) -> bytes:
        """Some octets; none at the end of the stream."""
        waits = select.POLLIN
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            waits = 0
        while True:
            if waits:
                self._wait(waits)
            try:
                octets = self._socket.recv(most)
            except (BlockingIOError, ssl.SSLWantReadError):
                waits = select.POLLIN
            except ssl.SSLWantWriteError:
                waits = select.POLLOUT
            else:
                self._heard = self._heard or bool(octets)
                self._ended = not octets
                return octets

    def _wait(self, events: int) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if events != select.POLLIN:
            self._poll.modify(self._socket, events)
        try:
            with BATON.laid_down:
                ready = self._poll.poll(left * 1000)
            if not ready:
                raise TimeoutError
        finally:
            if events != select.POLLIN:
                self._poll.modify(self._socket, select.POLLIN)


# when many answers come, they come with few heads: those of one second differ by their length alone
@lru_cache(maxsize=64)
def usual_length(head: bytes) -> int | None:
    """The Content-Length in the head of an answer such as a kept connection to a registry brings.

    None where the head says anything that may need more than to read as many octets.

    >>> head = b"HTTP/1.1 200 OK\\r\\nContent-Length: 7\\r\\nContent-Type: application/x-www-form-urlencoded"
    >>> usual_length(head), usual_length(head + b"\\r\\nTransfer-Encoding: chunked")
    (7, None)
    """
    if not _HEAD.fullmatch(head):
        return None
    found = _FIELDS.findall(head)
    fields = {name.lower(): value.strip(b" \t") for name, value in found}
    if (
        len(fields) < len(found)
        or b"transfer-encoding" in fields
        or fields.get(b"content-encoding", b"identity") != b"identity"
        or fields.get(b"connection", b"keep-alive").lower() != b"keep-alive"
        or fields.get(b"content-type", b"").lower() != _MIME_TYPE
    ):
        return None
    length = fields.get(b"content-length", b"")
    return int(length) if length.isdigit() and len(length) < _LONGEST_NUMBER else None


# RFC 9112: no line is folded, none ends by a line feed alone, no name has white space around it
_HEAD = re.compile(rb"HTTP/1\.1 200 [^\r\n]*(?:\r\n[a-z0-9!#$%&'*+.^_`|~-]+:[^\r\n]*)*", re.IGNORECASE)
_FIELDS = re.compile(
    rb"\n(transfer-encoding|content-encoding|connection|content-type|content-length):([^\r]*)", re.IGNORECASE
)
_HEAD_END = re.compile(rb"\n\r?\n")
_MIME_TYPE = form.MIME_TYPE.encode()
_LONGEST_NUMBER = 16  # digits


class _Replay(io.RawIOBase):
    """What has been read already, then what the connection brings: a socket, for http.client."""

    def __init__(self, begun: bytes, connection: Connection) -> None:
        self._begun = begun
        self._connection = connection

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        octets = self._begun[: len(buffer)] or self._connection._receive(len(buffer))
        self._begun = self._begun[len(octets) :]
        buffer[: len(octets)] = octets
        return len(octets)
