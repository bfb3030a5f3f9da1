"""The status process on its own: a table and numbers that the test has written, and HTTP."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection as Channel
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from prometheus_client.parser import text_string_to_metric_families

from srs_epp import __version__
from srs_epp.commands.overseer import Answered
from srs_epp.config import Address, Config, ConfigError
from srs_epp.daemon import figures, metrics, runtime, sockets, status
from srs_epp.daemon.readiness import Prober
from srs_epp.daemon.records import STATE_NAMES
from srs_epp.daemon.table import Table
from srs_epp.daemon.worker import READY, RELOAD, RETIRE
from srs_epp.epp.reader import read
from srs_epp.srs.actions import RegistrarDetailsQry
from srs_epp.srs.backend import Unacceptable, Unanswered
from srs_epp.srs.errors import SRSError
from srs_epp.srs.transaction import Transaction
from tests.daemon.child import in_child
from tests.end_to_end.client import HELLO, check
from tests.support.settings import config
from tests.support.site import PATHS, PATIENCE, Site, wait_until

WAITING = STATE_NAMES.index("Waiting for Command")


@dataclass
class Served(Site):
    """A status process, as a master has it."""

    pid: int
    channel: Channel
    keeps: int
    """Closed, it is as if the master had died."""
    code: int | None = None

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def wait(self) -> int:
        """The exit code, once it has ended."""
        if self.code is None:
            deadline = time.monotonic() + PATIENCE
            while not (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
                if time.monotonic() > deadline:
                    os.kill(self.pid, signal.SIGKILL)
                time.sleep(0.01)
            self.code = os.waitstatus_to_exitcode(ended[1])
        return self.code

    def lose_master(self) -> None:
        if self.keeps >= 0:
            os.close(self.keeps)
            self.keeps = -1


@pytest.fixture
def table() -> Iterator[Table]:
    made = Table()
    made.note_answer()
    yield made
    os.close(made.descriptor)
    vars(made).clear()  # the memory, of which pytest would keep a descriptor


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the numbers of all processes are."""
    monkeypatch.setenv(metrics.FOLDER, str(tmp_path))
    return tmp_path


@pytest.fixture
def serve(table: Table, folder: Path) -> Iterator[Callable[..., Served]]:
    """Start a status process, with a Config of these changes."""
    started: list[Served] = []

    def start(**changes: object) -> Served:
        [listener] = sockets.listen([Address("127.0.0.1", 0)])
        ours, theirs = Pipe()
        lifeline, keeps = os.pipe()
        pid = os.fork()
        if not pid:
            code = 99
            try:
                os.close(keeps)
                ours.close()
                forget_prometheus()
                code = status.serve(config(**changes), listener, table, theirs, lifeline)
            finally:
                os._exit(code)
        theirs.close()
        os.close(lifeline)
        port = listener.getsockname()[1]
        listener.close()
        served = Served(port, pid, ours, keeps)
        started.append(served)
        assert ours.recv() == (READY, [])
        return served

    yield start
    for one in started:
        one.lose_master()
        one.wait()
        one.channel.close()


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    return serve()


def forget_prometheus() -> None:
    """Have it imported again: it looks for the folder only then."""
    for name in [name for name in sys.modules if name.split(".")[0] == "prometheus_client"]:
        del sys.modules[name]


def count_in_worker(act: Callable[[metrics.Metrics], None]) -> None:
    """Count in a process that is gone afterwards."""

    def count() -> None:
        forget_prometheus()
        act(metrics.Metrics())

    in_child(count)


def answered(unit: str, code: int = 1000, seconds: float = 0.25) -> Answered:
    return Answered(
        command=read(unit.encode()),
        code=code,
        server_trid="sv-1",
        identities=[],
        seconds=seconds,
        registry_seconds=0.125,
    )


def connect(
    table: Table, number: int, registrar: int | None = None, state: int = WAITING, peer: str = "192.0.2.7"
) -> int:
    slot = table.take(f"c1-{number}", peer, 65536, None)
    table.set_tls(slot, "TLSv1.3")
    table.states[slot] = state
    if registrar is not None:
        table.set_registrar(slot, registrar, 65536)
    return slot


# -- HTTP


@pytest.mark.parametrize("path", PATHS)
def test_every_page_is_there_and_head_says_the_same_without_it(served: Served, path: str) -> None:
    got, head = served.ask(path), served.ask(path, "HEAD")

    assert (got.status, head.status) == (200, 200)
    assert head.body == b""
    assert head.headers["Content-Type"] == got.headers["Content-Type"]
    assert int(got.headers["Content-Length"]) == len(got.body)


@pytest.mark.parametrize("path", [*PATHS, "/", "/nowhere"])
def test_no_answer_is_kept_guessed_at_or_framed(served: Served, path: str) -> None:
    headers = served.ask(path).headers

    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; base-uri 'none'; ")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Server"] == "eppd"


@pytest.mark.parametrize(
    "path", ["/", "/metrics/", "/status.html", "/../etc/passwd", "//metrics", "*", "%00"]
)
def test_nothing_else_is_there(served: Served, path: str) -> None:
    expected = 200 if path == "//metrics" else 404  # http.server takes two for one

    assert served.ask(path).status == expected


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "EPP"])
def test_nothing_can_be_changed(served: Served, method: str) -> None:
    page = served.ask("/status", method)

    assert (page.status, page.headers["Allow"]) == (405, "GET, HEAD")


def status_of(served: Served, host: str | None) -> int:
    """How a request with that Host is answered; None: with none."""
    with served.connect() as sock:
        head = "" if host is None else f"Host: {host}\r\n"
        sock.sendall(f"GET /status.json HTTP/1.1\r\n{head}\r\n".encode())
        return int(sock.recv(100).split()[1])


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9700", "127.0.0.1.evil.example", "a b"])
def test_a_page_from_elsewhere_whose_name_leads_to_loopback_reads_nothing(served: Served, host: str) -> None:
    assert status_of(served, host) == 421


@pytest.mark.parametrize("host", [None, "", "localhost", "LocalHost:9700", "127.0.0.1:9700", "[::1]:9700"])
def test_whoever_means_this_machine_is_answered(served: Served, host: str | None) -> None:
    assert status_of(served, host) == 200


def test_a_query_string_does_no_harm(served: Served) -> None:
    assert served.ask("/readyz?verbose=1").status == 200


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 70000 + b"\r\n\r\n", b"431"),
        (b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", b"431"),
        (b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"hello\r\n\r\n", b"400"),
        (b"GET / HTTP/9.9\r\n\r\n", b"505"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\n\n", b"400"),
    ],
)
def test_what_is_no_proper_request_is_refused(served: Served, octets: bytes, expected: bytes) -> None:
    with served.connect() as sock:
        sock.sendall(octets)
        sock.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            assert expected in sock.recv(100)

    assert served.ask("/healthz").status == 200


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Served]) -> Served:
    """Connections last half a second."""
    monkeypatch.setattr(status, "LIFETIME", 0.5)
    return serve()


def test_a_connection_without_a_request_is_closed(hasty: Served) -> None:
    with hasty.connect() as sock:
        assert sock.recv(1) == b""


def test_a_connection_whose_request_drips_is_closed(hasty: Served) -> None:
    with hasty.connect() as sock:
        started = time.monotonic()
        with suppress(ConnectionError):
            while time.monotonic() - started < PATIENCE:
                sock.sendall(b"x")
                time.sleep(0.05)
        assert time.monotonic() - started < 5


def test_there_are_not_more_connections_than_so_many(served: Served) -> None:
    idle = [served.connect() for _ in range(status.MOST_CONNECTIONS)]
    try:
        with served.connect() as sock:
            assert sock.recv(1) == b""
    finally:
        for one in idle:
            one.close()

    time.sleep(0.2)  # for their threads to see it
    assert served.ask("/healthz").status == 200


def test_many_at_once_are_all_answered(served: Served, table: Table) -> None:
    for number in range(500):
        connect(table, number, number % 7)
    socks = [served.connect() for _ in range(status.MOST_CONNECTIONS - 4)]
    for number, sock in enumerate(socks):
        sock.sendall(f"GET {PATHS[number % len(PATHS)]} HTTP/1.0\r\n\r\n".encode())
    for sock in socks:
        with sock, sock.makefile("rb") as stream:
            assert stream.readline() == b"HTTP/1.0 200 OK\r\n"
            assert stream.read()


# -- the process


def test_it_ends_when_it_is_told_to(served: Served) -> None:
    os.kill(served.pid, signal.SIGTERM)

    assert served.wait() == 0


def test_a_request_under_way_is_answered_first(served: Served) -> None:
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(b"GET /healthz HTTP/1.0\r\n")
        time.sleep(0.1)
        os.kill(served.pid, signal.SIGTERM)
        time.sleep(0.5)
        sock.sendall(b"\r\n")

        assert stream.read().endswith(b"\r\n\r\nok\n")
    assert served.wait() == 0


def test_a_client_that_says_nothing_does_not_keep_it(served: Served) -> None:
    with served.connect():
        time.sleep(0.1)
        started = time.monotonic()
        os.kill(served.pid, signal.SIGTERM)

        assert served.wait() == 0
        assert time.monotonic() - started < status.FAREWELL + 5


def test_it_ends_with_the_master(served: Served) -> None:
    served.lose_master()

    assert served.wait() == 0


def test_it_ends_with_its_channel(served: Served) -> None:
    served.channel.close()

    assert served.wait() == 0


def test_other_signals_are_not_for_it(served: Served) -> None:
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):
        os.kill(served.pid, number)
    time.sleep(0.1)

    assert served.ask("/healthz").status == 200
    assert Path(f"/proc/{served.pid}/comm").read_text() == "eppd status\n"


# -- metrics


def test_what_the_workers_count_is_added_up_and_stays_when_they_die(served: Served) -> None:
    before = served.samples()
    count_in_worker(lambda numbers: numbers.accepted())
    count_in_worker(lambda numbers: numbers.answered("100", answered(HELLO)))
    count_in_worker(lambda numbers: numbers.answered("100", answered(HELLO)))
    count_in_worker(lambda numbers: numbers.answered("101", answered(check("a.nz"), 2400)))

    after = served.samples()

    hello = 'eppd_commands_total{class="session",code="1000",command="hello",registrar="100"}'
    assert hello not in before
    assert after[hello] == 2
    assert after['eppd_commands_total{class="query",code="2400",command="check",registrar="101"}'] == 1
    assert after['eppd_command_seconds_sum{class="session",registrar="100"}'] == 0.5
    assert after['eppd_command_seconds_bucket{class="session",le="0.25",registrar="100"}'] == 2
    assert after['eppd_command_seconds_bucket{class="session",le="0.1",registrar="100"}'] == 0
    assert after["eppd_connections_total"] == 1


def test_the_gauges_tell_what_the_table_holds(served: Served, table: Table) -> None:
    connect(table, 1, 100)
    connect(table, 2, 100, STATE_NAMES.index("Processing Command"))
    connect(table, 3, 7)
    gone = connect(table, 4)
    connect(table, 5, state=STATE_NAMES.index("Waiting for Client Authentication"))
    table.give_back(gone)

    found = served.samples()

    assert found["eppd_open_connections"] == 4
    assert found["eppd_max_connections"] == 1000
    assert found['eppd_open_sessions{registrar="100"}'] == 2
    assert found['eppd_open_sessions{registrar="007"}'] == 1
    assert found['eppd_open_connections_by_state{state="Waiting for Command"}'] == 2
    assert found['eppd_open_connections_by_state{state="Processing Command"}'] == 1
    assert found['eppd_open_connections_by_state{state="Waiting for Client Authentication"}'] == 1
    assert found['eppd_open_connections_by_state{state="End Session"}'] == 0
    assert found["eppd_workers"] == 1  # the test, which holds the slots
    assert found["eppd_ready"] == 1
    assert 0 <= found["eppd_registry_silence_seconds"] < PATIENCE
    assert 0 < time.time() - found["eppd_start_time_seconds"] < 86400
    [build] = [name for name in found if name.startswith("eppd_build_info")]
    assert f'version="{__version__}"' in build


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version="),
    ],
)
def test_prometheus_gets_the_format_that_it_asks_for(served: Served, accept: str, expected: str) -> None:
    page = served.ask("/metrics", Accept=accept)

    assert page.headers["Content-Type"].startswith(expected)
    assert page.text.endswith("# EOF\n") == ("openmetrics" in accept)


def test_a_file_that_a_worker_has_just_made_is_waited_for(served: Served, folder: Path) -> None:
    count_in_worker(lambda numbers: numbers.accepted())
    [whole] = folder.glob("counter_*.db")
    (folder / "counter_2.db").touch()
    (folder / "counter_2.db").write_bytes(b"")
    page = served.ask("/metrics")
    (folder / "counter_2.db").write_bytes(whole.read_bytes())

    assert page.status == 500
    assert served.samples()["eppd_connections_total"] == 2


def test_who_comes_after_one_that_has_ended_goes_on_with_its_numbers(served: Served, folder: Path) -> None:
    def count() -> None:
        forget_prometheus()
        metrics.Metrics().accepted()
        for _ in range(3):
            count_in_worker(lambda numbers: numbers.accepted())

    in_child(count)
    count_in_worker(lambda numbers: numbers.accepted())

    assert served.samples()["eppd_connections_total"] == 5
    # never were there more than two at a time
    assert sorted(path.name for path in folder.glob("counter_*")) == ["counter_1.db", "counter_2.db"]


def test_names_follow_the_conventions(served: Served) -> None:
    count_in_worker(count_everything)
    families = list(text_string_to_metric_families(served.ask("/metrics").text))

    for family in families:
        assert re.fullmatch(r"eppd_[a-z_]+[a-z]", family.name)
        assert family.documentation
        assert not re.search("_(milliseconds|minutes|days|kilobytes|count|total)$", family.name)
        if family.type == "histogram":
            assert family.name.endswith(("_seconds", "_actions"))
        if family.type == "counter":
            assert all(one.name.endswith("_total") for one in family.samples)


def count_everything(numbers: metrics.Metrics) -> None:
    numbers.accepted()
    numbers.agreed("TLSv1.3")
    numbers.refused("password")
    numbers.logged_in("100")
    numbers.answered("100", answered(HELLO))
    numbers.exchanged("100", 2, 0.5, answered=True)
    numbers.exchanged("100", 1, 0.5, answered=False)
    numbers.recovered("done")
    numbers.transferred(100, 200)


# -- the summary


def test_the_summary_tells_of_sessions_registrars_and_the_registry(served: Served, table: Table) -> None:
    count_in_worker(count_everything)
    slot = connect(table, 1, 100, STATE_NAMES.index("Processing <login>"), "2001:db8::7")
    connect(table, 2)
    table.commands[slot] = 3
    table.last[slot] = time.time()

    found = served.summary()

    assert (found["version"], found["ready"], found["reason"]) == (__version__, True, None)
    assert found["server"] == "eppd.example.nz"
    assert found["workers"] == [{"pid": os.getpid(), "number": None, "connections": 2}]
    assert found["registrars"] == [{"registrar": "100", "sessions": 1, "commands": 1}]
    assert found["refusals"] == {"password": 1}
    assert found["results"] == {"1000": 1}
    assert found["registry"] | {"silence": 0} == {
        "silence": 0,
        "answered": 1,
        "failed": 1,
        "transactions": 2,
        "transaction_seconds": 1,
    }
    assert found["totals"]["open_connections"] == 2
    assert found["totals"]["open_sessions"] == 1
    assert (found["totals"]["received_bytes"], found["totals"]["sent_bytes"]) == (100, 200)
    [newest, first] = found["sessions"]
    assert (newest["registrar"], newest["last_command"], newest["connection"]) == (None, None, "c1-2")
    assert (first["registrar"], first["state"], first["peer"]) == ("100", "Processing <login>", "2001:db8::7")
    assert (first["tls"], first["commands"], first["worker"]) == ("TLSv1.3", 3, os.getpid())
    assert first["last_command"] >= first["since"]


def test_the_summary_is_no_longer_for_ten_thousand_sessions(served: Served, table: Table) -> None:
    for number in range(10_000):
        connect(table, number, number)
    table.states[17] = STATE_NAMES.index("Processing Command")
    started = time.monotonic()
    page = served.ask("/status.json")
    took = time.monotonic() - started
    found = json.loads(page.body)

    assert found["totals"]["open_sessions"] == 10_000
    assert found["sessions_shown"] == len(found["sessions"]) == figures.SESSIONS_SHOWN
    assert found["sessions"][0]["connection"] == "c1-9999"
    assert found["sessions"][-1]["connection"] == "c1-17"  # who is at work is not left out
    assert found["registrars_known"] == 10_000
    assert found["registrars_shown"] == len(found["registrars"]) == figures.REGISTRARS_SHOWN
    assert len(page.body) < 100_000
    assert took < 5


# -- readiness


def test_it_is_ready_while_the_registry_answers(serve: Callable[..., Served], table: Table) -> None:
    served = serve(readiness_window="0.5")
    table.note_answer()
    assert served.wait_for("/readyz", 200).text == "ok\n"

    unready = served.wait_for("/readyz", 503)
    assert re.fullmatch(r"the registry has not answered for [0-9]+ s\n", unready.text)
    assert served.samples()["eppd_ready"] == 0
    assert served.ask("/healthz").status == 200
    assert not json.loads(served.ask("/status.json").body)["ready"]

    table.note_answer()
    assert served.ask("/readyz").status == 200


def test_it_is_not_ready_while_draining(served: Served) -> None:
    served.channel.send((RETIRE, config()))

    assert served.wait_for("/readyz", 503).text == "draining\n"
    assert served.ask("/healthz").status == 200
    assert served.ask("/metrics").status == 200


def test_a_reload_counts(serve: Callable[..., Served], table: Table) -> None:
    served = serve(readiness_window="0.2")
    served.wait_for("/readyz", 503)
    served.channel.send((RELOAD, config(readiness_window="1000", max_connections="77", server_name="other")))

    served.wait_for("/readyz", 200)
    assert served.samples()["eppd_max_connections"] == 77
    wait_until(lambda: served.summary()["server"] == "other")


class Registry:
    """A back end that answers as it is told, and notes what it is asked."""

    def __init__(self) -> None:
        self.answer: Exception | None = None
        self.questions: list[tuple[Transaction, float]] = []
        self.configs: list[Config] = []
        self.close = Mock()

    def exchange(self, transaction: Transaction, *, timeout: float) -> list[Any]:
        self.questions.append((transaction, timeout))
        if self.answer is not None:
            raise self.answer
        return []


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    made = Registry()

    def backend(options: Config) -> Registry:
        made.configs.append(options)
        return made

    monkeypatch.setattr(runtime, "backend", backend)
    return made


def run_for(prober: Prober, seconds: float) -> None:
    thread = threading.Thread(target=prober.run)
    thread.start()
    time.sleep(seconds)
    prober.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_nobody_asks_while_others_are_answered(registry: Registry, table: Table) -> None:
    run_for(Prober(config(readiness_window="30"), table), 0.3)

    assert registry.questions == []


@pytest.mark.parametrize("answer", [None, SRSError("REGISTRAR_ID_DOES_NOT_EXIST", whole=True)])
def test_an_idle_registry_is_asked_and_any_answer_will_do(
    registry: Registry, table: Table, answer: Exception | None
) -> None:
    registry.answer = answer
    run_for(Prober(config(readiness_window="0.6"), table), 1.0)

    assert 3 <= len(registry.questions) <= 5
    question, timeout = registry.questions[0]
    assert question == Transaction(1, (RegistrarDetailsQry(1),))
    assert timeout == pytest.approx(0.2)
    assert time.monotonic() - table.registry_answered < 0.5
    assert registry.close.called


def test_it_is_asked_in_the_name_of_one_whom_it_knows(registry: Registry, table: Table) -> None:
    table.note_registrar(100)
    run_for(Prober(config(readiness_window="0.6"), table), 0.5)

    assert registry.questions[0][0] == Transaction(100, (RegistrarDetailsQry(100),))


@pytest.mark.parametrize("answer", [Unanswered("no"), Unacceptable("no"), ConfigError(["no"]), OSError("no")])
def test_what_is_no_answer_does_not_count_and_is_said_once(
    registry: Registry, table: Table, answer: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    registry.answer = answer
    before = table.registry_answered
    run_for(Prober(config(readiness_window="0.6"), table), 0.8)

    assert table.registry_answered == before
    assert len(registry.questions) >= 2
    if not isinstance(answer, OSError):  # which would be a fault of ours
        assert [one.levelname for one in caplog.records] == ["WARNING"]


def test_a_reload_changes_who_is_asked_and_how_soon(registry: Registry, table: Table) -> None:
    prober = Prober(config(readiness_window="600"), table)
    new = config(readiness_window="0.6")
    threading.Timer(0.2, prober.use, [new]).start()
    run_for(prober, 0.9)

    assert registry.questions
    assert registry.configs == [new]


# -- the page


def test_the_page_loads_nothing_and_makes_no_markup_of_texts() -> None:
    page = Path(status.__file__).with_suffix(".html").read_text("utf-8")

    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function", page)
    # the namespace of SVG is a name
    assert set(re.findall(r"""https?://[^"'\s)]+""", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"""\s(on[a-z]+|style)=["']""", page)
    assert set(re.findall(r"<(script|style|link|img|iframe|object|base)\b", page)) == {
        "script",
        "style",
        "link",
    }
    assert re.findall('<link rel="icon" href="([^,]*)', page) == ["data:image/svg+xml"]


def test_its_policy_allows_its_own_script_and_style_and_no_other(served: Served) -> None:
    page = served.ask("/status")
    policy = dict(one.strip().split(" ", 1) for one in page.headers["Content-Security-Policy"].split(";"))

    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", policy["script-src"])
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", policy["style-src"])
    assert "unsafe" not in page.headers["Content-Security-Policy"]
