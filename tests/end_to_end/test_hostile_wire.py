"""Clients that misuse TCP and data units: what happens to them, and that nobody beside them notices."""

from __future__ import annotations

import random
import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.client import HELLO, LOGOUT, Client, Server, check, connect, frame, login
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.neighbours import Neighbours
from tests.end_to_end.process import PATIENCE
from tests.end_to_end.test_hostile import in_parallel, reset
from tests.end_to_end.test_limits import seconds_until_closed

MIB = 1 << 20
LONGEST = 1 * MIB  # max-frame

pytestmark = pytest.mark.usefixtures("neighbours")


def client_hello(server: Server) -> bytes:
    """The first flight of a good client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=server.ca)
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=server.host).do_handshake()
    return outgoing.read()


def resident(pid: int) -> int:
    """The octets of memory that the process has."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


# -- slowness


@dataclass
class Slow:
    """Octets that come one by one: ``tls`` inside TLS, ``user`` after a login."""

    octets: Callable[[Server], bytes]
    pause: float
    log: str
    tls: bool = True
    user: bool = False


NO_HANDSHAKE = "TLS handshake failed: not finished in time"
NO_END = "closing: frame-timeout: a data unit that does not end"
NO_LOGIN = "closing: login-timeout: no login"
NOTHING = "closing: idle-timeout: no complete command"
NEVER = 3600.0
SLOW = {
    "handshake": Slow(client_hello, 0.1, NO_HANDSHAKE, tls=False),
    "handshake, one octet a minute": Slow(client_hello, 60, NO_HANDSHAKE, tls=False),
    "header": Slow(lambda _: frame(check("slow.nz")), 0.9, NO_END, user=True),
    "header, one octet a minute": Slow(lambda _: frame(check("slow.nz")), 60, NO_END, user=True),
    "body": Slow(lambda _: frame(check("slow.nz")), 0.1, NO_END, user=True),
    "body of the login": Slow(lambda server: frame(login(server.registrar(100))), 0.1, NO_END),
    "a large body": Slow(lambda _: LONGEST.to_bytes(4, "big") + b" " * 1000, 0.05, NO_END),
    "a hello each second": Slow(lambda _: b"", 0, NO_LOGIN),
    "nothing": Slow(lambda _: b"", NEVER, NOTHING, user=True),
}


def test_slow_clients_are_closed_in_time(besieged: Daemon, addresses: Iterator[str]) -> None:
    address_of = {name: next(addresses) for name in SLOW}

    def be_slow(number: int) -> None:
        name, slow = list(SLOW.items())[number]
        raw = connect(besieged, address_of[name])
        if not slow.tls:
            with raw:
                assert drip(raw, slow.octets(besieged), slow.pause) == b""
            return
        context = ssl.create_default_context(cafile=besieged.ca)
        with context.wrap_socket(raw, server_hostname=besieged.host) as tls:
            tls.settimeout(20)
            greeting = tls.recv(65536)
            assert b"<greeting>" in greeting
            if slow.user:
                tls.sendall(frame(login(besieged.registrar(100))))
                assert b'code="1000"' in tls.recv(65536)
            if name == "a hello each second":
                with pytest.raises((ConnectionError, ssl.SSLError, AssertionError)):
                    greet_slowly(tls)
                return
            assert drip(tls, slow.octets(besieged), slow.pause) == b""

    in_parallel(len(SLOW), be_slow)

    for name, slow in SLOW.items():
        besieged.wait_for_log(rf"{re.escape(address_of[name])}.* {re.escape(slow.log)}$")


def drip(sock: socket.socket, octets: bytes, pause: float) -> bytes:
    """Send octet by octet until the server has closed; what it has said."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    deadline = time.monotonic() + 15
    for octet in octets:
        with suppress(OSError):
            sock.sendall(bytes([octet]))
        if poll.poll(min(pause, 15) * 1000):
            break
    assert poll.poll((deadline - time.monotonic()) * 1000), "still open"
    try:
        return sock.recv(65536)
    except (ConnectionError, ssl.SSLError):
        return b""


def greet_slowly(tls: ssl.SSLSocket) -> None:
    started = time.monotonic()
    while time.monotonic() - started < 15:
        tls.sendall(frame(HELLO))
        assert tls.recv(65536)
        time.sleep(1)


def test_clients_that_never_read_are_closed_and_hold_little(besieged: Daemon, address: str) -> None:
    [worker] = besieged.workers()
    before = resident(worker)

    with ExitStack() as crowd:
        for _ in range(5):
            client = crowd.enter_context(Client(besieged, source=address))
            client.log_in(besieged.registrar(100))
            client.tls.settimeout(0.2)
            with suppress(TimeoutError):
                client.tls.sendall(frame(HELLO) * 50_000)

        besieged.wait_for_log(rf"{re.escape(address)} 100 {NOTHING}$")
        assert resident(worker) - before < 64 * MIB


# -- ends


def test_a_reset_after_every_octet_leaves_nothing(besieged: Daemon, address: str) -> None:
    opening = client_hello(besieged)
    for count in range(len(opening) + 1):
        raw = connect(besieged, address)
        raw.sendall(opening[:count])
        reset(raw)
    context = ssl.create_default_context(cafile=besieged.ca)
    units = frame(HELLO) + frame(LOGOUT)
    for count in range(len(units) + 1):
        tls = context.wrap_socket(connect(besieged, address), server_hostname=besieged.host)
        tls.sendall(units[:count])
        reset(tls)

    deadline = time.monotonic() + PATIENCE
    while (
        len(re.findall(rf"{re.escape(address)} closed after", besieged.log)) < len(opening) + len(units) + 2
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_thousands_of_connections_from_one_address_get_that_addresss_share(
    besieged: Daemon, address: str
) -> None:
    rounds, each, share = 5, 500, 60
    held = []
    for _ in range(rounds):
        crowd = [connect(besieged, address) for _ in range(each)]
        poll = select.poll()
        for one in crowd:
            poll.register(one, select.POLLIN)
        by_number = {one.fileno(): one for one in crowd}
        deadline = time.monotonic() + PATIENCE
        while len(by_number) > share:
            assert time.monotonic() < deadline
            for number, _ in poll.poll(1000):
                with suppress(ConnectionError):
                    assert by_number[number].recv(65536) == b""  # nothing, and no plain text above all
                poll.unregister(number)
                by_number.pop(number)
        held.append(len(by_number))
        for one in crowd:
            one.close()

    refused = rf"{re.escape(address)} refused: max-connections-per-address \(60\) reached$"
    besieged.wait_for_log(refused)
    assert max(held) <= share
    assert len(re.findall(refused, besieged.log, re.MULTILINE)) >= rounds * each * 0.8


# -- data units


def test_a_data_unit_of_the_greatest_length_is_answered_and_the_next_octet_is_not(
    besieged: Daemon, address: str
) -> None:
    for verb, code in ((HELLO, None), ("<epp/>", 2001)):
        with Client(besieged, source=address) as client:
            client.read()
            fitting = verb.encode() + b" " * (LONGEST - 4 - len(verb))
            answer = client.ask(fitting)
            assert answer.is_greeting if code is None else answer.code == code

            client.tls.sendall((LONGEST + 1).to_bytes(4, "big"))
            assert client.read().code == 2001
            assert client.at_end()
    besieged.wait_for_log(
        rf"{re.escape(address)} data unit length {LONGEST + 1} is not between 4 and {LONGEST}; "
    )


def test_great_lengths_with_all_their_octets_behind_them_are_not_read(besieged: Daemon, address: str) -> None:
    [worker] = besieged.workers()
    before = resident(worker)
    for length in (LONGEST + 1, 64 * MIB, 0x7FFFFFFF, 0xFFFFFFFF):
        with Client(besieged, source=address) as client:
            client.read()
            client.tls.sendall(length.to_bytes(4, "big"))
            with suppress(OSError):
                client.tls.sendall(b" " * (4 * MIB))
            seconds_until_closed(client.tls)
    assert resident(worker) - before < 16 * MIB


@pytest.mark.parametrize(
    "body", [b"", b"<", b"\0", b"\xff", b"<a/>"], ids=["empty", "<", "NUL", "FF", "<a/>"]
)
def test_each_of_thousands_of_tiny_data_units_gets_its_answer(
    besieged: Daemon, address: str, body: bytes
) -> None:
    with Client(besieged, source=address) as client:
        client.read()
        for _ in range(5):
            client.send(*[body] * 200)
            assert {client.read().code for _ in range(200)} == {2001}
        assert client.ask(HELLO).is_greeting


def test_a_command_in_a_tls_record_for_each_octet_is_one_command(besieged: Daemon, address: str) -> None:
    with Client(besieged, source=address) as client:
        client.log_in(besieged.registrar(100))
        client.tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in frame(check("records.nz")):
            client.tls.sendall(bytes([octet]))
        assert client.read().code == 1000


def test_noise_for_data_units_ends_that_connection_alone(besieged: Daemon, address: str) -> None:
    dice = random.Random(7)
    for _ in range(30):
        with Client(besieged, source=address) as client:
            client.read()
            with suppress(OSError):
                client.tls.sendall(b"\xff" + dice.randbytes(dice.randrange(3, 40_000)))
            assert client.read().code == 2001
            assert client.at_end()


def test_what_stands_behind_a_logout_or_a_bad_length_is_not_run(
    besieged: Daemon, address: str, neighbours: Neighbours
) -> None:
    for last, code in ((frame(LOGOUT), 1500), (b"\0\0\0\3", 2001)):
        with Client(besieged, source=address) as client:
            client.log_in(besieged.registrar(100))
            client.tls.sendall(last + frame(check("behind.nz")) * 50)
            assert client.read().code == code
            assert client.at_end()
    neighbours.see_each()
