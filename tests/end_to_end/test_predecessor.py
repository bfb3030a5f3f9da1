"""What the proxy before this one was seen to do wrong, each under its own name: none of it comes back."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_plus

import pytest

from srs_epp.srs.openpgp import SigningKey
from tests.end_to_end.client import EPP, HELLO, Answer, Client, check, frame, login
from tests.end_to_end.conftest import PASSWORDS, assert_no_secret
from tests.end_to_end.daemon import Daemon, Launch
from tests.end_to_end.fault_proxy import (
    PATIENCE,
    QUERY,
    Fault,
    FaultProxy,
    passed,
    silent,
    unsigned,
    wrongly_signed,
)
from tests.end_to_end.process import TOP, Sandbox
from tests.end_to_end.test_hostile import processor_time
from tests.end_to_end.test_limits import repeat, seconds_until_closed
from tests.srs import faulty
from tests.srs.faulty import Peer, Request

MIB = 1 << 20
CLOSED = (EOFError, ConnectionError, ssl.SSLError)


@dataclass
class House:
    """``eppd run`` with little patience, and what stands between it and the sandbox's registry."""

    daemon: Daemon
    proxy: FaultProxy

    @property
    def worker(self) -> int:
        [pid] = self.daemon.workers()
        return pid

    def logged_in(self, number: int = 100) -> Client:
        client = Client(self.daemon)
        client.log_in(self.daemon.registrar(number))
        return client

    def assert_serves(self) -> None:
        with self.logged_in() as client:
            assert client.ask(check("served.nz")).code == 1000


def start(folder: Path, sandbox: Sandbox, backend: str = "", **options: str) -> Daemon:
    patience = {"handshake_timeout": "1", "frame_timeout": "1", "idle_timeout": "3", "backend_timeout": "1"}
    return Daemon(
        folder,
        sandbox,
        **patience | {"backend": backend or str(sandbox.facts["registry"]), "log_level": "DEBUG"} | options,
    )


@contextlib.contextmanager
def ended_well(daemon: Daemon) -> Iterator[Daemon]:
    """End it with the test; no error of its own was in its log, and no password."""
    try:
        yield daemon
        assert daemon.stop() == 0, daemon.log
        assert "Traceback" not in daemon.log, daemon.log
        assert_no_secret(daemon.log)
    finally:
        daemon.kill_all()


@pytest.fixture(scope="module")
def shared_house(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("predecessor")
    key = SigningKey.from_file(sandbox.data / "registry.key")
    with FaultProxy(str(sandbox.facts["registry"]), key) as proxy:
        daemon = start(folder / "eppd", sandbox, proxy.url, audit_log=str(folder / "audit.log"))
        with ended_well(daemon):
            yield House(daemon, proxy)
    assert_no_secret((folder / "audit.log").read_text())


@pytest.fixture
def house(shared_house: House) -> Iterator[House]:
    """With a registry that does well, and afterwards again."""
    yield shared_house
    shared_house.proxy.be_well()


# -- XML


ENTITIES = {
    "external entity": '<!DOCTYPE epp [<!ENTITY x SYSTEM "{}">]>',
    "parameter entity": '<!DOCTYPE epp [<!ENTITY % x SYSTEM "{}"> %x;]>',
    "external DTD": '<!DOCTYPE epp SYSTEM "{}">',
    "public DTD": '<!DOCTYPE epp PUBLIC "-//x//y" "{}">',
}


def greeted(daemon: Daemon, document: str, encoding: str = "utf-8") -> Answer:
    """The answer to a document that is the first thing that a client sends."""
    with Client(daemon) as client:
        assert client.read().is_greeting
        return client.ask(document.encode(encoding))


@pytest.mark.parametrize("doctype", ENTITIES.values(), ids=ENTITIES)
def test_external_entities_read_no_local_file_before_login(
    house: House, tmp_path: Path, doctype: str
) -> None:
    pipe = tmp_path / "secret"
    os.mkfifo(pipe)  # whoever opens it waits for ever
    text = "&x;" if "ENTITY x" in doctype else ""
    document = f'{doctype.format(pipe.as_uri())}<epp xmlns="{EPP}"><hello>{text}</hello></epp>'

    for encoding in ("utf-8", "utf-16"):
        answer = greeted(house.daemon, document, encoding)

        assert answer.code == 2001
        assert "a DOCTYPE is not allowed" in answer.text
    with pytest.raises(OSError, match="No such device"):  # nobody reads there
        os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)


@pytest.mark.parametrize("doctype", ENTITIES.values(), ids=ENTITIES)
def test_doctypes_fetch_no_url_before_login(house: House, doctype: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        for scheme in ("http", "ftp"):
            url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/epp.dtd"
            answer = greeted(house.daemon, f'{doctype.format(url)}<epp xmlns="{EPP}"><hello/></epp>')

            assert answer.code == 2001
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize(
    ("size", "longest"),
    [(2 * MIB, 0.8), (20 * MIB, 4.0)],
    ids=["2 MiB, 7.6 s then", "20 MiB, which never ended then"],
)
def test_a_long_comment_costs_next_to_no_processor_time(
    house: House, sandbox: Sandbox, tmp_path: Path, size: int, longest: float
) -> None:
    unit = f'<epp xmlns="{EPP}"><!--{"-x" * (size // 2)}--><hello/></epp>'.encode()
    with Client(house.daemon) as client:
        client.read()
        client.tls.sendall(frame(unit)[:65536])  # it is refused for its length, before more of it comes
        assert client.read().code == 2001
        assert client.at_end()

    with ended_well(start(tmp_path / "eppd", sandbox, max_frame="32MiB", frame_timeout="20")) as daemon:
        [worker] = daemon.workers()
        with Client(daemon) as client:
            client.read()
            before = processor_time(worker)
            answer = client.ask(unit)

            # libxml2 takes no comment of over 10 MB
            assert answer.is_greeting if size < 10 * MIB else answer.code == 2001
            assert processor_time(worker) - before < longest


# -- commands


@pytest.mark.parametrize("count", [3, 4, 10, 150])
def test_pipelined_commands_wedge_nothing(house: House, count: int) -> None:
    with house.logged_in() as client:
        for _ in range(2):
            client.send(*(check(f"pipe-{number}.nz", trid=f"pipe-{number}") for number in range(count)))
            answers = [client.read() for _ in range(count)]

            assert [answer.code for answer in answers] == [1000] * count
            assert [answer.client_trid for answer in answers] == [f"pipe-{n}" for n in range(count)]


@pytest.mark.parametrize("together", [True, False], ids=["in one write", "while it is slow"])
def test_a_hello_does_not_overtake_a_slow_check(house: House, *, together: bool) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        asked.set()
        assert go_on.wait(PATIENCE)
        passed(proxy, peer, request)

    with house.logged_in() as client:
        house.proxy.on(QUERY, slow)
        client.send(check("slow.nz"), *([HELLO] if together else []))
        assert asked.wait(PATIENCE)
        if not together:
            client.send(HELLO)
        client.tls.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.read()
        client.tls.settimeout(20)
        go_on.set()

        assert client.read().code == 1000
        assert client.read().is_greeting


@pytest.mark.parametrize("politely", [True, False], ids=["with close_notify", "TCP alone"])
def test_a_command_before_a_half_close_is_answered(house: House, politely: bool) -> None:
    context = ssl.create_default_context(cafile=house.daemon.ca)
    with Client(house.daemon, context=context) as client:
        client.log_in(house.daemon.registrar(100))
        client.send(check("half.nz", trid="half-1"))
        if politely:
            client.tls.settimeout(0)  # send the alert, and wait for none
            with contextlib.suppress(ssl.SSLError, OSError):
                client.tls.unwrap()
            client.tls.settimeout(20)
        beneath = socket.socket(fileno=os.dup(client.tls.fileno()))
        with beneath:
            beneath.shutdown(socket.SHUT_WR)

        answer = client.read()
        assert (answer.code, answer.client_trid) == (1000, "half-1")
        assert client.at_end()


# -- data units


def memory(pid: int, what: str) -> int:
    """In octets, a value of /proc/PID/status."""
    found = re.search(rf"^{what}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def test_a_length_of_2_gib_reserves_nothing(house: House) -> None:
    house.assert_serves()
    before = memory(house.worker, "VmPeak")
    for length in (0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        with Client(house.daemon) as client:
            client.read()
            client.tls.sendall(length.to_bytes(4, "big"))

            answer = client.read()
            assert answer.code == 2001
            assert f"data unit length {length} is not between 4 and 1048576" in answer.text
            assert client.at_end()

    assert memory(house.worker, "VmPeak") - before < 256 * MIB
    house.daemon.wait_for_log(r"eppd\.session: .* data unit length 2147483647 is not between .*; closing$")


@pytest.mark.parametrize("length", range(4))
def test_a_length_below_4_is_answered_before_the_connection_ends(house: House, length: int) -> None:
    with house.logged_in() as client:
        client.tls.sendall(frame(check("before.nz")) + length.to_bytes(4, "big") + frame(HELLO))

        assert client.read().code == 1000
        assert client.read().code == 2001
        assert client.at_end()


def test_a_client_that_never_reads_makes_no_memory_grow(house: House) -> None:
    house.assert_serves()
    before = memory(house.worker, "VmRSS")
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect((house.daemon.host, house.daemon.port))
    context = ssl.create_default_context(cafile=house.daemon.ca)
    with raw, context.wrap_socket(raw, server_hostname=house.daemon.host) as tls:
        tls.settimeout(0.5)
        with pytest.raises(TimeoutError):  # the server does not read on
            repeat(lambda: tls.sendall(frame(HELLO) * 100))

        # a greeting is twelve times as long as its hello
        assert memory(house.worker, "VmRSS") - before < 16 * MIB
        house.daemon.wait_for_log("closing: idle-timeout: no complete command")


# -- connections


def test_a_byte_now_and_then_defeats_no_timeout(house: House) -> None:
    with house.logged_in() as client:
        octets = iter(frame(check("slow.nz")))
        started = time.monotonic()
        with pytest.raises((ConnectionError, ssl.SSLError)):
            repeat(lambda: client.tls.sendall(bytes([next(octets)])), pause=0.4)
        assert time.monotonic() - started < 8
    house.daemon.wait_for_log("closing: frame-timeout: a data unit that does not end")


def test_fifty_silent_connections_shut_nobody_out(house: House) -> None:
    mute = [connect_raw(house.daemon) for _ in range(50)]
    try:
        with house.logged_in() as client:
            assert client.ask(check("unhurt.nz")).code == 1000
        assert max(seconds_until_closed(one) for one in mute) < 10
    finally:
        for one in mute:
            one.close()
    house.daemon.wait_for_log("TLS handshake failed: not finished in time")


def connect_raw(daemon: Daemon) -> socket.socket:
    return socket.create_connection((daemon.host, daemon.port), 20)


def test_over_the_limit_a_client_gets_no_plain_text(sandbox: Sandbox, tmp_path: Path) -> None:
    with ended_well(start(tmp_path / "eppd", sandbox, max_connections="1")) as daemon:
        with Client(daemon) as client:
            client.log_in(daemon.registrar(100))
            with connect_raw(daemon) as refused:
                assert refused.recv(65536) == b""
            with pytest.raises(CLOSED):
                Client(daemon)
            assert client.ask(check("unhurt.nz")).code == 1000
        daemon.wait_for_log(r"refused: max-connections \(1\) reached")


# -- the registry


def test_unsigned_answers_are_not_accepted(house: House) -> None:
    with Client(house.daemon) as client:
        client.read()
        house.proxy.on(QUERY, unsigned)
        assert client.ask(login(house.daemon.registrar(100))).code == 2500
        assert client.at_end()
    with house.logged_in() as client:
        house.proxy.on(QUERY, unsigned)
        assert client.ask(check("unsigned.nz")).code == 2500
        assert client.at_end()
    assert house.proxy.all_done


@pytest.mark.parametrize("when", ["before the login", "after it"])
@pytest.mark.parametrize(
    ("fault", "code"), [(None, 2400), (silent, 2400), (wrongly_signed, 2500)], ids=["down", "hung", "forged"]
)
def test_a_registry_out_of_order_is_an_epp_answer(
    house: House, fault: Fault | None, code: int, when: str
) -> None:
    with Client(house.daemon) as client:
        assert client.read().is_greeting
        unit = login(house.daemon.registrar(100))
        if when == "after it":
            assert client.ask(unit).code == 1000
            unit = check("lost.nz")
        if fault is None:
            house.proxy.refuse()
        else:
            house.proxy.always(QUERY, fault)

        answer = client.ask(unit)

        assert answer.code == code
        house.proxy.be_well()
        if code == 2500:
            assert client.at_end()
        else:
            assert client.ask(unit).code == 1000


def recoded(change: Callable[[bytes], bytes]) -> Fault:
    """The registry's answer, with every %xx of the form written otherwise."""

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        body = re.sub(rb"%[0-9A-Fa-f]{2}", lambda found: change(found[0]), proxy.forward(request))
        assert change(b"%3c") in body
        peer.send(faulty.http(body))

    return treat


@pytest.mark.parametrize("change", [bytes.upper, bytes.lower], ids=["%3C", "%3c"])
def test_escapes_in_an_answer_are_decoded_in_either_case(
    house: House, change: Callable[[bytes], bytes]
) -> None:
    house.proxy.always(QUERY, recoded(change))
    with house.logged_in() as client:
        assert client.ask(check("escaped.nz")).code == 1000


# -- secrets


def test_passwords_and_their_hashes_stand_in_no_log(house: House) -> None:
    registrar = house.daemon.registrar(100)
    wrong = "guess-of-mine-7"
    changing = login(registrar).replace("</pw>", f"</pw><newPW>{registrar['password']}</newPW>")
    with Client(house.daemon) as client:
        client.read()
        assert client.ask(login(registrar, wrong)).code == 2200
        assert client.ask(changing).code == 1000
    hashes = set(re.findall(rb'Password="(\$[^"]+)"', b"".join(house.proxy.responses)))
    assert hashes
    for fault in (unsigned, wrongly_signed):  # the answer, with the hash, goes to the log of what is wrong
        with Client(house.daemon) as client:
            client.read()
            house.proxy.on(QUERY, fault)
            assert client.ask(login(registrar)).code == 2500
    log = house.daemon.log + Path(house.daemon.options["audit_log"]).read_text()
    decoded = log + unquote_plus(log)

    assert 'EPPAuth Password="***"' in decoded
    for secret in (*PASSWORDS.values(), wrong, *(one.decode() for one in hashes)):
        assert secret not in decoded


def test_guessing_passwords_has_an_end(house: House) -> None:
    with Client(house.daemon) as client:
        client.read()
        started = time.monotonic()
        guesses = [client.ask(login(house.daemon.registrar(101), f"guess-{n}")).code for n in range(3)]

        assert guesses == [2200, 2200, 2501]
        assert time.monotonic() - started >= 3
        assert client.at_end()
    house.daemon.wait_for_log("login of registrar '101' refused: wrong password")


# -- errors of our own


FAULTS = """
import os, sys
written = os.open({record!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def note(event, arguments):
    if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        os.write(written, f"{{arguments[0]}}\\n".encode())
    elif event in ("os.rename", "os.link", "os.symlink", "os.mkdir"):
        os.write(written, f"{{arguments[0]}} {{arguments[1]}}\\n".encode())

sys.addaudithook(note)

from srs_epp.epp.reader import Command
from srs_epp.session.session import Session

read, check = Session.input_packet, Command.check_schema

def input_packet(session, data):
    if b"fault-of-thread" in data:
        raise RuntimeError("a fault of the thread")
    read(session, data)

def check_schema(command):
    if command.client_trid == "fault-of-command":
        raise RuntimeError("a fault of the command")
    check(command)

Session.input_packet, Command.check_schema = input_packet, check_schema
"""  # a sitecustomize: faults that are made, and a note of each file that is opened to be written
NAME_OF_A_THREAD = r"/proc/self/task/\d+/comm"


def test_errors_that_nobody_caught_go_to_the_log_and_into_no_other_file(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    record = tmp_path / "written"
    (tmp_path / "sitecustomize.py").write_text(FAULTS.format(record=str(record)))
    launch = Launch(environment={"PYTHONPATH": f"{tmp_path}:{TOP}", "PYTHONDONTWRITEBYTECODE": "1"})
    audit = tmp_path / "audit.log"
    daemon = Daemon(tmp_path / "eppd", sandbox, launch, audit_log=str(audit))
    try:
        with Client(daemon) as client, Client(daemon) as other:
            client.log_in(daemon.registrar(100))
            other.log_in(daemon.registrar(101))
            assert client.ask(check("fault.nz", trid="fault-of-command")).code == 2400
            client.send(check("fault.nz", trid="fault-of-thread"))
            assert client.at_end()
            assert other.ask(check("unhurt.nz")).code == 1000
        daemon.wait_for_log("RuntimeError: a fault of the command")
        daemon.wait_for_log("RuntimeError: a fault of the thread")
        assert daemon.stop() == 0, daemon.log
    finally:
        daemon.kill_all()

    written = {name for name in record.read_text().splitlines() if not re.fullmatch(NAME_OF_A_THREAD, name)}
    assert written <= {str(audit), "/dev/null"}
    assert str(audit) in record.read_text()
