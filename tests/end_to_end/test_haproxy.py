"""HAProxy, with the example configuration, in front of two instances that share one registry."""

from __future__ import annotations

import csv
import itertools
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Self

import pytest

from srs_epp import config
from tests.end_to_end.client import HELLO, Answer, Client, Server, login, tls_context
from tests.end_to_end.conftest import assert_no_secret
from tests.end_to_end.daemon import Daemon, descendants
from tests.end_to_end.load import Load
from tests.end_to_end.process import PATIENCE, TOP, Sandbox, parent
from tests.end_to_end.test_session import contact_info

EXAMPLE = TOP / "etc" / "haproxy.cfg"
HAPROXY = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
pytestmark = pytest.mark.skipif(not HAPROXY, reason="needs Debian's package haproxy")

ADDRESSES = {"eppd1": "127.0.0.21", "eppd2": "127.0.0.22"}
CLIENTS = 20


def address_of(number: int) -> str:
    """The address from which the client of that number connects."""
    return f"127.0.1.{number + 1}"


class From(Client):
    """A client that chooses its own address."""

    def __init__(self, server: Server, address: str, *, before: bytes = b"") -> None:
        """``before``: octets that are sent ahead of TLS."""
        raw = socket.create_connection((server.host, server.port), 20, (address, 0))
        try:
            raw.sendall(before)
            self.tls = tls_context(server).wrap_socket(raw, server_hostname=server.host)
        except BaseException:
            raw.close()
            raise
        self.greeted = False

    def __enter__(self) -> Self:
        return self

    def read(self) -> Answer:
        answer = super().read()
        self.greeted = True
        return answer


class Instance(Daemon):
    """eppd as the example wants it, on its own address; and on 127.0.0.1 for who goes around HAProxy."""

    def __init__(
        self, name: str, folder: Path, sandbox: Sandbox, ports: tuple[int, int], **options: str
    ) -> None:
        """``ports``: for EPP, and for the checks."""
        self._address = ADDRESSES[name], ports[0]
        needed = {
            "listen": f"[127.0.0.1:0, {ADDRESSES[name]}:{ports[0]}]",
            "metrics": f"{ADDRESSES[name]}:{ports[1]}",
            "proxy_protocol": "[127.0.0.1]",
            "log_level": "DEBUG",
        }
        super().__init__(folder, sandbox, **(needed | options))

    def connected(self) -> list[str]:
        """The peers with which TLS was agreed on, in turn."""
        return re.findall(r"c\d+-\d+ (\S+) connected, ", self.log)

    def kill(self) -> None:
        """SIGKILL to all of its processes; the port is free when the last of their threads has ended."""
        for pid in [self.master, *descendants(self.master)]:
            os.kill(pid, signal.SIGKILL)
        self.popen.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        with suppress(ConnectionRefusedError):
            while time.monotonic() < deadline:
                with suppress(ConnectionResetError):
                    socket.create_connection(self._address, 20).close()
                time.sleep(0.005)
            raise AssertionError(f"{self._address} still listens")


class Balancer:
    """HAProxy; to be spoken to like the sandbox behind it."""

    def __init__(self, folder: Path, sandbox: Sandbox, text: str, port: int) -> None:
        self.host, self.port, self.ca, self.registrar = sandbox.host, port, sandbox.ca, sandbox.registrar
        file = folder / "haproxy.cfg"
        self._control, self._log = folder / "control", folder / "log"
        file.write_text(text.replace("/run/haproxy/admin.sock", str(self._control)))
        assert HAPROXY is not None
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [HAPROXY, "-db", "-f", str(file)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + PATIENCE
        while not self._control.exists():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.01)

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)

    def ask(self, command: str) -> str:
        """What an operator sends to the control socket by socat; the answer."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(str(self._control))
            sock.sendall(f"{command}\n".encode())
            octets = b""
            while more := sock.recv(65536):
                octets += more
        return octets.decode().strip()

    def seen(self) -> dict[str, dict[str, str]]:
        """What HAProxy knows of each instance: ``show stat``."""
        rows = csv.DictReader(self.ask("show stat").removeprefix("# ").splitlines())
        return {row["svname"]: row for row in rows if row["svname"] in ADDRESSES}

    def wait_until(self, name: str, status: str) -> None:
        """Wait until the instance has that status, and a check has agreed where it is UP."""
        deadline = time.monotonic() + PATIENCE
        while True:
            seen = self.seen()[name]
            if seen["status"] == status and (status != "UP" or seen["check_status"] in ("L4OK", "L7OK")):
                return
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)


class Farm:
    """Two instances, and HAProxy in front of them."""

    def __init__(self, folder: Path, sandbox: Sandbox, others: Mapping[str, str], **options: str) -> None:
        """``others``: what is to be replaced in the example beside its addresses. ``options``: of eppd."""
        self._folder, self._sandbox, self._options = folder, sandbox, options
        self.ports = free_port(), free_port()
        self._numbers = itertools.count(1)
        self.instances: dict[str, Instance] = {}
        self._started: list[Instance] = []
        port = free_port()
        text = adapted(port, self.ports, others)
        self._control = tempfile.TemporaryDirectory()  # the path of a socket must be short
        try:
            for name in ADDRESSES:
                self.start(name)
            self.balancer = Balancer(Path(self._control.name), sandbox, text, port)
        except BaseException:
            self.close()
            raise
        self.wait_until_up(*ADDRESSES)

    def start(self, name: str) -> Instance:
        """Start the instance, perhaps again."""
        folder = self._folder / f"{name}-{next(self._numbers)}"
        self.instances[name] = Instance(name, folder, self._sandbox, self.ports, **self._options)
        self._started.append(self.instances[name])
        return self.instances[name]

    def wait_until_up(self, *names: str) -> None:
        for name in names:
            self.balancer.wait_until(name, "UP")

    def connect(self, number: int) -> From:
        """A client with the address of that number, through HAProxy."""
        return From(self.balancer, address_of(number))

    def at(self, name: str) -> int:
        """The number of a client whose sessions are at that instance."""
        for number in range(100):
            with self.connect(number) as client:
                assert client.read().is_greeting
            if address_of(number) in self.instances[name].connected():
                return number
        raise AssertionError(f"no client is at {name}")

    def close(self) -> None:
        if hasattr(self, "balancer"):
            self.balancer.stop()
        for one in self._started:
            one.kill_all()
        self._control.cleanup()

    def assert_clean(self) -> None:
        for one in self._started:
            assert "Traceback" not in one.log, one.log
            assert_no_secret(one.log)


def free_port() -> int:
    """A port below those that the system gives to clients, so that it is free again after a restart."""
    while True:
        port = random.randrange(15000, 30000)
        try:
            with socket.create_server(("0.0.0.0", port)):
                return port
        except OSError:
            continue


def adapted(port: int, ports: tuple[int, int], others: Mapping[str, str]) -> str:
    """The example with the addresses of the test, and what is only for the whole machine left out."""
    text = EXAMPLE.read_text()
    replacements = {
        "    log /dev/log local0\n": "    log stdout format raw local0\n",
        "    user haproxy\n    group haproxy\n    chroot /var/lib/haproxy\n": "",
        "    bind 0.0.0.0:700\n    bind [::]:700 v6only\n": f"    bind 127.0.0.1:{port}\n",
        "check port 9700": f"check port {ports[1]}",
        "server eppd1 192.0.2.21:700": f"server eppd1 {ADDRESSES['eppd1']}:{ports[0]}",
        "server eppd2 192.0.2.22:700": f"server eppd2 {ADDRESSES['eppd2']}:{ports[0]}",
        **others,
    }
    for old, new in replacements.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new.format(port=port))
    return text


@pytest.fixture
def build(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Farm]]:
    """Build a farm in front of the shared sandbox's registry, or of another's."""
    with ExitStack() as stack:
        built: list[Farm] = []

        def build_one(
            others: Mapping[str, str] | None = None, *, behind: Sandbox = sandbox, **options: str
        ) -> Farm:
            farm = Farm(tmp_path / f"farm-{len(built)}", behind, others or {}, **options)
            stack.callback(farm.close)
            built.append(farm)
            return farm

        yield build_one
    for farm in built:
        farm.assert_clean()


class Sessions(Load):
    """Clients with an address each, which connect again whenever their session has ended.

    ``refused``: sessions that did not come to their greeting. ``cut``: those that ended later, with no word.
    """

    def __init__(self, farm: Farm) -> None:
        super().__init__(farm.balancer, CLIENTS, seed=random.randrange(1000))
        self.refused: list[str] = []
        self.cut: list[str] = []

    def _work(self, number: int, dice: random.Random) -> None:
        numbers = itertools.count(1)
        while not self._stop.is_set():
            client: From | None = None
            try:
                with From(self.server, address_of(number)) as client:
                    with self._guard:
                        self.sessions += 1
                    self._session(client, number, dice, numbers)
            except (OSError, EOFError) as error:
                greeted = client is not None and client.greeted
                with self._guard:
                    (self.cut if greeted else self.refused).append(f"client {number}: {error!r}")
                self._stop.wait(0.05)
            except Exception as error:
                self._note(f"client {number}: {error!r}")

    def assert_made(self) -> None:
        """Whatever was answered by 1000 is there."""
        assert self.made
        for registrar in (100, 101):
            with Client(self.server) as client:
                client.log_in(self.server.registrar(registrar))
                for owner, handle in self.made:
                    if owner == registrar:
                        assert client.ask(contact_info(handle)).code == 1000, handle


class Callers:
    """Clients that come, say hello, and go, all the time.

    ``refused``: who got no greeting, with the moment at which it came. ``longest``: seconds for a call.
    """

    def __init__(self, server: Server, count: int = 4) -> None:
        self.server = server
        self.calls = 0
        self.longest = 0.0
        self.refused: list[tuple[float, str]] = []
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(count)]

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _work(self, number: int) -> None:
        for turn in itertools.cycle(range(1, 255)):
            if self._stop.is_set():
                return
            started = time.monotonic()
            try:
                with From(self.server, f"127.0.{number + 2}.{turn}") as client:
                    assert client.read().is_greeting
                    assert client.ask(HELLO).is_greeting
            except (OSError, EOFError) as error:
                with self._guard:
                    self.refused.append((started, repr(error)))
            with self._guard:
                self.calls += 1
                self.longest = max(self.longest, time.monotonic() - started)


def test_the_example_is_valid() -> None:
    assert HAPROXY is not None
    done = subprocess.run([HAPROXY, "-c", "-f", str(EXAMPLE)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_the_example_fits_eppds_defaults() -> None:
    text = EXAMPLE.read_text()
    defaults = {one.name: one.metadata["default"] for one in config.options()}

    def seconds(name: str) -> float:
        [found] = re.findall(rf"^ +timeout {name} (\S+)$", text, re.MULTILINE)
        return config.parse_duration(found)

    assert min(seconds("client"), seconds("server")) > config.parse_duration(defaults["idle_timeout"])
    assert f" maxconn {defaults['max_connections']}\n" in text
    assert ":9700" in (TOP / "etc" / "eppd.conf").read_text()


VARIANTS: dict[str, dict[str, str]] = {
    "version 2": {},
    "version 1": {"send-proxy-v2 ": "send-proxy "},
    "checksum and id": {
        "send-proxy-v2 ": "send-proxy-v2 proxy-v2-options crc32c,unique-id ",
        "    default_backend eppd\n": "    default_backend eppd\n    unique-id-format %[uuid()]\n",
    },
    # an IPv4 client of a socket for both: its address comes as an IPv6 one, as text and as octets
    "version 1, mapped": {
        "send-proxy-v2 ": "send-proxy ",
        "    bind 0.0.0.0:700\n    bind [::]:700 v6only\n": "    bind :::{port} v4v6\n",
    },
    "version 2, mapped": {"    bind 0.0.0.0:700\n    bind [::]:700 v6only\n": "    bind :::{port} v4v6\n"},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_eppd_sees_the_clients_address(build: Callable[..., Farm], variant: str) -> None:
    farm = build(VARIANTS[variant])
    addresses = [address_of(number) for number in range(6)]
    for number in range(len(addresses)):
        with farm.connect(number) as client:
            client.log_in(farm.balancer.registrar(100))

    seen = [one.connected() for one in farm.instances.values()]
    assert sorted(itertools.chain(*seen)) == addresses
    assert not any("WARNING" in one.log for one in farm.instances.values())


def test_the_registry_is_asked_about_the_clients_address(
    build: Callable[..., Farm], start: Callable[..., Sandbox]
) -> None:
    behind = start(folder="behind")
    with closing(sqlite3.connect(behind.data / "registry.sqlite")) as database, database:
        database.execute(
            "UPDATE access_entries SET address = ? WHERE resource = 'epp_connect' AND address = ?",
            [address_of(0), "127.0.0.0/8"],
        )
    farm = build(behind=behind)

    with farm.connect(0) as client:
        client.log_in(behind.registrar(100))
    with farm.connect(1) as client:
        assert client.read().is_greeting
        assert client.ask(login(behind.registrar(100))).code == 2200


def test_the_limit_of_an_address_is_the_clients(build: Callable[..., Farm]) -> None:
    farm = build(max_connections_per_address="2")
    with farm.connect(0) as first, farm.connect(0) as second:
        first.log_in(farm.balancer.registrar(100))
        second.log_in(farm.balancer.registrar(100))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            farm.connect(0)
        for number in range(1, 6):
            with farm.connect(number) as other:
                other.log_in(farm.balancer.registrar(100))
    assert (
        sum(one.log.count("max-connections-per-address (2) reached") for one in farm.instances.values()) == 1
    )


def test_sessions_of_an_address_are_at_one_instance_and_others_at_the_other(
    build: Callable[..., Farm],
) -> None:
    farm = build()
    for _ in range(3):
        for number in range(CLIENTS):
            with farm.connect(number) as client:
                assert client.read().is_greeting

    one, other = (set(instance.connected()) for instance in farm.instances.values())
    assert one
    assert other
    assert not one & other
    assert sum(len(instance.connected()) for instance in farm.instances.values()) == 3 * CLIENTS


@pytest.mark.parametrize("variant", ["version 1", "version 2"])
def test_a_health_check_of_the_epp_port_is_quiet(build: Callable[..., Farm], variant: str) -> None:
    fast = {"check port 9700": "check", "inter 2s": "inter 100ms"}
    farm = build({"    option httpchk GET /readyz\n": "", **fast, **VARIANTS[variant]})
    time.sleep(1)

    assert {seen["status"] for seen in farm.balancer.seen().values()} == {"UP"}
    for instance in farm.instances.values():
        assert "eppd.connection" not in instance.log, instance.log
    with farm.connect(0) as client:
        client.log_in(farm.balancer.registrar(100))


def test_who_comes_without_a_header_and_who_brings_one_unasked(build: Callable[..., Farm]) -> None:
    instance = build().instances["eppd1"]
    trusted, other = "127.0.0.1", "127.0.0.2"
    header = b"PROXY TCP4 127.0.0.9 127.0.0.1 50000 700\r\n"

    with From(instance, other) as client:
        client.log_in(instance.registrar(100))
    with From(instance, trusted, before=header) as client:
        client.log_in(instance.registrar(100))
    assert instance.connected() == [other, "127.0.0.9"]
    with pytest.raises((ssl.SSLError, ConnectionError)):
        From(instance, trusted)
    instance.wait_for_log(rf"{trusted} no PROXY header: TLS begins at once")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        From(instance, other, before=header)
    instance.wait_for_log(rf"{other} TLS handshake failed")


def test_an_instance_that_is_not_ready_gets_no_new_session_and_keeps_its_own(
    build: Callable[..., Farm], start: Callable[..., Sandbox]
) -> None:
    behind = start(folder="behind")
    farm = build(behind=behind, readiness_window="3", backend_timeout="1")
    with farm.connect(0) as client:
        client.log_in(behind.registrar(100))
        registry, _ = (pid for pid in behind.descendants() if parent(pid) == behind.popen.pid)
        os.kill(registry, signal.SIGSTOP)
        for name in ADDRESSES:
            farm.balancer.wait_until(name, "DOWN")
        assert client.ask(HELLO).is_greeting
        with pytest.raises((ssl.SSLError, ConnectionError)):
            farm.connect(0)
        os.kill(registry, signal.SIGCONT)
        farm.wait_until_up(*ADDRESSES)
        assert client.ask(contact_info("nobody")).code == 2303
        with farm.connect(0) as other:
            other.log_in(behind.registrar(100))


AWHILE = 1.0  # seconds for clients to work, before and after what happens to an instance


def work(load: Sessions, callers: Callers) -> None:
    """Let the clients work a while; then none of them has anything to complain of."""
    sessions, calls, answers = load.sessions, callers.calls, load.told.total()
    time.sleep(AWHILE)
    assert callers.calls > calls
    assert load.told.total() > answers
    assert load.sessions == sessions
    assert (load.troubles, load.refused, load.cut, callers.refused) == ([], [], [], [])


@pytest.fixture
def busy(build: Callable[..., Farm]) -> Iterator[tuple[Farm, Sessions, Callers]]:
    """A farm with sessions at work on both instances, and clients that come and go."""
    farm = build()
    load = Sessions(farm)
    load.start()
    try:
        with Callers(farm.balancer) as callers:
            deadline = time.monotonic() + PATIENCE
            while load.sessions < CLIENTS or load.told.total() < CLIENTS:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            work(load, callers)
            assert all(int(seen["scur"]) > 2 for seen in farm.balancer.seen().values())
            yield farm, load, callers
    finally:
        load.stop()
    load.assert_made()
    assert load.troubles == []


def test_an_instance_that_is_drained_first_is_replaced_and_no_client_notices(
    busy: tuple[Farm, Sessions, Callers],
) -> None:
    farm, load, callers = busy
    balancer, old = farm.balancer, farm.instances["eppd1"]

    assert balancer.ask("set server eppd/eppd1 state drain") == ""
    work(load, callers)  # its sessions, too, live on
    its = int(balancer.seen()["eppd1"]["scur"])
    assert old.stop() == 0
    time.sleep(AWHILE)
    assert load.drained == its
    assert load.sessions == CLIENTS + its
    farm.start("eppd1")
    assert balancer.ask("set server eppd/eppd1 state ready") == ""
    farm.wait_until_up("eppd1")
    work(load, callers)

    assert "127.0." in "".join(farm.instances["eppd1"].connected())


def test_an_instance_that_is_stopped_unannounced_finishes_what_it_has_begun(
    busy: tuple[Farm, Sessions, Callers],
) -> None:
    farm, load, callers = busy
    assert farm.instances["eppd1"].stop() == 0
    time.sleep(AWHILE)

    assert load.drained > 0
    assert (load.refused, load.cut, callers.refused) == ([], [], [])
    farm.balancer.wait_until("eppd1", "DOWN")
    work(load, callers)
    farm.start("eppd1")
    farm.wait_until_up("eppd1")
    work(load, callers)
    assert "127.0." in "".join(farm.instances["eppd1"].connected())


def test_an_instance_that_is_killed_takes_its_own_sessions_along_and_no_other(
    busy: tuple[Farm, Sessions, Callers],
) -> None:
    farm, load, callers = busy
    its = int(farm.balancer.seen()["eppd1"]["scur"])
    callers.longest = 0.0
    killed = time.monotonic()
    farm.instances["eppd1"].kill()
    dead = time.monotonic()
    time.sleep(AWHILE)

    assert 0 < len(load.cut) <= its
    assert load.refused == []
    assert load.sessions == CLIENTS + len(load.cut)  # they are back, at the other
    assert all(killed - AWHILE < came < dead for came, _ in callers.refused), callers.refused
    load.cut.clear()
    callers.refused.clear()
    farm.balancer.wait_until("eppd1", "DOWN")
    down = time.monotonic()
    work(load, callers)
    print(f"HAProxy: DOWN after {down - killed:.1f} s; longest call {callers.longest:.2f} s")
    farm.start("eppd1")
    farm.wait_until_up("eppd1")
    work(load, callers)
    assert "127.0." in "".join(farm.instances["eppd1"].connected())


def test_a_machine_that_takes_no_connection_is_passed_over(build: Callable[..., Farm]) -> None:
    farm = build()
    number = farm.at("eppd1")
    farm.instances["eppd1"].kill()
    with ExitStack() as stack:
        full = stack.enter_context(listen(ADDRESSES["eppd1"], farm.ports[0]))
        for _ in range(4):  # nobody accepts them; then the system answers no more
            waiting = stack.enter_context(closing(socket.socket()))
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        started = time.monotonic()
        with farm.connect(number) as client:
            client.log_in(farm.balancer.registrar(100))
        took = time.monotonic() - started

    assert address_of(number) in farm.instances["eppd2"].connected()
    assert 2 <= took < 5  # timeout connect
    print(f"the connection took {took:.2f} s")


def listen(address: str, port: int) -> socket.socket:
    """Listen where a process was killed just now, with a queue of one."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_server((address, port), backlog=0)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_an_instance_that_is_frozen_gets_no_new_session_and_goes_on_once_it_thaws(
    build: Callable[..., Farm],
) -> None:
    farm = build()
    number = farm.at("eppd1")
    frozen = farm.instances["eppd1"]
    pids = [frozen.master, *descendants(frozen.master)]
    with farm.connect(number) as client:
        client.log_in(farm.balancer.registrar(100))
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        started = time.monotonic()
        client.send(contact_info("nobody"))
        farm.balancer.wait_until("eppd1", "DOWN")
        print(f"HAProxy: DOWN after {time.monotonic() - started:.1f} s")
        with farm.connect(number) as other:
            other.log_in(farm.balancer.registrar(100))
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        assert client.read().code == 2303
    farm.wait_until_up("eppd1")
