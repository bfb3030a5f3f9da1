"""A registrar's session over real TLS, with the real registry behind it."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.client import HELLO, LOGOUT, Client, check, command, frame, login, tls_context
from tests.end_to_end.process import Sandbox

READ_SIZE = 16384
CONTACT = (
    '<create><c:create><c:id>{id}</c:id><c:postalInfo type="{type}"><c:name>{name}</c:name><c:addr>'
    "<c:street>1 Sample Street</c:street><c:street>Floor 2</c:street><c:city>Nelson</c:city>"
    "<c:sp>Tasman</c:sp><c:pc>7010</c:pc><c:cc>NZ</c:cc></c:addr></c:postalInfo>"
    '<c:voice x="12">+64.35550100</c:voice><c:email>moana@example.net</c:email>'
    "<c:authInfo><c:pw>unused-1</c:pw></c:authInfo></c:create></create>"
)


def contact_create(handle: str, name: str = "Moana Example", kind: str = "int") -> str:
    return command(CONTACT.format(id=handle, name=name, type=kind), "create-" + handle)


def contact_info(handle: str) -> str:
    return command(f"<info><c:info><c:id>{handle}</c:id></c:info></info>")


def domain_create(name: str, registrant: str, inner: str = "", extension: str = "") -> str:
    return command(
        f'<create><d:create><d:name>{name}</d:name><d:period unit="y">2</d:period>{inner}'
        f"<d:registrant>{registrant}</d:registrant><d:authInfo><d:pw>unused</d:pw></d:authInfo>"
        f"</d:create></create>{extension}",
        "create-" + name,
    )


def domain_info(name: str) -> str:
    return command(f"<info><d:info><d:name>{name}</d:name></d:info></info>")


def test_a_contact_comes_back_as_it_was_created(client: Client, unused: Callable[[str], str]) -> None:
    handle = unused("")

    assert client.ask(contact_create(handle, "Moana Māori", "loc")).code == 1000

    info = client.ask(contact_info(handle))
    assert info.code == 1000
    contact = "urn:ietf:params:xml:ns:contact-1.0"
    assert info.texts("name", contact) == ["Moana Māori"]
    assert info.texts("street", contact) == ["1 Sample Street", "Floor 2"]
    assert info.texts("voice", contact) == ["+64.35550100"]
    assert [element.get("x") for element in info.root.iter(f"{{{contact}}}voice")] == ["12"]
    assert info.texts("clID", contact) == ["100"]
    assert info.texts("upDate", contact) == []


def test_a_domain_comes_back_as_it_was_created(client: Client, unused: Callable[[str], str]) -> None:
    handle, name = unused(""), unused("co.nz")
    servers = (
        f"<d:ns><d:hostAttr><d:hostName>ns1.{name}</d:hostName><d:hostAddr>192.0.2.1</d:hostAddr>"
        '<d:hostAddr ip="v6">2001:db8::1</d:hostAddr></d:hostAttr>'
        "<d:hostAttr><d:hostName>ns2.example.net</d:hostName></d:hostAttr></d:ns>"
    )
    digest = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
    secdns = (
        "<extension><s:create><s:dsData><s:keyTag>2371</s:keyTag><s:alg>8</s:alg><s:digestType>2</s:digestType>"
        f"<s:digest>{digest}</s:digest></s:dsData></s:create></extension>"
    )
    assert client.ask(contact_create(handle)).code == 1000

    created = client.ask(domain_create(name, handle, servers, secdns))

    assert created.code == 1000
    assert created.client_trid == "create-" + name
    info = client.ask(domain_info(name))
    assert info.code == 1000
    assert info.texts("name") == [name]
    assert info.texts("hostName") == [f"ns1.{name}", "ns2.example.net"]
    assert info.texts("hostAddr") == ["192.0.2.1", "2001:db8::1"]
    assert info.texts("registrant") == [handle]
    assert info.texts("crDate") == created.texts("crDate")
    assert info.texts("exDate") == created.texts("exDate")
    assert int(info.texts("exDate")[0][:4]) == int(info.texts("crDate")[0][:4]) + 2
    assert [s.get("s") for s in info.root.iter("{urn:ietf:params:xml:ns:domain-1.0}status")] == ["ok"]
    assert [d.lower() for d in info.texts("digest", "urn:ietf:params:xml:ns:secDNS-1.1")] == [digest]
    assert client.ask(check(name)).texts("reason") == ["Registered"]


def test_one_registrar_does_not_see_anothers_domain(
    sandbox: Sandbox, client: Client, unused: Callable[[str], str]
) -> None:
    handle, name = unused(""), unused("net.nz")
    client.send(contact_create(handle), domain_create(name, handle))
    assert [client.read().code, client.read().code] == [1000, 1000]

    with Client(sandbox) as other:
        other.log_in(sandbox.registrar(101))

        assert other.ask(domain_info(name)).code == 2201
        assert other.ask(contact_info(handle)).code == 2303
        assert other.ask(domain_info(unused("nz"))).code == 2303


def test_a_wrong_password_is_2200_a_second_later_and_the_third_time_2501(sandbox: Sandbox) -> None:
    with Client(sandbox) as client:
        client.read()
        for code in (2200, 2200, 2501):
            started = time.monotonic()
            assert client.ask(login(sandbox.registrar(100), "wrong-password")).code == code
            assert time.monotonic() - started >= 1.0
        assert client.at_end()


def test_an_unknown_registrar_looks_like_a_wrong_password(sandbox: Sandbox) -> None:
    with Client(sandbox) as client:
        client.read()

        unknown = client.ask(login({"id": "987654", "password": "anything"}))
        wrong = client.ask(login(sandbox.registrar(100), "wrong-password"))

        assert unknown.code == wrong.code == 2200
        assert unknown.texts("msg", unknown.root.nsmap[None]) == wrong.texts("msg", wrong.root.nsmap[None])


def test_nothing_but_hello_and_login_before_login(sandbox: Sandbox) -> None:
    with Client(sandbox) as client:
        client.read()

        assert client.ask(check("example.nz")).code == 2002
        assert client.ask(LOGOUT).code == 2002
        assert client.ask(HELLO).is_greeting


def test_a_second_login_is_2002_and_changes_nothing(client: Client, sandbox: Sandbox) -> None:
    assert client.ask(login(sandbox.registrar(101))).code == 2002
    assert client.ask(check("example.nz")).code == 1000


def test_logout_is_answered_and_the_connection_closed(client: Client) -> None:
    assert client.ask(LOGOUT).code == 1500
    assert client.at_end()


def test_everything_that_was_sent_is_answered_in_order(client: Client, unused: Callable[[str], str]) -> None:
    units: list[str | bytes] = []
    expected: list[tuple[str | None, int | None]] = []
    for number in range(60):
        units += [check(unused("nz"), trid=f"check-{number}"), HELLO, b"<junk", command("<nonsense/>", "x-1")]
        expected += [(f"check-{number}", 1000), (None, None), (None, 2001), ("x-1", 2000)]

    client.send(*units, LOGOUT, check("never.nz"))

    for trid, code in expected:
        answer = client.read()
        assert (answer.client_trid, None if answer.is_greeting else answer.code) == (trid, code)
    assert client.read().code == 1500
    assert client.at_end()


def test_a_whole_session_in_one_write(sandbox: Sandbox, unused: Callable[[str], str]) -> None:
    handle, name = unused(""), unused("org.nz")
    with Client(sandbox) as client:
        client.send(
            HELLO,
            login(sandbox.registrar(100)),
            contact_create(handle),
            domain_create(name, handle),
            domain_info(name),
            LOGOUT,
        )

        answers = [client.read() for _ in range(7)]

        assert [a.is_greeting for a in answers] == [True, True] + [False] * 5
        assert [a.code for a in answers[2:]] == [1000, 1000, 1000, 1000, 1500]


def test_a_client_that_half_closes_gets_the_answers_to_what_it_sent(sandbox: Sandbox) -> None:
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
        client.send(check("half.nz"), HELLO, check("closed.nz"))

        # the end of TCP alone, without TLS's close_notify
        os_socket = socket.socket(fileno=os.dup(client.tls.fileno()))
        os_socket.shutdown(socket.SHUT_WR)
        os_socket.close()

        assert client.read().code == 1000
        assert client.read().is_greeting
        assert client.read().code == 1000
        assert client.at_end()


@pytest.mark.parametrize("length", [0, 1, 2, 3, 1024 * 1024 + 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_length_that_cannot_be_is_2001_and_the_end(client: Client, length: int) -> None:
    client.tls.sendall(frame(check("before.nz")) + struct.pack(">I", length) + b"<epp/>" * 10)

    assert client.read().code == 1000
    assert client.read().code == 2001
    assert client.at_end()


def test_an_empty_data_unit_is_2001_and_the_session_goes_on(client: Client) -> None:
    assert client.ask(b"").code == 2001
    assert client.ask(check("after.nz")).code == 1000


def test_a_stream_that_ends_inside_a_data_unit_is_closed_and_logged(sandbox: Sandbox, client: Client) -> None:
    client.tls.sendall(frame(check("whole.nz")) + frame(check("cut.nz"))[:-10])
    assert client.read().code == 1000
    client.tls.unwrap().close()

    sandbox.wait_for_log("the stream ended inside a data unit")


def test_a_client_that_never_reads_does_not_make_memory_grow(sandbox: Sandbox) -> None:
    hello = frame(HELLO)
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
        worker = sandbox.worker()
        for _ in range(20):
            client.ask(HELLO)
        before = _resident(worker)
        client.tls.settimeout(1.0)
        sent = 0

        # a megabyte of commands brings ten of answers: eppd must stop reading
        with contextlib.suppress(TimeoutError, ssl.SSLWantWriteError):
            while sent < 64 * 1024 * 1024:
                sent += client.tls.send(hello * (READ_SIZE // len(hello)))

        assert 1024 * 1024 <= sent < 64 * 1024 * 1024
        assert _resident(worker) - before < 4 * 1024 * 1024


def test_a_client_that_reads_late_gets_every_answer(sandbox: Sandbox) -> None:
    count = 3000
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
        client.tls.setblocking(False)
        unsent, received = memoryview(frame(HELLO) * count), bytearray()
        paused = time.monotonic() + 0.5
        deadline = time.monotonic() + 20
        while received.count(b"</greeting>") < count and time.monotonic() < deadline:
            with contextlib.suppress(ssl.SSLWantWriteError):
                unsent = unsent[client.tls.send(unsent[:16384]) :] if unsent else unsent
            if time.monotonic() > paused:
                try:
                    received += client.tls.recv(65536)
                except ssl.SSLWantReadError:
                    time.sleep(0.001)

        assert received.count(b"</greeting>") == count


def _resident(pid: int) -> int:
    """Octets of the process's memory that are in RAM."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_input_that_is_no_tls_costs_nobody_else_anything(sandbox: Sandbox, client: Client) -> None:
    for garbage in (b"GET / HTTP/1.0\r\n\r\n", frame(HELLO), b"\x16\x03\x01\xff\xff" + b"\0" * 100, b""):
        with socket.create_connection((sandbox.host, sandbox.port)) as raw:
            raw.sendall(garbage)
            raw.shutdown(socket.SHUT_WR)
            raw.settimeout(20)
            with contextlib.suppress(ConnectionResetError):
                while raw.recv(4096):
                    pass

    assert client.ask(check("unhurt.nz")).code == 1000
    sandbox.wait_for_log("TLS handshake failed")


def test_a_password_in_a_broken_document_is_echoed_nowhere(sandbox: Sandbox) -> None:
    password = sandbox.registrar(100)["password"]
    with Client(sandbox) as client:
        client.read()
        whole = login(sandbox.registrar(100))
        for broken in (
            whole.replace("</pw>", ""),
            whole.replace(password, password * 9),
            whole.replace("<options>", "<options><odd/>"),
            whole.replace("<clID>100</clID>", ""),
            whole.replace("login>", "logon>"),
            whole[:-20],
        ):
            answer = client.ask(broken)

            assert answer.code in (2000, 2001, 2002, 2003, 2005), broken
            assert password.encode() not in answer.xml


def test_tls_below_1_2_is_refused(sandbox: Sandbox) -> None:
    context = tls_context(sandbox)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1

    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        Client(sandbox, context=context)


def test_a_cipher_without_forward_secrecy_is_refused(sandbox: Sandbox) -> None:
    context = tls_context(sandbox)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES256-SHA256:AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA256")

    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        Client(sandbox, context=context)
