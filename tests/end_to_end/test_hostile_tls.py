"""Clients that want less than TLS, none, or in at another's door: refused, and both logs say why."""

from __future__ import annotations

import json
import random
import re
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from OpenSSL import SSL

from tests.daemon.test_tls import Holder
from tests.end_to_end.client import EPP, HELLO, Client, Server, check, connect, frame, login
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.process import PATIENCE, Sandbox
from tests.end_to_end.test_certificates import NO_NAME, assert_refused, context_of

pytestmark = pytest.mark.usefixtures("neighbours")


def refusal(daemon: Daemon, address: str) -> str:
    """What both logs say of the one refusal of the address."""
    text = daemon.wait_for_log(rf"WARNING .* {re.escape(address)} TLS handshake failed: (.*)$")[1]
    deadline = time.monotonic() + PATIENCE
    while not (audited := audited_refusals(daemon, address)):  # it is written after the log
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert audited == [text]
    return text


def audited_refusals(daemon: Daemon, address: str) -> list[str]:
    # the last line may be half written
    lines = Path(daemon.options["audit_log"]).read_text().rpartition("\n")[0].splitlines()
    events = map(json.loads, lines)
    return [one["text"] for one in events if one["peer"] == address and one["event"] == "refusal"]


def answer_to(server: Server, address: str, octets: bytes) -> bytes:
    """All that the server sends to whoever begins with these octets, and then only reads."""
    found = b""
    with connect(server, address) as raw:
        raw.sendall(octets)
        with suppress(ConnectionError):
            raw.shutdown(socket.SHUT_WR)
            while more := raw.recv(65536):
                found += more
    return found


def assert_nothing_but_an_alert(octets: bytes) -> None:
    assert b"epp" not in octets
    assert octets == b"" or (octets[0] == 21 and len(octets) == 7), octets


# -- less than we want


VERSIONS = {
    "TLS 1.0": ssl.TLSVersion.TLSv1,
    "TLS 1.1": ssl.TLSVersion.TLSv1_1,
}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
def test_an_old_version_of_tls_is_refused(besieged: Daemon, address: str, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=besieged.ca)
    context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")

    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        Client(besieged, context=context, source=address)

    assert refusal(besieged, address) == "unsupported protocol"


CIPHERS = {
    "without forward secrecy": "AES128-GCM-SHA256:AES256-GCM-SHA384",
    "CBC": "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES128-SHA",
    "without a certificate": "aNULL:@SECLEVEL=0",
    "without encryption": "eNULL:@SECLEVEL=0",
    "finite-field Diffie-Hellman": "DHE-RSA-AES128-GCM-SHA256",
}


@pytest.mark.parametrize("ciphers", CIPHERS.values(), ids=CIPHERS)
def test_a_weak_cipher_is_refused(besieged: Daemon, address: str, ciphers: str) -> None:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(ciphers.encode())

    with connect(besieged, address) as raw:
        raw.settimeout(None)
        tls = SSL.Connection(context, raw)
        tls.set_connect_state()
        with pytest.raises(SSL.Error, match="handshake failure"):
            tls.do_handshake()

    assert refusal(besieged, address) == "no shared cipher"


def test_a_downgrade_that_a_client_was_talked_into_is_refused(besieged: Daemon, address: str) -> None:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_mode(0x80)  # SSL_MODE_SEND_FALLBACK_SCSV, of RFC 7507

    with connect(besieged, address) as raw:
        raw.settimeout(None)
        tls = SSL.Connection(context, raw)
        tls.set_connect_state()
        with pytest.raises(SSL.Error, match="inappropriate fallback"):
            tls.do_handshake()

    assert refusal(besieged, address) == "inappropriate fallback"


def test_a_client_renegotiates_nothing(besieged: Daemon, address: str) -> None:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    with connect(besieged, address) as raw:
        raw.settimeout(None)
        tls = SSL.Connection(context, raw)
        tls.set_connect_state()
        tls.do_handshake()
        assert tls.get_protocol_version_name() == "TLSv1.2"
        assert b"<greeting>" in tls.recv(65536)

        assert tls.renegotiate()
        with pytest.raises(SSL.Error, match="no renegotiation"):
            tls.do_handshake()
    besieged.wait_for_log(rf"{re.escape(address)} (the connection broke: .*|closed after .*)$")


# -- no TLS


def hello_of(version: bytes, suites: bytes) -> bytes:
    """A ClientHello without extensions, as clients of long ago have sent it."""
    body = version + bytes(32) + b"\0" + struct.pack(">H", len(suites)) + suites + b"\x01\0"
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x00" + struct.pack(">H", len(handshake)) + handshake


OPENINGS = {
    "HTTP": (b"GET /status HTTP/1.1\r\nHost: epp.example\r\n\r\n", "http request"),
    "HTTP CONNECT": (b"CONNECT epp.example:700 HTTP/1.1\r\n\r\n", "https proxy request"),
    "SMTP": (b"EHLO epp.example\r\n", None),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", None),
    "PROXY, from nobody who may": (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 700\r\n", None),
    "PROXY v2": (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12), None),
    "EPP in plain text": (frame(HELLO), None),
    "a login in plain text": (frame(f'<epp xmlns="{EPP}"><command><login/></command></epp>'), None),
    "SSL 2": (b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(37), None),
    "SSL 3": (hello_of(b"\3\0", b"\0\x2f\0\x0a"), "version too low|unsupported protocol"),
    "TLS 1.2 without an extension": (hello_of(b"\3\3", b"\0\x2f\0\x0a"), "no shared cipher"),
    "no cipher": (hello_of(b"\3\3", b""), None),
    "a heartbeat": (b"\x18\x03\x02\x00\x03\x01\x40\x00", None),
    "a change of ciphers": (b"\x14\x03\x03\x00\x01\x01" * 50, None),
    "data": (b"\x17\x03\x03\x00\x10" + bytes(16), None),
    "a fatal alert": (b"\x15\x03\x01\x00\x02\x02\x28", None),
    "an empty record": (b"\x16\x03\x01\x00\x00" * 100, None),
    "a record too long": (b"\x16\x03\x01\xff\xff" + bytes(65535), None),
    "a message too long": (b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + bytes(16380), None),
    "noise": (random.Random(3).randbytes(65536), None),
    "noise in a record": (
        b"\x16\x03\x01\x10\x00\x01\x00\x0f\xfc\x03\x03" + random.Random(4).randbytes(4090),
        None,
    ),
    "NULs": (bytes(70_000), None),
    "nothing": (b"", "the peer closed the connection"),
}  # octets, and what the log says where OpenSSL always says the same


@pytest.mark.parametrize(("octets", "text"), OPENINGS.values(), ids=OPENINGS)
def test_what_is_no_tls_gets_no_plain_text(
    besieged: Daemon, address: str, octets: bytes, text: str | None
) -> None:
    assert_nothing_but_an_alert(answer_to(besieged, address, octets))

    found = refusal(besieged, address)
    assert text is None or re.fullmatch(text, found), found
    assert found.isprintable()


# -- at another's door


@dataclass
class Guarded:
    """``eppd run`` that demands client certificates of the sandbox's CA."""

    daemon: Daemon
    folder: Path


@pytest.fixture(scope="module")
def guarded(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    daemon = Daemon(
        folder / "eppd", sandbox, require_client_certificate="true", audit_log=str(folder / "audit.log")
    )
    try:
        yield Guarded(daemon, folder)
        assert daemon.stop() == 0, daemon.log
        assert "Traceback" not in daemon.log, daemon.log
    finally:
        daemon.kill_all()


def test_the_certificate_of_one_registrar_is_no_login_for_another(guarded: Guarded, address: str) -> None:
    daemon = guarded.daemon
    with Client(daemon, certificate_of=100, source=address) as client:
        assert client.read().is_greeting
        assert client.ask(login(daemon.registrar(101))).code == 2200
        daemon.wait_for_log(rf"{re.escape(address)} login of registrar '101' refused: {NO_NAME}$")
        assert client.ask(check("others.nz")).code == 2002

        # and it is not spoilt for its own
        assert client.ask(login(daemon.registrar(100))).code == 1000
        assert client.ask(check("own.nz")).code == 1000


STRANGERS: dict[str, tuple[Callable[[], Holder], str]] = {
    "of another CA": (
        lambda: Holder.root("Other CA").certify("x", names=("registrar-100.sandbox.example",)),
        "its issuer is not known",
    ),
    "of nobody": (lambda: Holder.root("x", names=("registrar-100.sandbox.example",)), "it is self-signed"),
}


@pytest.mark.parametrize("must", [True, False], ids=["demanded", "asked for"])
@pytest.mark.parametrize(("make", "why"), STRANGERS.values(), ids=STRANGERS)
def test_a_certificate_of_a_stranger_is_refused_though_the_password_is_right(
    besieged: Daemon, guarded: Guarded, address: str, make: Callable[[], Holder], why: str, *, must: bool
) -> None:
    daemon = guarded.daemon if must else besieged
    context = context_of(daemon.ca, guarded.folder, make())

    assert_refused(lambda: Client(daemon, context=context, source=address))

    assert refusal(daemon, address) == f"client certificate 'CN=x' refused: {why}"
