"""The head of an answer that is read by us means what it means to http.client."""

from __future__ import annotations

import http.client
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srs_epp.srs.http import usual_length

LINES = (
    b"Content-Length: 7",
    b"content-length:12",
    b"Content-Length: 07",
    b"Content-Length: +7",
    b"Content-Length: 7, 7",
    b"Content-Length : 7",
    b" Content-Length: 7",
    b"Content-Length: 7\n\nX: ",
    b"Content-Length: 7\rX: ",
    b"Content-Length: 12345678901234567890",
    b"Content-Type: application/x-www-form-urlencoded",
    b"Content-Type: application/x-www-form-urlencoded; charset=UTF-8",
    b"Content-Type: text/html",
    b"Transfer-Encoding: chunked",
    b"Connection: close",
    b"Connection: Keep-Alive",
    b"Content-Encoding: gzip",
    b"Content-Encoding: identity",
    b"Date: Sun, 22 Nov 2026 20:00:00 GMT",
    b"Server: SRS/5.0",
    b": without a name",
    b"without a colon",
    b"",
)
STATUS_LINES = (
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 200 ",
    b"HTTP/1.1 2000 OK",
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 404 Not Found",
    b"HTTP/1.1 100 Continue",
    b"ICY 200 OK",
)
TYPE = LINES[10]


class Octets:
    """A socket for http.client."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._octets)


@given(
    st.sampled_from(STATUS_LINES),
    st.lists(st.sampled_from(LINES) | st.binary(max_size=8), max_size=6),
)
def test_what_is_read_by_us_is_what_http_client_reads(status: bytes, lines: list[bytes]) -> None:
    head = b"\r\n".join([status, *lines])

    length = usual_length(head)

    if length is not None:
        content = b"x" * min(length, 1000)
        response = http.client.HTTPResponse(Octets(head + b"\r\n\r\n" + content))  # type: ignore[arg-type]
        response.begin()
        assert (response.status, response.length) == (200, length)
        assert not response.will_close
        assert response.headers.get_content_type() == "application/x-www-form-urlencoded"


def test_an_answer_of_a_usual_server_is_read_by_us() -> None:
    head = (
        b"HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 20:00:00 GMT\r\nServer: Apache\r\nContent-Length: 961\r\n"
    )
    head += b"Keep-Alive: timeout=5, max=100\r\nConnection: Keep-Alive\r\n" + TYPE

    assert usual_length(head) == 961


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b"Content-Length: 7", b"Content-Length: 8"],
        [b"Content-Length: 7", b"Transfer-Encoding: chunked"],
        [b"Content-Length: 7", b"Connection: close"],
        [b"Content-Length: 7", b"X: a", b" folded"],
        [b"Content-Length: 7\n\nX: y"],
        [b"Content-Length: -7"],
        [b"Content-Length: \xb2"],
        [b"Content-Length: 12345678901234567890"],
    ],
)
def test_what_is_unusual_is_left_to_http_client(lines: list[bytes]) -> None:
    assert usual_length(b"\r\n".join([b"HTTP/1.1 200 OK", TYPE, *lines])) is None
