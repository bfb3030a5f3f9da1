"""Hostile and clumsy clients, tired operators: others go on being served, nothing leaks, nothing is left."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import resource
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.end_to_end.client import EPP, HELLO, Client, check, command, frame, login, tls_context
from tests.end_to_end.process import PATIENCE, TOP, Process, Sandbox, parent
from tests.end_to_end.test_processes import gone

Start = Callable[..., Sandbox]

CLIENT_HELLO = bytes.fromhex("1603010200010001fc0303") + bytes(200)  # the first half of one


def reset(sock: socket.socket) -> None:
    """Close with a reset instead of an end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def connect(sandbox: Sandbox) -> socket.socket:
    return socket.create_connection((sandbox.host, sandbox.port), 20)


def read_to_end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while sock.recv(65536):
            pass


def assert_served(sandbox: Sandbox) -> None:
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
        assert client.ask(check("served.nz")).code == 1000


def served_in_the_end(sandbox: Sandbox) -> None:
    """What was refused for want of something is not refused when that is there again."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            assert_served(sandbox)
            return
        except (OSError, EOFError):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def in_parallel(count: int, work: Callable[[int], None]) -> None:
    """Run ``work`` in as many threads; the first exception of them is raised."""
    failed: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def registry_of(sandbox: Sandbox) -> int:
    """The pid of the registry: the child that has no child."""
    direct = {pid for pid in sandbox.descendants() if parent(pid) == sandbox.popen.pid}
    [registry] = direct - {parent(sandbox.worker())}
    return registry


def freeze(pid: int) -> None:
    """Stop the process, and see that all of its threads have stopped."""
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + PATIENCE
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    while any((one / "stat").read_text().rsplit(")", 1)[1].split()[0] != "T" for one in tasks):
        assert time.monotonic() < deadline
        time.sleep(0.01)


# -- connections


def test_connections_that_are_reset_at_once_cost_the_others_nothing(sandbox: Sandbox, client: Client) -> None:
    for number in range(300):
        sock = connect(sandbox)
        sock.sendall(CLIENT_HELLO[: number % len(CLIENT_HELLO)])
        reset(sock)

    assert client.ask(check("unhurt.nz")).code == 1000
    assert_served(sandbox)  # accepted after them


def test_resets_in_the_handshake_the_login_and_a_batch_leave_nothing(
    sandbox: Sandbox, client: Client
) -> None:
    context = tls_context(sandbox)
    registrar = sandbox.registrar(101)
    batch = b"".join(frame(check(f"batch-{number}.nz")) for number in range(30))

    def attack(number: int) -> None:
        raw = connect(sandbox)
        tls = context.wrap_socket(raw, server_hostname=sandbox.host, do_handshake_on_connect=False)
        if number % 4 == 0:
            tls.setblocking(False)
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
        else:
            tls.do_handshake()
        if number % 4 == 2:
            tls.sendall(frame(login(registrar, "wrong-password")))
        if number % 4 == 3:
            tls.sendall(frame(login(registrar)) + batch)
            time.sleep(number / 400)
        reset(tls)

    in_parallel(40, attack)

    assert client.ask(check("unhurt.nz")).code == 1000
    assert_served(sandbox)  # accepted after them


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x17\x03\x03\x00\x00" * 3000,
        b"\x17\x03\x03\x40\x00" + bytes(16384),
        b"\x16\x03\x03\xff\xff" + bytes(70000),
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["empty records", "a forged record", "a huge record", "an alert in clear", "HTTP"],
)
def test_garbage_inside_tls_ends_that_connection_alone(
    sandbox: Sandbox, client: Client, garbage: bytes
) -> None:
    raw = connect(sandbox)
    beneath = socket.socket(fileno=os.dup(raw.fileno()))
    with tls_context(sandbox).wrap_socket(raw, server_hostname=sandbox.host), beneath:
        with contextlib.suppress(OSError):
            beneath.sendall(garbage)
        read_to_end(beneath)

    assert client.ask(check("unhurt.nz")).code == 1000


def test_no_place_of_max_connections_is_lost_in_any_way_to_end(start: Start) -> None:
    sandbox = start("--max-connections", "3", "--handshake-timeout", "1")
    context = tls_context(sandbox)
    for number in range(24):
        raw = connect(sandbox)
        if number % 4 == 0:
            raw.sendall(b"no TLS at all\r\n")
            raw.close()
        elif number % 4 == 1:
            reset(raw)
        else:
            with contextlib.suppress(OSError):
                tls = context.wrap_socket(raw, server_hostname=sandbox.host)
                tls.sendall(b"\xff" * 4 if number % 4 == 2 else frame(b"<")[:-1])
                reset(tls)
    mute = [connect(sandbox) for _ in range(5)]
    for one in mute:
        read_to_end(one)  # two for want of room, three when the handshake has lasted too long
        one.close()

    served_in_the_end(sandbox)
    with Client(sandbox) as first, Client(sandbox) as second:
        first.log_in(sandbox.registrar(100))
        second.log_in(sandbox.registrar(101))
        served_in_the_end(sandbox)


def test_where_descriptors_run_out_those_inside_go_on_and_later_all_do(start: Start) -> None:
    sandbox = start()
    worker = sandbox.worker()
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
        assert client.ask(check("before.nz")).code == 1000
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (24, 24))
        crowd = [connect(sandbox) for _ in range(40)]
        sandbox.wait_for_log("can't accept: Too many open files")
        before, lines = processor_time(worker), sandbox.log.count("\n")
        time.sleep(0.5)

        assert processor_time(worker) - before < 0.3
        assert sandbox.log.count("\n") - lines < 20
        assert client.ask(check("meanwhile.nz")).code == 1000
    for one in crowd:
        one.close()
    served_in_the_end(sandbox)


def processor_time(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_the_limit_of_open_files_is_raised_to_what_max_connections_needs(start: Start) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    own = resource.prlimit(0, resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        sandbox = start("--max-connections", "1000")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, own)

    assert resource.prlimit(sandbox.worker(), resource.RLIMIT_NOFILE)[0] >= min(1000, hard)


def greet_without_a_pause(client: Client) -> None:
    """Send, and read, as fast as can be, until that raises."""
    client.tls.setblocking(False)
    unsent = flood = frame(HELLO) * 100
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(ssl.SSLWantWriteError, ssl.SSLWantReadError):
            unsent = unsent[client.tls.send(unsent) :] or flood
        with contextlib.suppress(ssl.SSLWantReadError):
            if not client.tls.recv(1 << 20):
                raise EOFError


def test_who_greets_without_a_pause_is_closed_at_login_timeout(start: Start) -> None:
    sandbox = start("--login-timeout", "1", "--log-level", "WARNING")
    with Client(sandbox) as client, pytest.raises((ConnectionError, ssl.SSLEOFError, EOFError)):
        greet_without_a_pause(client)


# -- data units


def test_names_never_seen_before_from_many_clients_at_once_crash_nothing(start: Start) -> None:
    sandbox = start("--log-level", "WARNING")
    worker = sandbox.worker()

    def attack(number: int) -> None:
        with Client(sandbox) as client:
            client.log_in(sandbox.registrar(100))
            for turn in range(8):
                odd = "".join(f"<x-{number}-{turn}-{name}/>" for name in range(1500))
                assert client.ask(command(f"<check><d:check>{odd}</d:check></check>")).code == 2003

    in_parallel(16, attack)

    assert sandbox.worker() == worker


def test_a_doctype_with_many_attributes_takes_no_time(sandbox: Sandbox) -> None:
    declared = " ".join(f"a{number} CDATA #IMPLIED" for number in range(20_000))
    document = f'<!DOCTYPE epp [<!ATTLIST epp {declared}>]><epp xmlns="{EPP}"><hello/></epp>'
    with Client(sandbox) as client:
        client.read()
        for octets in (
            document.encode(),
            document.encode("utf-16"),
            # the parser would go on in the encoding that it is told
            b"<?xml version='1.0' encoding='UTF-7'?>" + document.replace("<", "+ADw-").encode(),
            b"<?xml version='1.0' encoding='UTF-16BE'" + f"?>{document}".encode("utf-16-be"),
        ):
            started = time.monotonic()
            assert client.ask(octets).code == 2001
            assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    "text", ["a&#10;2026-01-01 ERROR forged", "&#x9b;31m&#x2028;x", "a%0Ab&amp;n=101&lt;"]
)
def test_a_client_forges_no_line_of_the_log(sandbox: Sandbox, client: Client, text: str) -> None:
    with Client(sandbox) as stranger:
        stranger.read()
        assert stranger.ask(login({"id": text[:16], "password": "anything"})).code in (2001, 2005, 2200)
    assert client.ask(command("<check/>", text)).code == 2003
    assert client.ask(check(text)).code == 2005

    for line in sandbox.log.splitlines():
        assert re.match(
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ \[\d+\] eppd|listening on |    ", line
        ), line
        assert line.isprintable()


def test_guessing_passwords_on_many_connections_slows_nobody_else(sandbox: Sandbox, client: Client) -> None:
    def attack(number: int) -> None:
        with Client(sandbox) as guesser:
            guesser.read()
            assert guesser.ask(login(sandbox.registrar(101), f"guess-{number}")).code == 2200

    waits = []
    guessing = threading.Thread(target=in_parallel, args=(30, attack))
    guessing.start()
    while guessing.is_alive():
        started = time.monotonic()
        assert client.ask(check("unhurt.nz")).code == 1000
        waits.append(time.monotonic() - started)
    guessing.join()

    assert max(waits) < 2


# -- a registry that hangs


def test_a_registry_that_hangs_is_2400_and_hurts_nobody_who_does_not_ask_it(start: Start) -> None:
    sandbox = start("--backend-timeout", "1")
    registry = registry_of(sandbox)
    with Client(sandbox) as asking, Client(sandbox) as other:
        asking.log_in(sandbox.registrar(100))
        other.log_in(sandbox.registrar(101))
        freeze(registry)
        try:
            asking.send(check("one.nz"), HELLO)
            started = time.monotonic()
            assert other.ask(HELLO).is_greeting
            assert time.monotonic() - started < 0.9
            assert asking.read().code == 2400
            assert asking.read().is_greeting
        finally:
            os.kill(registry, signal.SIGCONT)
        assert asking.ask(check("two.nz")).code == 1000


def test_while_it_drains_connections_are_refused_and_a_second_signal_leaves_nothing(start: Start) -> None:
    sandbox = start()
    processes = sandbox.descendants()
    registry = registry_of(sandbox)
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
        freeze(registry)
        client.send(check("never.nz"))
        time.sleep(0.1)
        sandbox.popen.send_signal(signal.SIGTERM)
        sandbox.wait_for_log("draining 1 connections")
        with pytest.raises(ConnectionRefusedError):
            connect(sandbox)

        sandbox.popen.send_signal(signal.SIGTERM)

        started = time.monotonic()
        sandbox.wait()
        assert time.monotonic() - started < 8
    assert all(gone(pid) for pid in processes)


# -- operators


@pytest.fixture
def eppd(tmp_path: Path) -> Callable[..., Process]:
    """Run eppd to its end."""

    def run(*arguments: str) -> Process:
        one = Process(tmp_path / "run", arguments)
        try:
            one.wait()
        finally:
            one.kill_all()
        assert "Traceback" not in one.log
        return one

    return run


def test_standard_streams_that_are_closed_or_broken_end_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    broken = "exec >&- 2>&- <&-; exec"
    full = "exec >/dev/full 2>/dev/full; exec"
    for number, streams in enumerate((broken, full)):
        data = tmp_path / str(number)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        words = [sys.executable, str(TOP / "eppd.py"), "sandbox", "--data", str(data)]
        running = subprocess.Popen(
            ["/bin/sh", "-c", f'{streams} "$@"', "sh", *words, "--listen", f"127.0.0.1:{port}"]
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    context = ssl.create_default_context(cafile=data / "ca.pem")
                    there = socket.create_connection(("127.0.0.1", port), 20)
                    break
                except OSError:
                    assert running.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            with there, context.wrap_socket(there, server_hostname="127.0.0.1") as tls:
                assert tls.recv(4)
        finally:
            running.terminate()
            assert running.wait(PATIENCE) == 0


def test_fresh_leaves_keys_and_certificates_of_others_alone(start: Start) -> None:
    first = start()
    assert first.stop() == 0
    for name in ("mine.pem", "id.key", "friend.asc"):
        (first.data / name).write_text("not the sandbox's")
    (first.data / ".sandbox.json.new").write_text("half writ")
    before = (first.data / "ca.pem").read_bytes()

    second = start("--fresh")

    assert (second.data / "ca.pem").read_bytes() != before
    for name in ("mine.pem", "id.key", "friend.asc"):
        assert (second.data / name).read_text() == "not the sandbox's"


def test_a_missing_key_is_made_again_with_its_certificate(start: Start) -> None:
    first = start()
    assert first.stop() == 0
    for name in ("server.key", "registrar-100.key"):
        (first.data / name).unlink()

    second = start("--require-client-certificate", "true")

    with Client(second, certificate_of=100) as client:
        client.log_in(second.registrar(100))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ca.pem", "folder"),
        ("lock", "folder"),
        ("registry.key", "text"),
        ("registry.sqlite", "folder"),
        ("registry.sqlite", "text"),
        ("sandbox.json", "folder"),
    ],
)
def test_a_folder_with_strange_contents_is_one_line(
    eppd: Callable[..., Process], tmp_path: Path, name: str, kind: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    if kind == "folder":
        (data / name).mkdir()
    else:
        (data / name).write_text("nothing of use " * 10)

    done = eppd("sandbox", "--data", str(data), "--listen", "127.0.0.1:0")

    assert done.popen.returncode == 1
    assert done.log.startswith(f"eppd: option data: {data}: ")
    assert done.log.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--listen", "a..b:0"], 1, "option listen: a..b:0: no host can have this name"),
        (["--registry-listen", "a..b:0"], 1, "option registry-listen: a..b:0: no host can have this name"),
        (["--registrar", "9" * 5000 + ":abcdefg"], 2, "not ID:PASSWORD"),
        (["--registrar", "200:  abcd  "], 2, "stray blanks or control characters"),
        (["--registrar", "200:abc\x01def"], 2, "stray blanks or control characters"),
        (["--idle-timeout", "25d"], 2, "option idle-timeout: '25d': a time-out is at most 24d"),
    ],
)
def test_what_cannot_be_is_one_line(
    eppd: Callable[..., Process], tmp_path: Path, arguments: list[str], code: int, text: str
) -> None:
    listen = [] if "--listen" in arguments else ["--listen", "127.0.0.1:0"]

    done = eppd("sandbox", "--data", str(tmp_path / "data"), *listen, *arguments)

    assert (done.popen.returncode, done.log.count("\n")) == (code, 1)
    assert text in done.log


def test_the_longest_timeouts_can_be_waited_for(start: Start) -> None:
    longest = [f"--{name}-timeout" for name in ("idle", "session", "backend", "drain", "login", "frame")]
    sandbox = start(*[word for name in longest for word in (name, "24d")])
    with Client(sandbox) as client:
        client.log_in(sandbox.registrar(100))
        time.sleep(0.2)
        assert client.ask(check("patient.nz")).code == 1000
    assert sandbox.stop() == 0


def test_a_key_that_comes_twice_in_the_file_is_a_fault(eppd: Callable[..., Process], tmp_path: Path) -> None:
    path = tmp_path / "eppd.conf"
    path.write_text("listen = 127.0.0.1:0\nidle-timeout = 5m\nlisten = [::1]:0\n")

    done = eppd("--config", str(path), "check-config")

    assert done.popen.returncode == 2
    assert f"eppd: {path}: key 'listen' comes twice\n" in done.log


HEAP = 64 << 20  # octets that glibc sets aside, at a multiple of them, for each arena but the first


def test_the_threads_of_the_registry_share_two_arenas(sandbox: Sandbox) -> None:
    url = urlsplit(str(sandbox.facts["registry"]))
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            connection = HTTPConnection(str(url.hostname), url.port, timeout=PATIENCE)
            stack.callback(connection.close)
            connection.request("POST", url.path, b"r=", {"Content-Type": "application/x-www-form-urlencoded"})
            assert connection.getresponse().read().startswith(b"r=")

        maps = Path(f"/proc/{registry_of(sandbox)}/maps").read_text().splitlines()

    heaps = [first for first, second in itertools.pairwise(maps) if is_heap(first, second)]
    assert len(heaps) <= 1, heaps


def is_heap(used: str, rest: str) -> bool:
    """Whether two lines of /proc/PID/maps are what an arena uses, and what is set aside for it."""
    start, middle = (int(word, 16) for word in used.split()[0].split("-"))
    begin, end = (int(word, 16) for word in rest.split()[0].split("-"))
    kinds = used.split()[1], rest.split()[1]
    return kinds == ("rw-p", "---p") and start % HEAP == 0 and middle == begin and end == start + HEAP
