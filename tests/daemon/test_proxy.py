"""The PROXY protocol: every form, cut at every octet; nothing else gets through, or is taken."""

from __future__ import annotations

import ipaddress
import resource
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srs_epp.config import parse_network
from srs_epp.daemon.proxy import (
    LONGEST,
    LONGEST_LINE,
    Header,
    NotProxied,
    crc32c,
    parse,
    read_header,
    trusted,
)

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21
TCP4, UDP4, TCP6, UNIX = 0x11, 0x12, 0x21, 0x31
FAR = "f" * 4 + ":ffff" * 7
ENDS4 = struct.pack("!4s4sHH", bytes([192, 0, 2, 7]), bytes([192, 0, 2, 1]), 50000, 700)
V6 = ipaddress.ip_address("2001:db8::7").packed
MAPPED = ipaddress.ip_address("::ffff:192.0.2.7").packed


def binary(command: int, family: int, block: bytes = b"") -> bytes:
    return SIGNATURE + bytes([command, family]) + len(block).to_bytes(2, "big") + block


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


def ends6(source: bytes, port: int = 50000) -> bytes:
    return source + V6 + struct.pack("!HH", port, 700)


def with_checksum(before: bytes = b"", after: bytes = b"") -> bytes:
    zeroed = binary(PROXY, TCP4, ENDS4 + before + tlv(3, bytes(4)) + after)
    at = 16 + len(ENDS4 + before) + 3
    return zeroed[:at] + crc32c(zeroed).to_bytes(4, "big") + zeroed[at + 4 :]


VALID: dict[bytes, tuple[str | None, int | None, bool]] = {
    b"PROXY TCP4 192.0.2.7 192.0.2.1 50000 700\r\n": ("192.0.2.7", 50000, False),
    b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n": ("255.255.255.255", 65535, False),
    b"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n": ("0.0.0.0", 0, False),
    b"PROXY TCP6 2001:db8::7 2001:DB8::1 50000 700\r\n": ("2001:db8::7", 50000, False),
    b"PROXY TCP6 :: 1:2:3:4:5:6:7:8 1 2\r\n": ("::", 1, False),
    b"PROXY TCP6 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1 2\r\n": ("1:2:3:4:5:6:7:0", 1, False),
    f"PROXY TCP6 {FAR} {FAR} 65535 65535\r\n".encode(): (FAR, 65535, False),
    # as inet_ntop() writes it, for a client of a dual-stack socket
    b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 50000 700\r\n": ("192.0.2.7", 50000, False),
    b"PROXY UNKNOWN\r\n": (None, None, False),
    b"PROXY UNKNOWN \r\n": (None, None, False),
    b"PROXY UNKNOWN whatever \0\xff it is\r\n": (None, None, False),
    f"PROXY UNKNOWN {FAR} {FAR} 65535 65535\r\n".encode(): (None, None, False),
    binary(PROXY, TCP4, ENDS4): ("192.0.2.7", 50000, False),
    binary(PROXY, TCP6, ends6(V6)): ("2001:db8::7", 50000, False),
    binary(PROXY, TCP6, ends6(MAPPED)): ("192.0.2.7", 50000, False),
    binary(PROXY, UDP4, ENDS4): (None, None, False),
    binary(PROXY, 0x10, ENDS4): (None, None, False),
    binary(PROXY, UNIX, bytes(216)): (None, None, False),
    binary(PROXY, UNIX + 1, bytes(216) + tlv(4, b"")): (None, None, False),
    binary(PROXY, 0): (None, None, False),
    binary(PROXY, 0, b"what can't be known"): (None, None, False),
    binary(LOCAL, 0): (None, None, True),
    binary(LOCAL, TCP4, ENDS4): (None, None, True),
    binary(LOCAL, 0xFF, b"it is all the same"): (None, None, True),
    binary(PROXY, TCP4, ENDS4 + tlv(4, b"") + tlv(5, bytes(128)) + tlv(0xEA, b"vpce")): (
        "192.0.2.7",
        50000,
        False,
    ),
    binary(PROXY, TCP6, ends6(V6) + tlv(2, b"epp.example")): ("2001:db8::7", 50000, False),
    with_checksum(): ("192.0.2.7", 50000, False),
    with_checksum(tlv(2, b"epp.example"), tlv(4, bytes(300))): ("192.0.2.7", 50000, False),
    binary(PROXY, TCP4, ENDS4 + tlv(4, bytes(LONGEST - 16 - 12 - 3))): ("192.0.2.7", 50000, False),
}

# with each, how many octets of it may still be the beginning of a header
INVALID: dict[bytes, int] = {
    b"\x16\x03\x01\x02\x00": 0,
    b"GET / HTTP/1.1\r\n": 0,
    b"\0": 0,
    b"proxy TCP4 ": 0,
    b"POST / HTTP/1.1\r\n": 1,
    b"PROXY  TCP4 ": 6,
    b"PROXY TCP5 ": 9,
    b"PROXY UDP4 ": 7,
    b"PROXY TCP4\r\n": 10,
    b"PROXY UNKNOWNS\r\n": 13,
    b"PROXY UNKNOWN\n": 13,
    b"PROXY UNKNOWN\r\r\n": 14,
    b"PROXY UNKNOWN a\rb\r\n": 16,
    b"PROXY UNKNOWN a\nb\r\n": 15,
    b"PROXY UNKNOWN " + b"x" * 100: LONGEST_LINE - 2,
    b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n": LONGEST_LINE - 2,
    b"PROXY TCP4 192.0.2.256 ": 21,
    b"PROXY TCP4 192.0.02.7 ": 18,
    b"PROXY TCP4 192.0.2 ": 18,
    b"PROXY TCP4 192.0.2.7. ": 20,
    b"PROXY TCP4  192.0.2.7 ": 11,
    b"PROXY TCP4 -1.0.0.0 ": 11,
    b"PROXY TCP4 192.0.2.\xb2 ": 19,
    b"PROXY TCP4 2001:db8::7 ": 14,
    b"PROXY TCP4 192.0.2.7\t192.0.2.1 ": 20,
    b"PROXY TCP4 192.0.2.7 192.0.2.1  50000 700\r\n": 31,
    b"PROXY TCP4 192.0.2.7 192.0.2.1 65536 700\r\n": 35,
    b"PROXY TCP4 192.0.2.7 192.0.2.1 050 700\r\n": 32,
    b"PROXY TCP4 192.0.2.7 192.0.2.1 +50 700\r\n": 31,
    b"PROXY TCP4 192.0.2.7 192.0.2.1 50000 \r\n": 37,
    b"PROXY TCP4 192.0.2.7 192.0.2.1 50000\r\n": 36,
    b"PROXY TCP4 192.0.2.7 192.0.2.1 50000 700 \r\n": 40,
    b"PROXY TCP4 192.0.2.7 192.0.2.1 50000 700\n": 40,
    b"PROXY TCP4 192.0.2.7 192.0.2.1 50000 700\r ": 41,
    b"PROXY TCP6 192.0.2.7 192.0.2.1 50000 700\r\n": 14,
    b"PROXY TCP6 2001:db8::7::1 ": 23,
    b"PROXY TCP6 2001:db8:::7 ": 21,
    b"PROXY TCP6 12345:: ": 15,
    b"PROXY TCP6 1:2:3:4:5:6:7:8:9 ": 26,
    b"PROXY TCP6 1:2:3:4:5:6:7 ": 24,
    b"PROXY TCP6 fe80::1%eth0 ": 18,
    b"PROXY TCP6 [::1] ": 11,
    SIGNATURE[:4] + b"\r": 4,
    SIGNATURE + b"\x11\x11": 12,
    SIGNATURE + b"\x22\x11": 12,
    SIGNATURE + b"\x21\x41": 13,
    SIGNATURE + b"\x21\x13": 13,
    SIGNATURE + b"\x21\x11\x10\x00": 14,
    SIGNATURE + b"\x21\x11\x0f\xf1": 15,
    SIGNATURE + b"\x20\x00\xff\xff": 14,
    binary(PROXY, TCP4, ENDS4[:-1]): 15,
    binary(PROXY, TCP6, ENDS4): 15,
    binary(PROXY, UNIX, bytes(215)): 15,
    binary(PROXY, TCP4, ENDS4 + b"\4\0"): 15,
    binary(PROXY, TCP4, ENDS4 + b"\4\0\1"): 16 + 12 + 2,
    binary(PROXY, TCP4, ENDS4 + b"\4\1\1" + bytes(256)): 16 + 12 + 2,
    binary(PROXY, TCP4, ENDS4 + b"\4\2\0" + bytes(255)): 16 + 12 + 1,
    binary(PROXY, TCP4, ENDS4 + tlv(4, b"x") + b"\4\0"): 16 + 12 + 2,
    binary(PROXY, TCP4, ENDS4 + tlv(3, bytes(5))): 16 + 12 + 2,
    binary(PROXY, TCP4, ENDS4 + tlv(3, bytes(4))): 16 + 12 + 6,
    with_checksum()[:-1] + b"\0": 16 + 12 + 6,
    with_checksum(after=tlv(3, b"abcd")): 16 + 12 + 7 + 6,
}


@pytest.mark.parametrize("octets", VALID)
def test_a_valid_header_is_known_at_its_last_octet(octets: bytes) -> None:
    address, port, local = VALID[octets]
    for cut in range(len(octets)):
        assert parse(octets[:cut]) is None, octets[:cut]
    for more in (b"", b"\n", octets):
        assert parse(octets + more) == Header(len(octets), address, port, local)


@pytest.mark.parametrize("octets", INVALID)
def test_what_is_none_is_known_at_its_first_wrong_octet(octets: bytes) -> None:
    fine = INVALID[octets]
    for cut in range(fine + 1):
        assert parse(octets[:cut]) is None, octets[:cut]
    for cut in range(fine + 1, len(octets) + 1):
        with pytest.raises(NotProxied):
            parse(octets[:cut])


def test_tls_is_told_from_anything_else() -> None:
    with pytest.raises(NotProxied, match="TLS begins at once"):
        parse(b"\x16\x03\x01")
    with pytest.raises(NotProxied, match="something else comes first"):
        parse(b"HELO")


@given(st.ip_addresses(), st.integers(0, 65535))
def test_every_address_can_be_said_in_both_versions(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    plain = str(getattr(address, "ipv4_mapped", None) or address)
    line = f"PROXY TCP{address.version} {address} {address} {port} 700\r\n".encode()
    ports = struct.pack("!HH", port, 700)
    family = TCP4 if address.version == 4 else TCP6
    for octets in (line, binary(PROXY, family, address.packed * 2 + ports)):
        for cut in range(len(octets)):
            assert parse(octets[:cut]) is None, octets[:cut]
        assert parse(octets) == Header(len(octets), plain, port)


PIECES = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [
            b"PROXY ",
            b"TCP4 ",
            b"TCP6 ",
            b"UNKNOWN",
            b" ",
            b"\r",
            b"\n",
            b"\r\n",
            b"::",
            b":1",
            b"1.2.3.4",
            b"0",
            b"65535",
        ]
    ),
    st.sampled_from(
        [SIGNATURE, b"\x20", b"\x21", b"\0", b"\x11", b"\0\x0c", b"\0\x13", ENDS4, tlv(3, bytes(4))]
    ),
)


@given(st.one_of(st.lists(PIECES, max_size=12).map(b"".join), st.binary().map(SIGNATURE.__add__)))
def test_nothing_but_notproxied_is_raised_and_a_verdict_stands(octets: bytes) -> None:
    verdict: Header | str | None = None
    for cut in range(len(octets) + 1):
        try:
            found = parse(octets[:cut])
        except NotProxied as error:
            assert verdict is None or isinstance(verdict, str)
            verdict = str(error)
        else:
            # what was wrong, or a header, does not become anything else by what follows
            assert verdict is None or verdict == found
            assert found is None or found.length <= cut
            verdict = found


@given(st.sampled_from(sorted(VALID)), st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_a_damaged_header_is_none_or_another(octets: bytes, where: int, damage: bytes) -> None:
    where %= len(octets)
    try:
        found = parse(octets[:where] + damage + octets[where + len(damage) :])
    except NotProxied:
        return
    assert found is None or found.length <= max(len(octets), where + len(damage))


# -- on a socket


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The load balancer's end, and ours."""
    theirs, ours = socket.socketpair()
    with theirs, ours:
        yield theirs, ours


Pair = tuple[socket.socket, socket.socket]


def drip(sock: socket.socket, octets: bytes, pause: float) -> None:
    for number in range(len(octets)):
        try:
            sock.sendall(octets[number : number + 1])
        except OSError:
            return
        time.sleep(pause)


def processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_THREAD)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("octets", VALID)
def test_what_follows_the_header_is_left(pair: Pair, octets: bytes) -> None:
    theirs, ours = pair
    theirs.sendall(octets + b"\x16\x03\x01 and so on")

    assert read_header(ours, 5) == Header(len(octets), *VALID[octets])
    assert ours.recv(100) == b"\x16\x03\x01 and so on"


@given(st.sampled_from(sorted(VALID)), st.lists(st.integers(1, 40), max_size=8), st.binary(max_size=40))
def test_however_it_is_cut_and_whatever_follows(octets: bytes, cuts: list[int], rest: bytes) -> None:
    theirs, ours = socket.socketpair()
    with theirs, ours:

        def send() -> None:
            left = octets + rest
            for cut in cuts:
                theirs.sendall(left[:cut])
                left = left[cut:]
                time.sleep(0.0002)
            theirs.sendall(left)
            theirs.shutdown(socket.SHUT_WR)

        sending = threading.Thread(target=send)
        sending.start()
        header = read_header(ours, 5)
        sending.join()
        assert header == Header(len(octets), *VALID[octets])
        left = b""
        while more := ours.recv(100):
            left += more
        assert left == rest


@pytest.mark.parametrize(
    ("octets", "peer", "local"),
    [
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 50000 700\r\n", "192.0.2.7", True),
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 50000 700\r\n", "::ffff:192.0.2.7", True),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 50000 700\r\n", "192.0.2.7", True),
        (b"PROXY TCP6 fe80::7 fe80::1 50000 700\r\n", "fe80::7%eth0", True),
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 50000 700\r\n", "192.0.2.10", False),
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 50000 700\r\n", "", False),
        (b"PROXY UNKNOWN\r\n", "", False),
        (b"PROXY UNKNOWN\r\n", "192.0.2.7", False),
        (binary(LOCAL, 0), "192.0.2.7", True),
    ],
)
def test_who_gives_its_own_address_speaks_for_itself(
    pair: Pair, octets: bytes, peer: str, local: bool
) -> None:
    theirs, ours = pair
    theirs.sendall(octets)
    header = read_header(ours, 5, peer)

    assert header.local == local
    assert header.address == parse(octets).address  # type: ignore[union-attr]


@pytest.mark.parametrize("octets", [next(iter(VALID)), with_checksum()], ids=["1", "2"])
def test_a_header_that_drips_is_waited_for_in_sleep(pair: Pair, octets: bytes) -> None:
    theirs, ours = pair
    sending = threading.Thread(target=drip, args=(theirs, octets + b"!", 0.02))
    before, started = processor_seconds(), time.monotonic()
    sending.start()
    header = read_header(ours, 30)
    used, lasted = processor_seconds() - before, time.monotonic() - started
    sending.join()

    assert header == Header(len(octets), *VALID[octets])
    assert ours.recv(100) == b"!"
    assert lasted > 0.02 * (len(octets) - 1)
    assert used < lasted / 4


def test_the_time_is_for_the_whole_header(pair: Pair) -> None:
    theirs, ours = pair
    sending = threading.Thread(target=drip, args=(theirs, next(iter(VALID)), 0.1))
    started = time.monotonic()
    sending.start()
    with pytest.raises(NotProxied, match=r"^\d+ octets of one in 0\.5 s$") as caught:
        read_header(ours, 0.5)
    assert 0.5 <= time.monotonic() - started < 2
    assert not caught.value.silent
    ours.close()
    sending.join()


def test_a_peer_that_says_nothing(pair: Pair) -> None:
    _, ours = pair
    before = processor_seconds()
    with pytest.raises(NotProxied, match=r"^0 octets of one in 0\.5 s$") as caught:
        read_header(ours, 0.5)
    assert processor_seconds() - before < 0.1
    assert caught.value.silent


@pytest.mark.parametrize(("sent", "silent"), [(b"", True), (b"PROXY TCP4 192.0", False)])
def test_a_peer_that_closes(pair: Pair, sent: bytes, silent: bool) -> None:
    theirs, ours = pair
    theirs.sendall(sent)
    theirs.close()
    with pytest.raises(NotProxied, match=f"^the peer closed after {len(sent)} octets of one$") as caught:
        read_header(ours, 5)
    assert caught.value.silent == silent


def connected() -> Pair:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
    return theirs, ours


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_a_reset() -> None:
    theirs, ours = connected()
    with ours:
        reset(theirs)
        with pytest.raises(NotProxied, match="Connection reset by peer") as caught:
            read_header(ours, 5)
        assert caught.value.silent


def test_a_health_check_that_ends_with_a_reset_is_still_read() -> None:
    theirs, ours = connected()
    with ours:
        theirs.sendall(binary(LOCAL, 0))
        reset(theirs)
        assert read_header(ours, 5) == Header(16, local=True)


@pytest.mark.parametrize("octets", [one for one in INVALID if len(one) > INVALID[one] + 1])
def test_garbage_is_not_waited_for(pair: Pair, octets: bytes) -> None:
    theirs, ours = pair
    theirs.sendall(octets)
    started = time.monotonic()
    with pytest.raises(NotProxied):
        read_header(ours, 30)
    assert time.monotonic() - started < 5


def test_no_reason_repeats_what_was_sent(pair: Pair) -> None:
    theirs, ours = pair
    theirs.sendall(b"PROXY TCP4 \x1b[31mred\n")
    with pytest.raises(NotProxied) as caught:
        read_header(ours, 5)
    assert "red" not in str(caught.value)
    assert str(caught.value).isprintable()


# -- whom we believe


@pytest.mark.parametrize(
    ("address", "networks", "expected"),
    [
        ("127.0.0.1", ["127.0.0.0/8"], True),
        ("127.0.0.1", ["192.0.2.1", "127.0.0.1"], True),
        ("128.0.0.1", ["127.0.0.0/8"], False),
        ("127.0.0.1", [], False),
        ("::ffff:127.0.0.1", ["127.0.0.0/8"], True),
        ("::ffff:127.0.0.1", ["::ffff:0:0/96"], True),
        ("::ffff:127.0.0.1", ["::/8"], True),
        ("::1", ["127.0.0.0/8"], False),
        ("::1", ["::1"], True),
        ("127.0.0.1", ["::/0"], False),
        ("::1", ["0.0.0.0/0"], False),
        ("fe80::1%eth0", ["fe80::/10"], True),
        ("fe80::1%eth0", ["fe80::2"], False),
        ("", ["0.0.0.0/0", "::/0"], False),
        ("not an address", ["0.0.0.0/0", "::/0"], False),
    ],
)
def test_trusted(address: str, networks: list[str], expected: bool) -> None:
    assert trusted(address, [parse_network(text) for text in networks]) == expected


def test_the_checksum_is_that_of_the_rfc() -> None:
    # RFC 3720 appendix B.4, whose octets are the other way round
    table: dict[bytes, int] = {
        bytes(32): 0x8A9136AA,
        b"\xff" * 32: 0x62A8AB43,
        bytes(range(32)): 0x46DD794E,
    }
    for octets, expected in table.items():
        assert crc32c(octets) == expected
