"""Patience and room, both limited: time-outs, max-connections, client certificates that must be there."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable

import pytest

from tests.end_to_end.client import HELLO, Client, check, frame, login
from tests.end_to_end.process import Sandbox

Start = Callable[..., Sandbox]


def seconds_until_closed(sock: socket.socket) -> float:
    started = time.monotonic()
    sock.settimeout(20)
    try:
        while sock.recv(65536):
            pass
    except (ConnectionResetError, ssl.SSLEOFError):
        pass
    return time.monotonic() - started


def repeat(step: Callable[[], object], pause: float = 0.0) -> None:
    """Again and again, until it raises; ten seconds at most."""
    started = time.monotonic()
    while time.monotonic() - started < 10:
        step()
        time.sleep(pause)


def test_a_silent_handshake_ends_and_others_do_not_wait_for_it(start: Start) -> None:
    sandbox = start("--handshake-timeout", "1")
    mute = [socket.create_connection((sandbox.host, sandbox.port)) for _ in range(50)]
    try:
        with Client(sandbox) as client:
            client.log_in(sandbox.registrar(100))
            assert client.ask(check("unhurt.nz")).code == 1000
        assert seconds_until_closed(mute[0]) < 10
    finally:
        for one in mute:
            one.close()
    sandbox.wait_for_log("TLS handshake failed: not finished in time")


def test_a_client_that_does_not_log_in_is_closed_though_it_greets(start: Start) -> None:
    sandbox = start("--login-timeout", "1")
    with Client(sandbox) as client, pytest.raises((EOFError, ConnectionError, ssl.SSLError)):
        repeat(lambda: client.ask(HELLO))
    sandbox.wait_for_log("login-timeout")


def test_an_idle_session_is_closed(start: Start) -> None:
    sandbox = start("--idle-timeout", "1")
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
        assert 0.5 < seconds_until_closed(client.tls) < 10
    sandbox.wait_for_log("idle-timeout")


def test_a_session_that_lasts_too_long_is_closed_though_it_works(start: Start) -> None:
    sandbox = start("--session-timeout", "1")
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
        with pytest.raises((EOFError, ConnectionError, ssl.SSLError)):
            repeat(lambda: client.ask(HELLO))
    sandbox.wait_for_log("session-timeout")


def test_a_data_unit_that_drips_is_closed_by_its_first_octet(start: Start) -> None:
    sandbox = start("--frame-timeout", "1")
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
        octets = iter(frame(check("slow.nz")))
        with pytest.raises((ConnectionError, ssl.SSLError)):
            repeat(lambda: client.tls.sendall(bytes([next(octets)])), pause=0.1)
    sandbox.wait_for_log("frame-timeout")


def test_a_client_that_never_reads_is_closed_in_the_end(start: Start) -> None:
    sandbox = start("--idle-timeout", "2")
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
        client.tls.settimeout(10)
        with pytest.raises((ConnectionError, ssl.SSLError)):
            repeat(lambda: client.tls.sendall(frame(HELLO) * 1000))
    sandbox.wait_for_log("idle-timeout")


def test_max_frame_and_max_queue_hold(start: Start) -> None:
    sandbox = start("--max-frame", "2000", "--max-queue", "3")
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
        client.send(*[check(f"queue-{number}.nz", trid=f"t-{number}") for number in range(40)])
        assert [client.read().client_trid for _ in range(40)] == [f"t-{number}" for number in range(40)]
        assert client.ask(b"<epp>" + b" " * 2000).code == 2001
        assert client.at_end()


def test_over_max_connections_the_next_is_closed_and_room_comes_back(start: Start) -> None:
    sandbox = start("--max-connections", "2")
    first, second = Client(sandbox), Client(sandbox)
    try:
        first.log_in(sandbox.registrar(100))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            Client(sandbox)
        sandbox.wait_for_log(r"max-connections \(2\) reached")
        assert first.ask(check("unhurt.nz")).code == 1000
    finally:
        second.tls.close()
    deadline = time.monotonic() + 10
    with first:
        while True:
            try:
                with Client(sandbox) as third:
                    third.log_in(sandbox.registrar(101))
                return
            except (ssl.SSLError, ConnectionError):
                assert time.monotonic() < deadline
                time.sleep(0.05)


def test_a_client_certificate_can_be_demanded(start: Start) -> None:
    sandbox = start("--require-client-certificate", "true")

    with pytest.raises((ssl.SSLError, ConnectionError)), Client(sandbox) as client:
        client.read()
    with Client(sandbox, certificate_of=100) as client:
        client.log_in(sandbox.registrar(100))
    with Client(sandbox, certificate_of=101) as client:
        client.read()
        assert client.ask(login(sandbox.registrar(100))).code == 2200
    sandbox.wait_for_log("no name of the client certificate is on the registrar's list")


def test_ipv6_and_several_addresses(start: Start) -> None:
    sandbox = start(listen=("127.0.0.1:0", "[::1]:0"))
    listening = sandbox.wait_for_log(r"^listening on \[::1\]:(\d+)$")

    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
    sandbox.facts |= {"host": "::1", "port": int(listening.group(1))}
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))


def test_only_tls_1_3_where_it_is_the_least(start: Start) -> None:
    sandbox = start("--tls-minimum", "TLSv1.3")
    context = ssl.create_default_context(cafile=sandbox.ca)
    with Client(sandbox, context=context) as client:
        assert client.tls.version() == "TLSv1.3"
    context = ssl.create_default_context(cafile=sandbox.ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Client(sandbox, context=context)
