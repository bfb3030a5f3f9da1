"""The way to the registry, over real sockets, with everything that can go wrong on it."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from srs_epp.srs.actions import HandleCreate, RegistrarUpdate, Whois
from srs_epp.srs.backend import BackendError, NotSent, Unacceptable, Unanswered
from srs_epp.srs.client import Client
from srs_epp.srs.errors import SRSError
from srs_epp.srs.openpgp import Keyring
from srs_epp.srs.transaction import Transaction
from srs_epp.srs.values import Phone, PostalAddress
from tests.srs.conftest import Keys
from tests.srs.faulty import (
    Behaviour,
    Peer,
    Registry,
    Request,
    chunked,
    close,
    drip,
    form,
    http,
    pour,
    reset,
    send,
    send_and_close,
    signed,
    silence,
)

QUERY = Transaction(100, (Whois("kakapo.nz", full=False),))
WRITE = Transaction(100, (RegistrarUpdate(action_id="t-1", epp_password="new"),))

RESPONSE = (
    '<Response Action="Whois" FeId="2" FeSeq="501" OrigRegistrarId="100">'
    '<FeTimeStamp Year="2019" Month="3" Day="5" Hour="09" Minute="07" TimeZoneOffset="+13:00"/>'
    '<Domain DomainName="kakapo.nz" Status="Active"/></Response>'
)

SHORT = 0.2
"""Time-out of the tests that wait for one, in seconds."""

LATE = 1.0
"""How long after the time-out the client may say so, on a busy machine."""


def document(*responses: str) -> bytes:
    return f'<NZSRSResponse VerMajor="5" VerMinor="0">{"".join(responses)}</NZSRSResponse>'.encode()


def long_document(octets: int) -> bytes:
    return document(RESPONSE.replace("<Domain ", f"<Filler>{'x' * octets}</Filler><Domain "))


@pytest.fixture
def good(keys: Keys) -> bytes:
    """The body of a good answer to a transaction of one action."""
    return signed(document(RESPONSE), keys.registry)


Connect = Callable[..., Client]


@pytest.fixture
def connect(keys: Keys) -> Iterator[Connect]:
    """Makes clients of a registry (or a URL), which are closed after the test."""
    clients: list[Client] = []

    def connect_to(
        registry: Registry | str,
        *,
        timeout: float = 5,
        connections: int = 4,
        max_response: int = 1_000_000,
        ca_file: Path | None = None,
        unsigned: bool = False,
        keyring: Keyring | None = keys.registry_ring,
    ) -> Client:
        client = Client(
            registry if isinstance(registry, str) else registry.url,
            signing_key=keys.client,
            keyring=keyring,
            timeout=timeout,
            connections=connections,
            max_response=max_response,
            ca_file=str(ca_file) if ca_file is not None else None,
            unsigned=unsigned,
        )
        clients.append(client)
        return client

    yield connect_to
    for client in clients:
        client.close()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.fixture(autouse=True)
def _no_descriptor_or_thread_is_left(keys: Keys) -> Iterator[None]:
    open_before, threads_before = descriptors(), threading.active_count()
    yield
    assert descriptors() == open_before
    assert threading.active_count() == threads_before


@contextmanager
def seconds(least: float, most: float) -> Iterator[None]:
    """The block takes that long."""
    start = time.monotonic()
    yield
    taken = time.monotonic() - start
    assert least <= taken <= most, f"{taken:.3f} s"


# --- what works


def test_a_signed_answer_gives_one_result_for_each_action(connect: Connect, keys: Keys) -> None:
    other = RESPONSE.replace("kakapo", "weka")
    with Registry(send(http(signed(document(RESPONSE, other), keys.registry)))) as registry:
        results = connect(registry).exchange(Transaction(100, (Whois("kakapo.nz"), Whois("weka.nz"))))

    assert [result.domain.name for result in results if result.domain] == ["kakapo.nz", "weka.nz"]
    assert [result.identity for result in results] == ["2,501", "2,501"]


def test_a_request_is_one_post_of_three_fields(connect: Connect, good: bytes, keys: Keys) -> None:
    with Registry(send(http(good))) as registry:
        connect(registry).exchange(QUERY)

    (request,) = registry.requests
    assert request.line == "POST /srs/registrar HTTP/1.1"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["host"] == f"127.0.0.1:{registry.port}"
    assert set(request.fields) == {"r", "s", "n"}
    assert request.fields["n"] == b"100"
    assert request.fields["r"] == QUERY.document()
    keys.client_ring.verify(request.fields["r"], request.fields["s"])


def test_the_query_part_of_the_url_is_kept(connect: Connect, good: bytes) -> None:
    with Registry(send(http(good))) as registry:
        connect(f"http://127.0.0.1:{registry.port}?to=srs&x=1").exchange(QUERY)

    assert registry.requests[0].line == "POST /?to=srs&x=1 HTTP/1.1"


def test_every_character_arrives_as_it_was_signed(connect: Connect, good: bytes, keys: Keys) -> None:
    name = "Ngā & Co = 100% + \"more\" <b> 'q' \r\n\t漢字 𝄞 %26 &amp;"
    order = HandleCreate(
        action_id="a+b&c=d%20",
        handle_id="h",
        name=name,
        email="e@example.nz",
        address=PostalAddress("1 Rd", "Ōtaki", "NZ"),
        phone=Phone("64", "4", "1+2"),
    )
    with Registry(send(http(good))) as registry:
        connect(registry).exchange(Transaction(100, (order,)))

    fields = registry.requests[0].fields
    assert fields["r"] == Transaction(100, (order,)).document()
    assert b"\n" not in fields["r"]
    assert b"\r" not in fields["r"]
    keys.client_ring.verify(fields["r"], fields["s"])


def test_an_answer_with_any_character_is_verified_and_read(connect: Connect, keys: Keys) -> None:
    text = "100% + &amp; = Māori\r\n漢字 &quot;"
    refused = (
        '<Response Action="Whois" FeId="2" FeSeq="1" OrigRegistrarId="100">'
        f'<Error ErrorId="X" Severity="err" Hint="Y"><Description>{text}</Description></Error></Response>'
    )
    with Registry(send(http(signed(document(refused), keys.registry)))) as registry:
        (result,) = connect(registry).exchange(QUERY)

    assert result.error is not None
    assert result.error.description == '100% + & = Māori\n漢字 "'


@pytest.mark.parametrize("size", [7, 100, 100_000])
def test_an_answer_in_chunks_is_put_together(connect: Connect, good: bytes, keys: Keys, size: int) -> None:
    with Registry(send(chunked(signed(long_document(30_000), keys.registry), size))) as registry:
        client = connect(registry)
        for _ in range(3):
            assert len(client.exchange(QUERY)) == 1

    assert registry.accepted == 1


def test_the_type_of_the_answer_may_have_parameters(connect: Connect, good: bytes) -> None:
    mime = "Application/X-WWW-Form-URLencoded; charset=UTF-8"
    with Registry(send(http(good, mime=mime))) as registry:
        assert connect(registry).exchange(QUERY)


@pytest.mark.parametrize("octets", [0, 200_000])
def test_an_answer_after_which_the_registry_closes_is_read_whole(
    connect: Connect, keys: Keys, octets: int
) -> None:
    body = signed(long_document(octets), keys.registry)
    head, content = http(body, more="Connection: close\r\n").split(b"\r\n\r\n", 1)

    def answer_in_two_parts(peer: Peer, _request: Request) -> None:
        peer.send(head + b"\r\n\r\n")
        peer.pause(0.02)
        peer.send(content)
        peer.close()

    with Registry(answer_in_two_parts) as registry:
        assert len(connect(registry).exchange(QUERY)) == 1


def test_an_answer_without_a_length_ends_with_the_connection(connect: Connect, keys: Keys) -> None:
    body = signed(long_document(200_000), keys.registry)
    head = b"HTTP/1.0 200 OK\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
    with Registry(send_and_close(head + body)) as registry:
        client = connect(registry)
        assert len(client.exchange(QUERY)) == 1
        assert len(client.exchange(QUERY)) == 1

    assert registry.accepted == 2


# --- the pool


def test_one_connection_serves_many_exchanges(connect: Connect, good: bytes) -> None:
    with Registry(send(http(good))) as registry:
        client = connect(registry)
        for transaction in [QUERY, WRITE] * 10:
            client.exchange(transaction)

    assert registry.accepted == 1
    assert len(registry.requests) == 20


def test_many_threads_never_have_more_connections_than_allowed(connect: Connect, good: bytes) -> None:
    def answer_after_a_while(peer: Peer, request: Request) -> None:
        time.sleep(0.005)
        send(http(good))(peer, request)

    with Registry(answer_after_a_while) as registry:
        client = connect(registry, connections=3)
        with ThreadPoolExecutor(24) as threads:
            results = list(threads.map(lambda _: client.exchange(QUERY), range(120)))

    assert all(len(found) == 1 for found in results)
    assert registry.most_open == 3
    assert registry.accepted == 3


def test_who_waits_for_a_free_connection_until_the_deadline_sent_nothing(
    connect: Connect, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()

    def answer_when_told(peer: Peer, request: Request) -> None:
        assert go_on.wait(5)
        send(http(good))(peer, request)

    with Registry(answer_when_told) as registry, ThreadPoolExecutor(1) as threads:
        client = connect(registry, connections=1)
        first = threads.submit(client.exchange, QUERY)
        registry.wait_until(lambda: len(registry.requests) == 1)
        monkeypatch.setattr(client, "_timeout", SHORT)
        with seconds(SHORT, SHORT + LATE), pytest.raises(NotSent, match="busy"):
            client.exchange(WRITE)
        go_on.set()
        assert len(first.result()) == 1
        assert len(client.exchange(QUERY)) == 1

    assert registry.accepted == 1
    assert len(registry.requests) == 2


def test_a_fault_gives_its_place_in_the_pool_back(connect: Connect, good: bytes) -> None:
    with Registry(close, reset, close, send(http(good))) as registry:
        client = connect(registry, connections=1)
        for _ in range(3):
            with pytest.raises(Unanswered):
                client.exchange(WRITE)
        assert client.exchange(WRITE)


def test_closing_the_client_closes_the_kept_connections(connect: Connect, good: bytes) -> None:
    with Registry(send(http(good))) as registry:
        client = connect(registry)
        client.exchange(QUERY)
        assert not registry.all_closed()
        client.close()
        registry.wait_until(registry.all_closed)


# --- a kept connection that has died


@pytest.mark.parametrize("transaction", [QUERY, WRITE])
def test_a_kept_connection_found_dead_is_replaced(
    connect: Connect, good: bytes, transaction: Transaction
) -> None:
    with Registry(send_and_close(http(good)), send(http(good))) as registry:
        client = connect(registry)
        client.exchange(transaction)
        registry.wait_until(registry.all_closed)
        assert len(client.exchange(transaction)) == 1

    assert registry.accepted == 2
    assert len(registry.requests) == 2


def test_a_kept_connection_on_which_more_came_than_asked_for_is_replaced(
    connect: Connect, good: bytes
) -> None:
    stray = http(b"r=stray")

    def answer_and_stray(peer: Peer, request: Request) -> None:
        send(http(good))(peer, request)
        time.sleep(0.05)
        send(stray)(peer, request)

    with Registry(answer_and_stray, send(http(good))) as registry:
        client = connect(registry)
        client.exchange(WRITE)
        time.sleep(0.1)
        assert len(client.exchange(WRITE)) == 1

    assert registry.accepted == 2


@pytest.mark.parametrize("death", [close, reset])
def test_a_query_that_dies_on_a_kept_connection_is_sent_once_more(
    connect: Connect, good: bytes, death: Behaviour
) -> None:
    with Registry(send(http(good)), death, send(http(good))) as registry:
        client = connect(registry, connections=1)
        client.exchange(QUERY)
        assert len(client.exchange(QUERY)) == 1

    assert [request.fields["r"] for request in registry.requests] == [QUERY.document()] * 3
    assert registry.accepted == 2


@pytest.mark.parametrize("death", [close, reset])
def test_a_query_is_not_sent_a_third_time(connect: Connect, good: bytes, death: Behaviour) -> None:
    with Registry(send(http(good)), death) as registry:
        client = connect(registry)
        client.exchange(QUERY)
        with pytest.raises(Unanswered):
            client.exchange(QUERY)

    assert len(registry.requests) == 3


@pytest.mark.parametrize("death", [close, reset])
def test_a_write_that_dies_on_a_kept_connection_is_never_sent_again(
    connect: Connect, good: bytes, death: Behaviour
) -> None:
    with Registry(send(http(good)), death, send(http(good))) as registry:
        client = connect(registry)
        client.exchange(QUERY)
        with pytest.raises(Unanswered):
            client.exchange(WRITE)

    assert len(registry.requests) == 2


def test_a_query_among_writes_is_not_sent_again_either(connect: Connect, good: bytes) -> None:
    with Registry(send(http(good)), close) as registry:
        client = connect(registry)
        client.exchange(QUERY)
        with pytest.raises(Unanswered):
            client.exchange(Transaction(100, QUERY.actions + WRITE.actions))

    assert len(registry.requests) == 2


@pytest.mark.parametrize("death", [close, reset])
def test_a_query_that_dies_on_a_new_connection_is_not_repeated(connect: Connect, death: Behaviour) -> None:
    with Registry(death) as registry, pytest.raises(Unanswered):
        connect(registry).exchange(QUERY)

    assert len(registry.requests) == 1


def test_a_query_whose_answer_had_begun_is_not_repeated(connect: Connect, good: bytes) -> None:
    with Registry(send(http(good)), send_and_close(http(good)[:40])) as registry:
        client = connect(registry)
        client.exchange(QUERY)
        with pytest.raises(Unanswered):
            client.exchange(QUERY)

    assert len(registry.requests) == 2


def test_a_query_that_waited_in_vain_on_a_kept_connection_is_not_repeated(
    connect: Connect, good: bytes
) -> None:
    with Registry(send(http(good)), silence) as registry:
        client = connect(registry, timeout=SHORT)
        client.exchange(QUERY)
        with seconds(SHORT - 0.01, SHORT + LATE), pytest.raises(Unanswered):
            client.exchange(QUERY)

    assert len(registry.requests) == 2


# --- no connection


def test_a_refused_connection_has_sent_nothing(connect: Connect) -> None:
    with Registry(silence) as registry:
        url = registry.url
    with pytest.raises(NotSent, match="refused"):
        connect(url).exchange(WRITE)


def test_a_host_without_an_address_was_sent_nothing(connect: Connect) -> None:
    with pytest.raises(NotSent):
        connect("http://registry.invalid/").exchange(WRITE)


def test_a_host_name_that_cannot_be_one_was_sent_nothing(connect: Connect) -> None:
    with pytest.raises(NotSent):
        connect(f"http://{'a' * 64}.example/").exchange(WRITE)


def test_a_connection_that_nobody_takes_has_sent_nothing(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address):  # fills the backlog
            url = f"http://127.0.0.1:{address[1]}/"
            with seconds(SHORT - 0.01, SHORT + LATE), pytest.raises(NotSent):
                connect(url, timeout=SHORT).exchange(WRITE)


# --- sent, and no whole answer


def test_a_connection_closed_before_anything_was_read_leaves_the_outcome_open(connect: Connect) -> None:
    with Registry(silence, greet=lambda peer: peer.close()) as registry, pytest.raises(Unanswered):
        connect(registry).exchange(WRITE)


def test_silence_ends_at_the_time_out(connect: Connect) -> None:
    with Registry(silence) as registry:
        client = connect(registry, timeout=SHORT)
        with seconds(SHORT - 0.01, SHORT + LATE), pytest.raises(Unanswered, match="in time"):
            client.exchange(WRITE)

    assert len(registry.requests) == 1


@pytest.mark.parametrize("start", [0, 60, 150], ids=["status line", "headers", "body"])
def test_a_drip_ends_at_the_time_out_of_the_whole_exchange(connect: Connect, good: bytes, start: int) -> None:
    answer = http(good)

    def begin_and_drip(peer: Peer, request: Request) -> None:
        send(answer[:start])(peer, request)
        drip(answer[start:], SHORT / 10)(peer, request)

    with Registry(begin_and_drip) as registry:
        client = connect(registry, timeout=SHORT)
        with seconds(SHORT - 0.01, SHORT + LATE), pytest.raises(Unanswered, match="in time"):
            client.exchange(WRITE)


def test_a_drip_that_is_done_in_time_is_an_answer(connect: Connect, good: bytes) -> None:
    with Registry(drip(http(good), 0)) as registry:
        assert connect(registry).exchange(QUERY)


@pytest.mark.parametrize("cut", [1, 12, 30, 60, 75, 100, -1])
def test_half_an_answer_is_none(connect: Connect, good: bytes, cut: int) -> None:
    with Registry(send_and_close(http(good)[:cut])) as registry, pytest.raises(Unanswered):
        connect(registry).exchange(WRITE)


def test_an_answer_cut_by_a_reset_is_none(connect: Connect, good: bytes) -> None:
    def begin_and_reset(peer: Peer, request: Request) -> None:
        send(http(good)[:100])(peer, request)
        reset(peer, request)

    with Registry(begin_and_reset) as registry, pytest.raises(Unanswered):
        connect(registry).exchange(WRITE)


def test_a_last_chunk_that_does_not_come_is_half_an_answer(connect: Connect, good: bytes) -> None:
    answer = chunked(good).removesuffix(b"0\r\n\r\n")
    with Registry(send_and_close(answer)) as registry, pytest.raises(Unanswered):
        connect(registry).exchange(WRITE)


def test_a_length_beyond_the_answer_makes_it_half_an_answer(connect: Connect, good: bytes) -> None:
    with (
        Registry(send_and_close(http(good, length=len(good) + 1))) as registry,
        pytest.raises(Unanswered, match="early"),
    ):
        connect(registry).exchange(WRITE)


def test_a_length_beyond_the_answer_is_waited_for_until_the_time_out(connect: Connect, good: bytes) -> None:
    with Registry(send(http(good, length=len(good) + 1))) as registry:
        client = connect(registry, timeout=SHORT)
        with seconds(SHORT - 0.01, SHORT + LATE), pytest.raises(Unanswered):
            client.exchange(WRITE)


@pytest.mark.parametrize(
    "octets",
    [b"garbage\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\0" * 100 + b"\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n"],
)
def test_what_is_no_http_is_no_answer(connect: Connect, octets: bytes) -> None:
    with Registry(send_and_close(octets)) as registry, pytest.raises(Unanswered):
        connect(registry).exchange(WRITE)


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["headers", "interim answers"]
)
def test_a_head_without_an_end_is_cut(connect: Connect, head: bytes) -> None:
    line = b"X: " + b"y" * 1000 + b"\r\n" if b"200" in head else head
    with Registry(pour(line, 100_000, before=head)) as registry:
        client = connect(registry, timeout=SHORT)
        with seconds(0, SHORT + LATE), pytest.raises(Unanswered):
            client.exchange(WRITE)


@pytest.mark.parametrize(
    "status",
    ["500 Internal Server Error", "502 Bad Gateway", "503 Busy", "404 Not Found", "204 No Content", "401 No"],
)
def test_an_http_error_is_no_answer(connect: Connect, good: bytes, status: str) -> None:
    number = status.split()[0]
    with (
        Registry(send(http(good, status=status))) as registry,
        pytest.raises(Unanswered, match=number),
    ):
        connect(registry).exchange(WRITE)


def test_a_redirection_is_not_followed(connect: Connect, good: bytes) -> None:
    with Registry(send(http(good))) as other:
        answer = http(b"", status="302 Found", more=f"Location: {other.url}\r\n")
        with Registry(send(answer)) as registry, pytest.raises(Unanswered, match="302"):
            connect(registry).exchange(QUERY)

    assert other.accepted == 0


LONG = Transaction(100, (Whois("x" * 8_000_000),))
"""More than the kernel takes at once."""


def test_a_registry_that_hardly_reads_ends_at_the_time_out(connect: Connect) -> None:
    with Registry(
        silence, greet=lambda peer: peer.read_slowly(20_000, SHORT / 10), receive_buffer=20_000
    ) as registry:
        client = connect(registry, timeout=SHORT)
        with seconds(SHORT, SHORT + LATE + 1), pytest.raises(Unanswered, match="in time"):
            client.exchange(LONG)


# --- an answer that can't be believed


@pytest.mark.parametrize("mime", ["text/html", "application/xml", "multipart/form-data", "", None])
def test_another_type_is_not_acceptable(connect: Connect, good: bytes, mime: str | None) -> None:
    with Registry(send(http(good, mime=mime))) as registry, pytest.raises(Unacceptable, match="not app"):
        connect(registry).exchange(QUERY)


@pytest.mark.parametrize(
    "body", [b"", b"<html/>", b"\xff\xfe", b"r", b"r=1&&s=2", b"r=1&r=2", "r=é".encode(), b"&" * 1000]
)
def test_what_is_no_form_is_not_acceptable(connect: Connect, body: bytes) -> None:
    with Registry(send(http(body))) as registry, pytest.raises(Unacceptable):
        connect(registry, unsigned=True).exchange(QUERY)


def test_an_answer_without_a_document_is_not_acceptable(connect: Connect, keys: Keys) -> None:
    body = form({"s": keys.registry.sign(b"").encode()})
    with Registry(send(http(body))) as registry, pytest.raises(Unacceptable, match="'r' is missing"):
        connect(registry).exchange(QUERY)


@pytest.mark.parametrize("unsigned", [False, True])
def test_a_signature_over_something_else_is_not_acceptable(
    connect: Connect, keys: Keys, unsigned: bool
) -> None:
    signature = keys.registry.sign(document(RESPONSE.replace("Active", "Available")))
    body = form({"r": document(RESPONSE), "s": signature.encode()})
    with Registry(send(http(body))) as registry, pytest.raises(Unacceptable):
        connect(registry, unsigned=unsigned).exchange(QUERY)


@pytest.mark.parametrize("unsigned", [False, True])
def test_a_signature_of_another_key_is_not_acceptable(connect: Connect, keys: Keys, unsigned: bool) -> None:
    body = signed(document(RESPONSE), keys.stranger)
    with Registry(send(http(body))) as registry, pytest.raises(Unacceptable):
        connect(registry, unsigned=unsigned).exchange(QUERY)


@pytest.mark.parametrize("unsigned", [False, True])
def test_a_signature_that_is_none_is_not_acceptable(connect: Connect, unsigned: bool) -> None:
    body = form({"r": document(RESPONSE), "s": b"trust me"})
    with Registry(send(http(body))) as registry, pytest.raises(Unacceptable):
        connect(registry, unsigned=unsigned).exchange(QUERY)


def test_our_own_signature_sent_back_is_not_acceptable(connect: Connect, keys: Keys) -> None:
    body = signed(document(RESPONSE), keys.client)
    with Registry(send(http(body))) as registry, pytest.raises(Unacceptable):
        connect(registry).exchange(QUERY)


UNSIGNED = [form({"r": document(RESPONSE)}), form({"r": document(RESPONSE), "s": b" \r\n"})]


@pytest.mark.parametrize("body", UNSIGNED, ids=["no field", "empty field"])
def test_a_missing_signature_is_not_acceptable(connect: Connect, body: bytes) -> None:
    with Registry(send(http(body))) as registry, pytest.raises(Unacceptable, match="no signature"):
        connect(registry).exchange(QUERY)


@pytest.mark.parametrize("body", UNSIGNED, ids=["no field", "empty field"])
def test_a_missing_signature_is_taken_where_that_is_allowed(connect: Connect, body: bytes) -> None:
    with Registry(send(http(body))) as registry:
        assert connect(registry, unsigned=True).exchange(QUERY)
        assert connect(registry, unsigned=True, keyring=None).exchange(QUERY)


def test_a_signature_that_cannot_be_checked_is_not_acceptable(connect: Connect, good: bytes) -> None:
    with Registry(send(http(good))) as registry, pytest.raises(Unacceptable, match="no key"):
        connect(registry, unsigned=True, keyring=None).exchange(QUERY)


@pytest.mark.parametrize("responses", [(), (RESPONSE,) * 2, (RESPONSE,) * 11], ids=["0", "2", "11"])
def test_another_number_of_results_than_actions_is_not_acceptable(
    connect: Connect, keys: Keys, responses: tuple[str, ...]
) -> None:
    with (
        Registry(send(http(signed(document(*responses), keys.registry)))) as registry,
        pytest.raises(Unacceptable, match=f"{len(responses)} results for 1"),
    ):
        connect(registry).exchange(QUERY)


@pytest.mark.parametrize(
    "others", ['TransId="of-another"', 'OrigRegistrarId="91"'], ids=["another request", "another registrar"]
)
@pytest.mark.parametrize("transaction", [QUERY, WRITE], ids=["query", "write"])
def test_an_answer_to_somebody_else_is_not_acceptable(
    connect: Connect, keys: Keys, transaction: Transaction, others: str
) -> None:
    theirs = f'<Response Action="Whois" FeId="1" FeSeq="1" {others}/>'
    with (
        Registry(send(http(signed(document(theirs), keys.registry)))) as registry,
        pytest.raises(Unacceptable, match="another"),
    ):
        connect(registry).exchange(transaction)


def test_a_connection_on_which_anothers_answer_came_is_not_used_again(connect: Connect, keys: Keys) -> None:
    def answer_to(label: str) -> bytes:
        response = f'<Response Action="Whois" FeId="1" FeSeq="1" TransId="{label}"/>'
        return http(signed(document(response), keys.registry))

    first, second = (Transaction(100, (Whois("kakapo.nz", full=False),)) for _ in range(2))

    def answer_late(peer: Peer, request: Request) -> None:
        peer.send(answer_to("of-another"))
        peer.pause(0.1)  # meanwhile the next request is on its way
        peer.send(answer_to(first.label))

    with Registry(answer_late, send(answer_to(second.label))) as registry:
        client = connect(registry, connections=1)
        with pytest.raises(Unacceptable, match="another"):
            client.exchange(first)
        [result] = client.exchange(second)

    assert result.trans_id == second.label
    assert registry.accepted == 2


@pytest.mark.parametrize("transaction", [QUERY, WRITE], ids=["query", "write"])
def test_an_answer_with_our_names_is_acceptable(
    connect: Connect, keys: Keys, transaction: Transaction
) -> None:
    trans_id = transaction.actions[0].id or transaction.label
    ours = f'<Response Action="Whois" FeId="1" FeSeq="1" OrigRegistrarId="100" TransId="{trans_id}"/>'
    with Registry(send(http(signed(document(ours), keys.registry)))) as registry:
        [result] = connect(registry).exchange(transaction)

    assert result.trans_id == trans_id


@pytest.mark.parametrize(
    "xml",
    [b"", b"<NZSRSResponse", b"<other/>", b"not xml", b"\xff", b"<?xml version='1.0' encoding='x'?><a/>"],
)
def test_a_document_that_is_no_response_is_not_acceptable(connect: Connect, keys: Keys, xml: bytes) -> None:
    with Registry(send(http(signed(xml, keys.registry)))) as registry, pytest.raises(Unacceptable):
        connect(registry).exchange(QUERY)


def test_an_unacceptable_answer_is_logged_without_its_secrets(
    connect: Connect, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    body = form({"r": b'<NZSRSResponse><Domain UDAI="Hk7mNp2Q"/><EPPAuth Password="$5$a$bcd"/>'})
    with (
        caplog.at_level("DEBUG"),
        Registry(send(http(body))) as registry,
        pytest.raises(Unacceptable) as caught,
    ):
        connect(registry).exchange(QUERY)

    assert "unacceptable response" in caplog.text
    assert "UDAI" in caplog.text
    for secret in ("Hk7mNp2Q", "bcd"):
        assert secret not in caplog.text
        assert secret not in str(caught.value)


def test_an_answer_of_the_greatest_length_is_taken_and_one_octet_more_is_not(
    connect: Connect, good: bytes
) -> None:
    with Registry(send(http(good))) as registry:
        assert connect(registry, max_response=len(good)).exchange(QUERY)
        with pytest.raises(Unacceptable, match="longer than"):
            connect(registry, max_response=len(good) - 1).exchange(QUERY)


@pytest.mark.parametrize(
    "before",
    [
        f"HTTP/1.1 200 OK\r\nContent-Type: application/x-www-form-urlencoded\r\n{more}\r\n".encode()
        for more in (
            "Content-Length: 100000000\r\n",
            "Connection: close\r\n",
            "Transfer-Encoding: chunked\r\n",
        )
    ],
    ids=["length", "no length", "chunked"],
)
def test_too_long_an_answer_is_refused_before_all_of_it_was_read(connect: Connect, before: bytes) -> None:
    part = b"a" * 100_000
    if b"chunked" in before:
        part = b"186a0\r\n" + part + b"\r\n"
    with Registry(pour(part, 1000, before=before)) as registry:
        with pytest.raises(Unacceptable, match="longer than 20000 octets"):
            connect(registry, max_response=20_000).exchange(QUERY)
        registry.wait_until(registry.all_closed)
        assert registry.sent < 50_000_000  # what the kernel took; far from all of it


# --- refusals


def test_a_request_refused_as_a_whole_is_an_srs_error(connect: Connect, keys: Keys) -> None:
    refusal = (
        '<Error ErrorId="SIG_VERIFY_FAILED" Severity="err" Hint="INVALID_REQUEST_ERROR">'
        "<Description>Signature wrong</Description><ErrorDetails>90</ErrorDetails></Error>"
    )
    with (
        Registry(send(http(signed(document(refusal), keys.registry)))) as registry,
        pytest.raises(SRSError) as caught,
    ):
        connect(registry).exchange(Transaction(100, QUERY.actions * 3))

    assert caught.value.whole
    assert caught.value.error_id == "SIG_VERIFY_FAILED"
    assert caught.value.details == ("90",)


def test_a_refused_action_is_a_result_among_others(connect: Connect, keys: Keys) -> None:
    refused = (
        '<Response Action="Whois" FeId="2" FeSeq="501" OrigRegistrarId="100">'
        '<Error ErrorId="INVALID_FIELD" Severity="err" Hint="MALFORMED_REQUEST_ERROR"/></Response>'
    )
    with Registry(send(http(signed(document(refused, RESPONSE), keys.registry)))) as registry:
        first, second = connect(registry).exchange(Transaction(100, QUERY.actions * 2))

    assert first.error is not None
    assert not first.error.whole
    assert second.error is None


def test_every_failure_is_a_backend_error() -> None:
    assert all(issubclass(kind, BackendError) for kind in (NotSent, Unanswered, Unacceptable))


# --- TLS


class Authority:
    """A CA that makes certificates for 127.0.0.1 or for a name."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        self._certificate = self._make(self._name, self._key.public_key(), constraints)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def server(self, host: str = "127.0.0.1") -> ssl.SSLContext:
        """What a server of that name or address needs."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternative: x509.GeneralName
        try:
            alternative = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            alternative = x509.DNSName(host)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._make(subject, key.public_key(), x509.SubjectAlternativeName([alternative]))
        file = self._folder / f"{host}-{certificate.serial_number}.pem"
        file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _make(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(identifier, critical=False)
            .sign(self._key, hashes.SHA256())
        )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_https_registry_of_our_ca_is_asked_over_one_connection(
    connect: Connect, good: bytes, keys: Keys, authority: Authority, version: ssl.TLSVersion
) -> None:
    context = authority.server()
    context.minimum_version = context.maximum_version = version
    long = signed(long_document(100_000), keys.registry)
    with Registry(send(http(good)), send(http(long)), tls=context) as registry:
        client = connect(registry, ca_file=authority.file)
        for _ in range(5):
            assert client.exchange(QUERY)
            time.sleep(0.01)  # session tickets come meanwhile, and must not look like a closed connection

    assert registry.accepted == 1


def test_an_https_registry_of_another_ca_is_sent_nothing(
    connect: Connect, good: bytes, authority: Authority, tmp_path: Path
) -> None:
    other = Authority(tmp_path, "other")
    with (
        Registry(send(http(good)), tls=other.server()) as registry,
        pytest.raises(NotSent, match=r"(?i)certificate"),
    ):
        connect(registry, ca_file=authority.file).exchange(WRITE)

    assert registry.requests == []


def test_an_https_registry_of_another_name_is_sent_nothing(
    connect: Connect, good: bytes, authority: Authority
) -> None:
    with (
        Registry(send(http(good)), tls=authority.server("registry.example.nz")) as registry,
        pytest.raises(NotSent, match=r"(?i)certificate"),
    ):
        connect(registry, ca_file=authority.file).exchange(WRITE)

    assert registry.requests == []


def test_a_registry_that_speaks_no_tls_is_sent_nothing(
    connect: Connect, good: bytes, authority: Authority
) -> None:
    with Registry(send(http(good)), greet=lambda peer: peer.send(b"HTTP/1.1 400 Bad\r\n\r\n")) as registry:
        url = registry.url.replace("http:", "https:")
        with pytest.raises(NotSent):
            connect(url, ca_file=authority.file).exchange(WRITE)

    assert registry.requests == []


def test_a_tls_handshake_without_an_answer_ends_at_the_time_out(
    connect: Connect, authority: Authority
) -> None:
    with Registry(silence, greet=lambda peer: peer.wait()) as registry:
        client = connect(registry.url.replace("http:", "https:"), ca_file=authority.file, timeout=SHORT)
        with seconds(SHORT - 0.01, SHORT + LATE), pytest.raises(NotSent):
            client.exchange(WRITE)


def test_a_drip_over_tls_ends_at_the_time_out(connect: Connect, good: bytes, authority: Authority) -> None:
    with Registry(drip(http(good), SHORT / 10), tls=authority.server()) as registry:
        client = connect(registry, ca_file=authority.file, timeout=SHORT)
        with seconds(SHORT - 0.01, SHORT + LATE), pytest.raises(Unanswered, match="in time"):
            client.exchange(WRITE)


def test_a_registry_that_hardly_reads_over_tls_ends_at_the_time_out(
    connect: Connect, authority: Authority
) -> None:
    with Registry(
        silence,
        greet=lambda peer: peer.read_slowly(20_000, SHORT / 10),
        tls=authority.server(),
        receive_buffer=20_000,
    ) as registry:
        client = connect(registry, ca_file=authority.file, timeout=SHORT)
        with seconds(SHORT, SHORT + LATE + 1), pytest.raises(Unanswered, match="in time"):
            client.exchange(LONG)


def test_a_tls_connection_cut_in_the_answer_gives_none(
    connect: Connect, good: bytes, authority: Authority
) -> None:
    with (
        Registry(send_and_close(http(good)[:-1]), tls=authority.server()) as registry,
        pytest.raises(Unanswered),
    ):
        connect(registry, ca_file=authority.file).exchange(WRITE)


def test_a_kept_tls_connection_found_closed_is_replaced(
    connect: Connect, good: bytes, authority: Authority
) -> None:
    with Registry(send_and_close(http(good)), send(http(good)), tls=authority.server()) as registry:
        client = connect(registry, ca_file=authority.file)
        client.exchange(WRITE)
        registry.wait_until(registry.all_closed)
        assert client.exchange(WRITE)

    assert len(registry.requests) == 2


# --- descriptors


def test_no_fault_leaves_a_descriptor_open(connect: Connect, good: bytes, keys: Keys) -> None:
    faults: list[Behaviour] = [
        close,
        reset,
        send_and_close(http(good)[:50]),
        send_and_close(b"garbage\r\n\r\n"),
        send(http(good, status="500 No")),
        send(http(good, mime="text/html")),
        send(http(b"x")),
        send(http(signed(document(RESPONSE), keys.stranger))),
        send(http(good, length=10_000_000)),
    ]
    with Registry(*faults) as registry:
        client = connect(registry, max_response=100_000, connections=1)
        client.close()
        before = descriptors()
        for _ in faults[:-1]:
            with pytest.raises(BackendError):
                client.exchange(WRITE)
        client.close()
        registry.wait_until(registry.all_closed)
        registry.wait_until(lambda: descriptors() == before)
        assert len(registry.requests) == len(faults) - 1
