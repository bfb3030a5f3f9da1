"""When the registry does not answer well: what a client is told, and what the registry has really done."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lxml import etree

from srs_epp.srs.openpgp import SigningKey
from tests.end_to_end.client import EPP, Answer, Client, check, command, login
from tests.end_to_end.conftest import registrars
from tests.end_to_end.fault_proxy import (
    QUERY,
    QUESTION,
    WRITE,
    Fault,
    FaultProxy,
    answered_then_refusing,
    closed,
    failed,
    forwarded,
    forwarded_after_questions,
    forwarded_then_refusing,
    half_answered,
    kind_of,
    no_form,
    not_xml,
    passed,
    reset,
    silent,
    too_few,
    too_many,
    undetermined,
    undetermined_as_a_whole,
    unsigned,
    writes_in,
    wrongly_signed,
)
from tests.end_to_end.process import Process, Sandbox
from tests.end_to_end.test_session import CONTACT, contact_info, domain_info

GUEST = 102  # the registrar whose password changes
PASSWORD = "ruru-hunts-%d"
AUTH_INFO = "auth-info-0"

NOT_REACHABLE = (2400, "Command failed: registry not reachable")
NO_ANSWER = (2400, "Command failed: the registry did not answer")
UNKNOWN = (2400, "Command failed: outcome unknown")
NOT_DONE = (2400, "Command failed: not done")
UNUSABLE = (2500, "Command failed; server closing connection: the registry's answer can't be used")

UNHEARD: dict[str, Fault] = {"closed": closed, "reset": reset, "HTTP 500": failed, "silent": silent}
LOST: dict[str, Fault] = {
    "closed": forwarded(closed),
    "reset": forwarded(reset),
    "half": half_answered,
    "HTTP 500": forwarded(failed),
    "silent": forwarded(silent),
}
UNBELIEVABLE: dict[str, Fault] = {
    "wrong signature": wrongly_signed,
    "no signature": unsigned,
    "no form": no_form,
    "not XML": not_xml,
    "too few": too_few,
    "too many": too_many,
}
UNDETERMINED: dict[str, Fault] = {
    "undetermined": undetermined,
    "undetermined as a whole": undetermined_as_a_whole,
}


def parametrize(name: str, cases: dict[str, Fault]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(name, cases.values(), ids=cases.keys())


def told(answer: Answer) -> tuple[int, str]:
    """Code and text."""
    return answer.code, answer.texts("msg", EPP)[0]


def server_trid(answer: Answer) -> str:
    return answer.texts("svTRID", EPP)[0]


def but_its_server_trid(answer: Answer) -> bytes:
    return answer.xml.replace(server_trid(answer).encode(), b"")


class Eppd(Sandbox):
    """``eppd run`` in front of a sandbox's registry, with a proxy between them."""

    def __init__(self, folder: Path, sandbox: Sandbox, backend: str, **options: str) -> None:
        self.data = sandbox.data
        options = {
            "listen": "127.0.0.1:0",
            "tls_certificate": str(self.data / "server.pem"),
            "tls_private_key": str(self.data / "server.key"),
            "backend": backend,
            "backend_timeout": "1",
            "pgp_signing_key": str(self.data / "proxy.key"),
            "pgp_registry_certificate": str(self.data / "registry.asc"),
            "log_level": "DEBUG",
        } | options
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        Process.__init__(self, folder, [*words, "run"])
        try:
            port = self.wait_for_log(r"^listening on 127\.0\.0\.1:(\d+)$")[1]
        except AssertionError:
            self.kill_all()
            raise
        self.facts = sandbox.facts | {"port": port}


@dataclass
class Write:
    """A command that changes the register once: its ActionId is its clTRID.

    ``done``: whether the registry has done it. ``logs_in``: it is a login. ``looks``: it asks something
    before, so that it can't be given again once it is done.
    """

    unit: str
    trid: str
    done: Callable[[], bool]
    logs_in: bool = False
    looks: bool = False


@dataclass
class World:
    """A registry, the proxy in front of it, and two registrars who speak to it without a fault."""

    sandbox: Sandbox
    proxy: FaultProxy
    witness: Client
    other: Client
    handle: str = "registrant-1"
    password: str = PASSWORD % 0
    secrets: set[str] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def name(self) -> str:
        return f"name-{next(self._numbers)}.nz"

    def trid(self, verb: str) -> str:
        return f"{verb}-{next(self._numbers)}"

    def registered(self, sponsor: Client | None = None) -> str:
        """A new domain."""
        name = self.name()
        unit = domain_create(name, self.handle, self.trid("make"))
        assert (sponsor or self.witness).ask(unit).code == 1000
        return name

    def info(self, name: str) -> Answer:
        return self.witness.ask(domain_info(name))

    def taken(self, name: str) -> bool:
        return self.witness.ask(check(name)).texts("reason") == ["Registered"]

    def oldest_message(self) -> str:
        """The id of the witness's oldest message; there is one for each domain."""
        [queue] = self.witness.ask(command('<poll op="req"/>')).root.iter(f"{{{EPP}}}msgQ")
        return str(queue.get("id"))

    def udai(self, name: str) -> str:
        """The authInfo of the other's newest domain, from its messages."""
        while True:
            message = self.other.ask(command('<poll op="req"/>'))
            [queue] = message.root.iter(f"{{{EPP}}}msgQ")
            assert self.other.ask(command(f'<poll op="ack" msgID="{queue.get("id")}"/>')).code == 1000
            if name in message.texts("name"):
                return message.texts("pw")[0]

    def can_log_in(self, password: str) -> bool:
        with Client(self.sandbox) as client:
            client.read()
            return client.ask(login(self.sandbox.registrar(GUEST), password)).code == 1000


def domain_create(name: str, registrant: str, trid: str) -> str:
    return command(
        f'<create><d:create><d:name>{name}</d:name><d:period unit="m">2</d:period>'
        f"<d:registrant>{registrant}</d:registrant><d:authInfo><d:pw>{AUTH_INFO}</d:pw></d:authInfo>"
        "</d:create></create>",
        trid,
    )


def creates_contact(world: World) -> Write:
    trid = world.trid("contact")
    unit = command(CONTACT.format(id=trid, name="Moana Example", type="int"), trid)
    return Write(unit, trid, lambda: world.witness.ask(contact_info(trid)).code == 1000)


def creates_domain(world: World) -> Write:
    name, trid = world.name(), world.trid("create")
    return Write(domain_create(name, world.handle, trid), trid, lambda: world.taken(name))


def updates_domain(world: World) -> Write:
    name, trid = world.registered(), world.trid("update")
    server = "<d:ns><d:hostAttr><d:hostName>ns1.example.net</d:hostName></d:hostAttr></d:ns>"
    unit = command(f"<update><d:update><d:name>{name}</d:name><d:add>{server}</d:add></d:update></update>", trid)
    return Write(unit, trid, lambda: world.info(name).texts("hostName") != [], looks=True)


def renews_domain(world: World) -> Write:
    name, trid = world.registered(), world.trid("renew")
    before = world.info(name).texts("exDate")
    unit = command(
        f"<renew><d:renew><d:name>{name}</d:name><d:curExpDate>{before[0][:10]}</d:curExpDate>"
        '<d:period unit="m">5</d:period></d:renew></renew>',
        trid,
    )
    return Write(unit, trid, lambda: world.info(name).texts("exDate") != before, looks=True)


def deletes_domain(world: World) -> Write:
    name, trid = world.registered(), world.trid("delete")
    unit = command(f"<delete><d:delete><d:name>{name}</d:name></d:delete></delete>", trid)
    return Write(unit, trid, lambda: not world.taken(name))


def transfers_domain(world: World) -> Write:
    name, trid = world.registered(world.other), world.trid("transfer")
    udai = world.udai(name)
    world.secrets.add(udai)
    unit = command(
        f'<transfer op="request"><d:transfer><d:name>{name}</d:name><d:authInfo><d:pw>{udai}</d:pw>'
        "</d:authInfo></d:transfer></transfer>",
        trid,
    )
    return Write(unit, trid, lambda: world.info(name).code == 1000)


def changes_password(world: World) -> Write:
    trid = world.trid("login")
    old, new = world.password, PASSWORD % next(world._numbers)
    world.secrets |= {old, new}
    unit = login(world.sandbox.registrar(GUEST), old).replace("</pw>", f"</pw><newPW>{new}</newPW>")
    unit = unit.replace("<options>", "<options>").replace("login-1", trid)

    def done() -> bool:
        world.password = new if world.can_log_in(new) else old
        return world.password == new

    return Write(unit, trid, done, logs_in=True)


def acknowledges_message(world: World) -> Write:
    world.registered()
    message, trid = world.oldest_message(), world.trid("ack")
    unit = command(f'<poll op="ack" msgID="{message}"/>', trid)
    return Write(unit, trid, lambda: world.oldest_message() != message)


Maker = Callable[[World], Write]

WRITES: list[Maker] = [
    creates_contact,
    creates_domain,
    updates_domain,
    renews_domain,
    deletes_domain,
    transfers_domain,
    changes_password,
    acknowledges_message,
]
every_write = pytest.mark.parametrize("make", WRITES, ids=lambda make: make.__name__)


# -- what is running


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    words = [*registrars(), "--registrar", f"{GUEST}:{PASSWORD % 0}"]
    running = Sandbox(tmp_path_factory.mktemp("sandbox"), *words)
    yield running
    running.kill_all()


@pytest.fixture(scope="module")
def world(sandbox: Sandbox) -> Iterator[World]:
    key = SigningKey.from_file(sandbox.data / "registry.key")
    with ExitStack() as stack:
        proxy = stack.enter_context(FaultProxy(str(sandbox.facts["registry"]), key))
        witness, other = (stack.enter_context(Client(sandbox)) for _ in range(2))
        for client, registrar in ((witness, 100), (other, 101)):
            client.log_in(sandbox.registrar(registrar))
            unit = CONTACT.format(id=World.handle, name="Moana Example", type="int")
            assert client.ask(command(unit)).code == 1000
        yield World(sandbox, proxy, witness, other)


@contextmanager
def running(folder: Path, world: World, **options: str) -> Iterator[Eppd]:
    """An eppd whose log holds no secret at its end."""
    eppd = Eppd(folder, world.sandbox, world.proxy.url, **options)
    try:
        yield eppd
        assert eppd.stop() == 0
        assert "Traceback" not in eppd.log
        for secret in (*world.secrets, *secrets_in(world.proxy), AUTH_INFO):
            assert secret not in eppd.log
    finally:
        eppd.kill_all()


def secrets_in(proxy: FaultProxy) -> set[str]:
    """UDAIs and hashes of passwords, of what the registry answered."""
    found = {
        secret.decode()
        for document in proxy.responses
        for secret in re.findall(rb'\b(?:UDAI|Password)="([^"]+)"', document)
    }
    assert found
    return found


@pytest.fixture(scope="module")
def patient(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Eppd]:
    """Has time to find an outcome out."""
    with running(tmp_path_factory.mktemp("patient"), world, recovery_timeout="2") as eppd:
        yield eppd


@pytest.fixture(scope="module")
def hasty(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Eppd]:
    """Gives up long before the registry does."""
    with running(tmp_path_factory.mktemp("hasty"), world, recovery_timeout="0.2") as eppd:
        yield eppd


@pytest.fixture(scope="module")
def final(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Eppd]:
    """Gives up after the registry has."""
    folder = tmp_path_factory.mktemp("final")
    with running(folder, world, recovery_timeout="0.2", registry_timeout="0.1") as eppd:
        yield eppd


@pytest.fixture
def proxy(world: World) -> Iterator[FaultProxy]:
    yield world.proxy
    assert world.proxy.all_done, "a fault found no request"


@contextmanager
def session(eppd: Eppd, *, logged_in: bool = True) -> Iterator[Client]:
    """A connection of registrar 100's, which must still be good at the end."""
    with Client(eppd) as client:
        if logged_in:
            client.log_in(eppd.registrar(100))
        else:
            assert client.read().is_greeting
        yield client


@contextmanager
def session_for(eppd: Eppd, write: Write) -> Iterator[Client]:
    with session(eppd, logged_in=not write.logs_in) as client:
        yield client


def assert_goes_on(client: Client, *, logged_in: bool = True) -> None:
    assert client.ask(check("after.nz")).code == (1000 if logged_in else 2002)


def assert_logged_as_error(eppd: Eppd, answer: Answer) -> None:
    assert re.search(f" ERROR .*{re.escape(server_trid(answer))}", eppd.log)


def questions_about(proxy: FaultProxy, write: Write) -> int:
    return proxy.questions().count(write.trid)


# -- writes


@parametrize("fault", LOST | UNBELIEVABLE | UNDETERMINED)
@every_write
def test_a_write_that_was_done_is_answered_as_the_registry_answered_it(
    world: World, patient: Eppd, proxy: FaultProxy, make: Maker, fault: Fault
) -> None:
    write = make(world)
    with session_for(patient, write) as client:
        proxy.on(WRITE, fault)

        answer = client.ask(write.unit)

        assert answer.code == 1000
        assert answer.client_trid == write.trid
        assert write.done()
        assert (proxy.attempts(write.trid), proxy.arrivals(write.trid)) == (1, 1)
        assert questions_about(proxy, write) == 1
        if fault not in UNDETERMINED.values():
            assert_logged_as_error(patient, answer)
        assert_goes_on(client)
        if not (write.looks or write.logs_in):
            again = world.witness.ask(write.unit)
            assert but_its_server_trid(again) == but_its_server_trid(answer)
