"""The HTTP server: limits, bad clients, hostile bodies."""

from __future__ import annotations

import contextlib
import http.client
import logging
import random
import socket
import sqlite3
import threading
from collections.abc import Iterator

import pytest
from lxml import etree

from srs_epp.registry import Registry, RegistryServer
from srs_epp.registry.server import _Handler
from srs_epp.srs import form
from srs_epp.srs.openpgp import Keyring
from tests.registry.client import PATH, Client, domain_create, error_of
from tests.registry.conftest import Keys, Sandbox

WHOIS = '<Whois DomainName="kakapo.co.nz" FullResult="0"/>'
REQUEST = f'<NZSRSRequest VerMajor="5" VerMinor="0">{WHOIS}</NZSRSRequest>'
LIMIT = 1_000_000


@contextlib.contextmanager
def connected(server: RegistryServer) -> Iterator[socket.socket]:
    """A bare connection to the server."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as connection:
        yield connection


def all_of(connection: socket.socket) -> bytes:
    """What comes until the server closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_connection_serves_many_requests(first: Client) -> None:
    first.ask(WHOIS)
    assert first._connection is not None
    connection = first._connection.sock

    for _ in range(3):
        first.ask(WHOIS)

    assert first._connection.sock is connection


def test_a_thread_s_connection_to_the_database_is_closed_with_it(registry: Registry, keys: Keys) -> None:
    before = set(registry._store._open)
    server = RegistryServer(registry, ("127.0.0.1", 0))
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    clients = [Client(server.url, 90, keys.first.key, Keyring([keys.registry.certificate])) for _ in range(3)]
    for client in clients:
        client.ask(WHOIS)
    assert len(registry._store._open - before) == 3

    for client in clients:
        client.close()
    server.shutdown()
    serving.join()

    assert registry._store._open == before


def test_a_body_that_is_too_long_is_refused(first: Client) -> None:
    body = first.signed(REQUEST.encode()) + b"&" * LIMIT

    assert error_of(first.post(body)) == ("REQUEST_TOO_LONG", str(len(body)), str(LIMIT))
    assert first.ask_one(WHOIS).find("Domain") is not None  # on a connection of its own


def test_a_body_as_long_as_the_limit_is_read(first: Client) -> None:
    blanks = LIMIT - len(first.signed(REQUEST.encode())) - 1000  # signatures differ in length as escaped
    body = first.signed(REQUEST.replace("<Whois", " " * blanks + "<Whois").encode())
    body = body + b"+" * (LIMIT - len(body))  # blanks behind the signature

    assert len(body) == LIMIT
    assert first.post(body)[0].get("Action") == "Whois"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"POST {PATH} HTTP/1.1\r\nHost: a\r\n\r\n", 411),
        (f"POST {PATH} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (f"POST {PATH} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nContent-Length: 0\r\n\r\n", 411),
        (f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (f"POST {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: {'9' * 30}\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 404),
        (f"PUT {PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", 405),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("\0\1\2 / HTTP/1.1\r\n\r\n", 501),
        ("hello\r\n\r\n", 400),
    ],
)
def test_bad_http_is_answered_and_the_connection_closed(sandbox: Sandbox, head: str, status: int) -> None:
    with connected(sandbox.server) as connection:
        connection.sendall(head.encode())
        answer = all_of(connection)

    assert f" {status} " in answer.split(b"\n", 1)[0].decode() or f"Error code: {status}" in answer.decode()


def test_a_silent_connection_is_closed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Handler, "timeout", 0.05)
    with connected(sandbox.server) as connection:
        assert all_of(connection) == b""
    with connected(sandbox.server) as connection:
        connection.sendall(f"POST {PATH} HTTP/1.1\r\nContent-Length: 9\r\n\r\nn=90".encode())
        assert all_of(connection) == b""


def test_a_client_that_goes_away_changes_nothing(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    body = sandbox.first.signed(
        f'<NZSRSRequest VerMajor="5" VerMinor="0">{domain_create("kakapo.co.nz")}</NZSRSRequest>'.encode()
    )
    with connected(sandbox.server) as connection:
        head = (
            f"POST {PATH} HTTP/1.1\r\nContent-Type: {form.MIME_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body[:-1])
        connection.shutdown(socket.SHUT_WR)
        assert all_of(connection) == b""

    found = sandbox.itself.ask_one('<DomainDetailsQry CountResults="1"/>')
    assert found.get("Count") == "0"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_bound_socket_can_be_given(registry: Registry, keys: Keys) -> None:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    server = RegistryServer(registry, bound)
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()

    client = Client(server.url, 90, keys.first.key, Keyring([keys.registry.certificate]))
    assert client.ask_one(WHOIS).find("Domain") is not None

    assert server.url == f"http://127.0.0.1:{port}/srs/registrar"
    server.shutdown()
    serving.join()
    client.close()
    assert bound.fileno() == -1


def test_an_address_that_is_taken_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="in use"):
        RegistryServer(sandbox.registry, ("127.0.0.1", sandbox.server.server_port))


def test_shutdown_lets_an_answer_out_that_is_being_made(
    registry: Registry, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go_on = threading.Event(), threading.Event()
    answer = registry.answer

    def slow_answer(body: bytes, content_type: str) -> bytes:
        asked.set()
        assert go_on.wait(20)
        return answer(body, content_type)

    monkeypatch.setattr(registry, "answer", slow_answer)
    server = RegistryServer(registry, ("127.0.0.1", 0))
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    client = Client(server.url, 90, keys.first.key, Keyring([keys.registry.certificate]))
    answers: list[etree._Element] = []
    asking = threading.Thread(target=lambda: answers.append(client.ask_one(WHOIS)))
    asking.start()
    assert asked.wait(20)

    ending = threading.Thread(target=server.shutdown)
    ending.start()
    serving.join()
    go_on.set()
    for thread in (asking, ending):
        thread.join()
    client.close()

    assert answers[0].find("Domain") is not None


@pytest.mark.parametrize(
    "body",
    [
        b"\0" * 1000,
        bytes(range(256)) * 10,
        random.Random(1).randbytes(2000),
        b"=",
        b"&" * 999_999,
        b"n=90&n=91&r=a&s=b",
        b"n=90&r=a&r=b&s=c",
        b"n=90&r=a&s=b&s=b",
        b"n=%0090&r=%00&s=%00",
        b"n=90%00&r=a&s=b",
        b"n=%ff&r=%ff&s=%ff",
        b"n=&r=&s=",
        b"n=90&r=a&s=" + b"-----BEGIN PGP SIGNATURE-----" * 10_000,
        b"a=1&" * 1000 + b"n=90&r=a&s=b",
        "n=90&r=ü&s=b".encode(),
        REQUEST.encode(),
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_hostile_body_gets_an_error(first: Client, body: bytes) -> None:
    error_of(first.post(body))
    assert first.ask_one(WHOIS).find("Domain") is not None


LAUGHS = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))


@pytest.mark.parametrize(
    "xml",
    [
        f'<!DOCTYPE a [<!ENTITY a0 "ha">{LAUGHS}]>' + REQUEST.replace("kakapo", "&a9;"),
        f'<!DOCTYPE a [<!ENTITY a0 "ha">{LAUGHS}]>' + REQUEST.replace(WHOIS, f"{WHOIS}&a9;"),
        f'<!DOCTYPE a [<!ENTITY a "{"ha" * 5000}">]>' + REQUEST.replace("kakapo", "&a;" * 10_000),
        "<a>" * 100_000,
        REQUEST.replace(WHOIS, "<Whois>" * 300 + "</Whois>" * 300),
        REQUEST.replace("kakapo", "kakapo\0"),
        REQUEST.replace("kakapo", "kakapo&#0;"),
        REQUEST.replace("kakapo", "kakapo&#xD800;"),
        REQUEST.replace("kakapo", "kakapo\x1b"),
        REQUEST.replace(
            "<Whois", '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="/etc/passwd"/><Whois'
        ),
        REQUEST.replace("<Whois", '<Whois xmlns="urn:other"'),
        REQUEST.replace("<Whois", '<Whois a="1" a="2"'),
        f'<?xml version="1.0" encoding="nonsense"?>{REQUEST}',
        f'<?xml version="9.9"?><a/>{REQUEST}',
        "<!-- " + "-" * 10_000 + REQUEST,
    ],
    ids=range(15),
)
def test_hostile_xml_gets_an_error(first: Client, xml: str) -> None:
    root = first.send(xml.encode())

    assert error_of(root)[0] in ("XML_PARSE_ERROR", "UNKNOWN_TRANSACTION_TYPE")
    assert b"root:" not in etree.tostring(root)
    assert len(etree.tostring(root)) < 10_000


def test_octets_that_are_not_utf_8_get_an_error(first: Client) -> None:
    assert error_of(first.send(REQUEST.encode().replace(b"kakapo", b"kak\xe1po")))[0] == "XML_PARSE_ERROR"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_other_encodings_are_read(first: Client, encoding: str) -> None:
    assert first.send(REQUEST.encode(encoding))[0].get("Action") == "Whois"


def test_comments_and_processing_instructions_are_passed_over(first: Client) -> None:
    xml = f"<?a b?><!-- c -->{REQUEST}<!-- d -->".replace("<Whois", "<!-- e --><?f g?><Whois")

    assert len(first.send(xml.encode())) == 1


def test_text_may_come_as_cdata_with_white_space(first: Client) -> None:
    first.ask(domain_create("kakapo.co.nz"))
    text = "<DomainNameFilter>\n  <![CDATA[ kakapo.co.nz ]]> </DomainNameFilter>"

    assert first.ask_one(f"<DomainDetailsQry>{text}</DomainDetailsQry>").get("Rows") == "1"


def test_what_is_sent_comes_back_escaped(first: Client) -> None:
    query_id = "&lt;a b=&quot;&amp;amp;&quot;/&gt; ]]&gt; \N{PILE OF POO}"

    response = first.ask_one(f'<Whois DomainName="&lt;b&gt;.nz" QryId="{query_id}"/>')

    assert response.get("TransId") == '<a b="&amp;"/> ]]> \N{PILE OF POO}'
    assert error_of(response) == ("INVALID_FIELD", "<b>.nz", "DomainName")


def test_a_failure_of_the_registry_is_no_secret_s_end(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    order = '<RegistrarUpdate ActionId="a"><EPPAuth Password="battery-staple"/></RegistrarUpdate>'
    with monkeypatch.context() as broken:
        broken.setattr("srs_epp.registry.ledger.keep_request", None)
        error = error_of(sandbox.first.ask(order))

    assert error == ("INTERNAL_ERROR",)
    assert "battery-staple" not in caplog.text
    assert "Traceback" in caplog.text
    # it is as if it had never been asked: the id can be used, and the thread's connection too
    assert sandbox.first.ask_one(order).find("Registrar") is not None


def test_a_database_held_by_another_process_is_a_lock_error(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.first.ask(WHOIS)  # the server's thread has its connection to the database, and FeSeqs
    monkeypatch.setattr("srs_epp.registry.store._PATIENCE", 0.05)
    sandbox.first.close()
    other = sqlite3.connect(sandbox.path / "registry.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert error_of(sandbox.first.ask(domain_create("kakapo.co.nz")))[0] == "LOCK_ERROR"

    other.execute("ROLLBACK")
    other.close()
    assert sandbox.first.ask_one(domain_create("kakapo.co.nz")).find("Domain") is not None


def test_http_1_0_is_served(sandbox: Sandbox) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.server.server_port, timeout=20)
    connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined]
    connection.request("POST", PATH, sandbox.first.signed(REQUEST.encode()), {"Content-Type": form.MIME_TYPE})
    response = connection.getresponse()

    assert response.getheader("Connection") == "close"
    assert sandbox.first.read(response.read())[0].get("Action") == "Whois"
    connection.close()
