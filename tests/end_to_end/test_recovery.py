"""When the registry does not answer well: what a client is told, and what the registry has really done."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from srs_epp.sandbox.folder import move_clock
from srs_epp.srs.actions import RegistrarDetailsQry
from srs_epp.srs.client import Client as SrsClient
from srs_epp.srs.crypt import verify_password
from srs_epp.srs.openpgp import Keyring, SigningKey
from srs_epp.srs.transaction import Transaction
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
    reset,
    silent,
    too_few,
    too_many,
    undetermined,
    undetermined_as_a_whole,
    unsigned,
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

    ``done``: whether the registry has done it. ``logs_in``: it is a login. ``looks``: it asks the registry
    something before, and could not be given again once it is done.
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
    keyring: Keyring
    handle: str = "registrant-1"
    password: str = PASSWORD % 0
    elsewhere: dict[str, str] = field(
        default_factory=dict
    )  # the other's domains that may go, with their UDAIs
    secrets: set[str] = field(default_factory=set)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def name(self) -> str:
        return f"name-{next(self._numbers)}.nz"

    def trid(self, verb: str) -> str:
        return f"{verb}-{next(self._numbers)}"

    def registered(self) -> str:
        """A new domain."""
        name = self.name()
        assert self.witness.ask(domain_create(name, self.handle, self.trid("make"))).code == 1000
        return name

    def stock_elsewhere(self, count: int) -> None:
        """Domains of the other's; the registry lets none go in its first days."""
        names = [self.name() for _ in range(count)]
        self.other.send(*(domain_create(name, self.handle, self.trid("make")) for name in names))
        assert [self.other.read().code for _ in names] == [1000] * count
        for name in names:
            message = self.other.ask(command('<poll op="req"/>'))
            assert message.texts("name") == [name]
            [self.elsewhere[name]] = message.texts("pw")
            [queue] = message.root.iter(f"{{{EPP}}}msgQ")
            assert self.other.ask(command(f'<poll op="ack" msgID="{queue.get("id")}"/>')).code == 1000
        move_clock(self.sandbox.data, timedelta(days=6))

    def info(self, name: str) -> Answer:
        return self.witness.ask(domain_info(name))

    def taken(self, name: str) -> bool:
        return self.witness.ask(check(name)).texts("reason") == ["Registered"]

    def oldest_message(self) -> str:
        """The id of the witness's oldest message; there is one for each domain."""
        [queue] = self.witness.ask(command('<poll op="req"/>')).root.iter(f"{{{EPP}}}msgQ")
        return str(queue.get("id"))

    def has_password(self, password: str) -> bool:
        """Whether the registry says that it is the guest's."""
        key = SigningKey.from_file(self.sandbox.data / "proxy.key")
        registry = SrsClient(str(self.sandbox.facts["registry"]), signing_key=key, keyring=self.keyring)
        try:
            [details] = registry.exchange(Transaction(GUEST, (RegistrarDetailsQry(GUEST),)))
        finally:
            registry.close()
        assert details.registrar is not None
        assert details.registrar.password_hash is not None
        return verify_password(password, details.registrar.password_hash)


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
    unit = command(
        f"<update><d:update><d:name>{name}</d:name><d:add>{server}</d:add></d:update></update>", trid
    )
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
    name, udai = world.elsewhere.popitem()
    trid = world.trid("transfer")
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
    unit = unit.replace("login-1", trid)

    def done() -> bool:
        world.password = new if world.has_password(new) else old
        return world.password == new

    return Write(unit, trid, done, logs_in=True)


def acknowledges_message(world: World) -> Write:
    world.registered()
    world.registered()  # so that one message is left behind the one that goes
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
    try:
        yield running
        assert running.stop() == 0
        assert "Traceback" not in running.log, running.log
    finally:
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
        made = World(sandbox, proxy, witness, other, Keyring.from_files([sandbox.data / "registry.asc"]))
        made.stock_elsewhere(40)
        yield made


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
    return {
        secret.decode()
        for document in proxy.responses
        for secret in re.findall(rb'\b(?:UDAI|Password)="([^"]+)"', document)
    }


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
    every_fault_came = world.proxy.all_done
    world.proxy.be_well()
    assert every_fault_came


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


@parametrize("fault", {name: UNHEARD[name] for name in ("closed", "HTTP 500")})
@every_write
def test_a_write_that_the_registry_does_not_know_is_an_unknown_outcome(
    world: World, hasty: Eppd, proxy: FaultProxy, make: Maker, fault: Fault
) -> None:
    write = make(world)
    with session_for(hasty, write) as client:
        proxy.on(WRITE, fault)

        answer = client.ask(write.unit)

        assert told(answer) == UNKNOWN
        assert not write.done()
        assert (proxy.attempts(write.trid), proxy.arrivals(write.trid)) == (1, 0)
        assert questions_about(proxy, write) > 1
        assert_logged_as_error(hasty, answer)
        assert_goes_on(client, logged_in=not write.logs_in)
        assert client.ask(write.unit).code == 1000
        assert write.done()
        assert proxy.arrivals(write.trid) == 1


@every_write
def test_a_write_that_the_registry_can_no_longer_be_working_on_is_not_done(
    world: World, final: Eppd, proxy: FaultProxy, make: Maker
) -> None:
    write = make(world)
    with session_for(final, write) as client:
        proxy.on(WRITE, closed)

        answer = client.ask(write.unit)

        assert told(answer) == NOT_DONE
        assert not write.done()
        assert (proxy.attempts(write.trid), proxy.arrivals(write.trid)) == (1, 0)
        assert_logged_as_error(final, answer)
        assert_goes_on(client, logged_in=not write.logs_in)
        assert client.ask(write.unit).code == 1000
        assert write.done()


@parametrize("fault", UNHEARD)
def test_however_a_write_got_lost_it_is_not_sent_again(
    world: World, final: Eppd, proxy: FaultProxy, fault: Fault
) -> None:
    write = creates_domain(world)
    with session(final) as client:
        proxy.on(WRITE, fault)

        assert told(client.ask(write.unit)) == NOT_DONE
        assert_goes_on(client)

    assert proxy.attempts(write.trid) == 1
    assert not write.done()


def test_a_write_that_was_done_is_never_said_not_to_be(world: World, final: Eppd, proxy: FaultProxy) -> None:
    write = creates_domain(world)
    with session(final) as client:
        proxy.on(WRITE, forwarded(closed))

        assert client.ask(write.unit).code == 1000


@every_write
def test_without_a_registry_nothing_is_done_and_nothing_asked(
    world: World, patient: Eppd, proxy: FaultProxy, make: Maker
) -> None:
    write = make(world)
    with session_for(patient, write) as client:
        proxy.refuse()

        answer = client.ask(write.unit)

        proxy.accept()
        assert told(answer) == NOT_REACHABLE
        assert not write.done()
        assert proxy.attempts(write.trid) == questions_about(proxy, write) == 0
        assert_logged_as_error(patient, answer)
        assert_goes_on(client, logged_in=not write.logs_in)
        assert client.ask(write.unit).code == 1000
        assert write.done()


@pytest.mark.parametrize(
    "make", [updates_domain, renews_domain, changes_password], ids=lambda make: make.__name__
)
def test_a_registry_that_goes_away_before_the_write_has_not_done_it(
    world: World, patient: Eppd, proxy: FaultProxy, make: Maker
) -> None:
    write = make(world)
    with session_for(patient, write) as client:
        proxy.on(QUERY, answered_then_refusing)

        answer = client.ask(write.unit)

        proxy.accept()
        assert told(answer) == NOT_REACHABLE
        assert not write.done()
        assert questions_about(proxy, write) == 0
        assert_goes_on(client, logged_in=not write.logs_in)


def test_a_connection_that_ends_unread_may_have_carried_a_write(
    world: World, hasty: Eppd, proxy: FaultProxy
) -> None:
    write = creates_domain(world)
    with session(hasty) as client:
        proxy.turn_away(1)

        assert told(client.ask(write.unit)) == UNKNOWN
        assert_goes_on(client)

    assert not write.done()
    assert questions_about(proxy, write) > 1


def test_a_slow_registry_is_asked_until_it_knows(world: World, patient: Eppd, proxy: FaultProxy) -> None:
    write = creates_domain(world)
    with session(patient) as client:
        proxy.on(WRITE, forwarded_after_questions(2))

        assert client.ask(write.unit).code == 1000

    assert write.done()
    assert proxy.attempts(write.trid) == 1
    assert questions_about(proxy, write) > 2


def test_a_refusal_that_got_lost_is_told(world: World, patient: Eppd, proxy: FaultProxy) -> None:
    name, trid = world.registered(), world.trid("create")
    with session(patient) as client:
        proxy.on(WRITE, forwarded(closed))

        assert client.ask(domain_create(name, world.handle, trid)).code == 2302
        assert_goes_on(client)


# -- writes, and the registry does not answer well when it is asked about them either


@parametrize("fault", UNHEARD | {"wrong signature": wrongly_signed, "too few": too_few, "no form": no_form})
def test_one_question_that_gets_lost_is_asked_again(
    world: World, patient: Eppd, proxy: FaultProxy, fault: Fault
) -> None:
    write = creates_contact(world)
    with session(patient) as client:
        proxy.on(WRITE, forwarded(closed))
        proxy.on(QUESTION, fault)

        assert client.ask(write.unit).code == 1000
        assert_goes_on(client)

    assert questions_about(proxy, write) == 2
    assert proxy.attempts(write.trid) == 1


@parametrize("fault", {"closed": closed, "silent": silent, "HTTP 500": failed, "not XML": not_xml})
def test_a_registry_that_says_nothing_of_a_write_leaves_its_outcome_unknown(
    world: World, final: Eppd, proxy: FaultProxy, fault: Fault
) -> None:
    write = creates_contact(world)
    with session(final) as client:
        proxy.on(WRITE, forwarded(closed))
        proxy.always(QUESTION, fault)

        answer = client.ask(write.unit)

        assert told(answer) == UNKNOWN
        assert write.done()
        assert proxy.attempts(write.trid) == 1
        assert_logged_as_error(final, answer)
        assert_goes_on(client)
        assert client.ask(write.unit).code == 1000  # by the registry, which has stored it


def test_a_registry_that_goes_away_after_the_write_leaves_its_outcome_unknown(
    world: World, final: Eppd, proxy: FaultProxy
) -> None:
    write = creates_contact(world)
    with session(final) as client:
        proxy.on(WRITE, forwarded_then_refusing)

        answer = client.ask(write.unit)

        assert told(answer) == UNKNOWN
        assert write.done()
        assert told(client.ask(check("after.nz"))) == NOT_REACHABLE
        proxy.accept()
        assert_goes_on(client)


# -- a clTRID that was used before


@parametrize("fault", {"closed": closed, "done and closed": forwarded(closed)})
def test_a_write_with_the_cltrid_of_another_is_2306(
    world: World, patient: Eppd, proxy: FaultProxy, fault: Fault
) -> None:
    used = creates_contact(world)
    assert world.witness.ask(used.unit).code == 1000
    name = world.name()
    with session(patient) as client:
        proxy.on(WRITE, fault)

        answer = client.ask(domain_create(name, world.handle, used.trid))

        assert answer.code == 2306
        [value] = answer.root.iter(f"{{{EPP}}}value")
        assert value.xpath("string()") == used.trid
        assert_goes_on(client)
    assert not world.taken(name)


def test_a_write_that_was_done_before_is_answered_as_it_was_then(
    world: World, patient: Eppd, proxy: FaultProxy
) -> None:
    write = creates_domain(world)
    before = world.witness.ask(write.unit)
    assert before.code == 1000
    with session(patient) as client:
        proxy.on(WRITE, closed)

        assert but_its_server_trid(client.ask(write.unit)) == but_its_server_trid(before)


# -- several commands in one transaction


def ask_at_once(client: Client, proxy: FaultProxy, *units: str) -> list[Answer]:
    """The answers to commands of which the registry gets all that write in one transaction."""
    before = len(proxy.requests)
    client.send(*units)
    answers = [client.read() for _ in units]
    [_] = [request for request in proxy.requests[before:] if kind_of(request) == WRITE]
    return answers


@parametrize("fault", LOST)
def test_of_a_shared_transaction_every_write_is_looked_up(
    world: World, patient: Eppd, proxy: FaultProxy, fault: Fault
) -> None:
    writes = [make(world) for make in (creates_contact, creates_domain, deletes_domain, transfers_domain)]
    units = [unit for write in writes for unit in (check("a.nz"), write.unit)]
    with session(patient) as client:
        proxy.on(WRITE, fault)

        answers = ask_at_once(client, proxy, *units, check("b.nz"))

        assert [told(answer) for answer in answers[::2]] == [NO_ANSWER] * 5
        assert [answer.code for answer in answers[1::2]] == [1000] * 4
        assert [answer.client_trid for answer in answers[1::2]] == [write.trid for write in writes]
        for answer in answers:
            assert_logged_as_error(patient, answer)
        assert_goes_on(client)
    assert all(write.done() for write in writes)
    assert [proxy.arrivals(write.trid) for write in writes] == [1] * 4
    assert [questions_about(proxy, write) for write in writes] == [1] * 4


def test_of_a_shared_transaction_that_nobody_heard_each_write_is_told_what_became_of_it(
    world: World, hasty: Eppd, final: Eppd, proxy: FaultProxy
) -> None:
    for eppd, outcome in ((hasty, UNKNOWN), (final, NOT_DONE)):
        new, known, newer = (make(world) for make in (creates_domain, creates_contact, creates_contact))
        assert world.witness.ask(known.unit).code == 1000
        with session(eppd) as client:
            proxy.on(WRITE, closed)

            answers = ask_at_once(client, proxy, new.unit, known.unit, check("a.nz"), newer.unit)

            assert [told(answer) for answer in answers[::3]] == [outcome] * 2
            assert answers[1].code == 1000
            assert told(answers[2]) == NO_ANSWER
            assert_goes_on(client)
        assert not new.done()
        assert not newer.done()


def test_writes_of_one_transaction_with_the_same_cltrid_are_told_apart(
    world: World, patient: Eppd, proxy: FaultProxy
) -> None:
    write, name = creates_domain(world), world.name()
    with session(patient) as client:
        proxy.on(WRITE, forwarded(closed))

        other = domain_create(name, world.handle, write.trid)
        answers = ask_at_once(client, proxy, write.unit, other, write.unit)

    assert [answer.code for answer in answers] == [1000, 2306, 1000]
    assert write.done()
    assert not world.taken(name)


@parametrize("fault", UNBELIEVABLE)
def test_an_unbelievable_answer_closes_after_all_of_its_transaction_are_answered(
    world: World, patient: Eppd, proxy: FaultProxy, fault: Fault
) -> None:
    write = creates_contact(world)
    with session(patient) as client:
        proxy.on(WRITE, fault)

        answers = ask_at_once(client, proxy, check("a.nz"), write.unit, check("b.nz"))

        assert [answer.code for answer in answers[:2]] == [2400, 1000]
        assert told(answers[2]) == UNUSABLE
        assert client.at_end()
    assert write.done()
    assert proxy.attempts(write.trid) == 1


def test_a_write_behind_an_unbelievable_answer_keeps_the_session(
    world: World, patient: Eppd, proxy: FaultProxy
) -> None:
    write = creates_contact(world)
    with session(patient) as client:
        proxy.on(WRITE, wrongly_signed)

        answers = ask_at_once(client, proxy, check("a.nz"), write.unit)

        assert [answer.code for answer in answers] == [2400, 1000]
        assert_goes_on(client)


# -- what the log says


def test_an_unbelievable_answer_is_in_the_debug_log_without_its_secrets(
    world: World, patient: Eppd, proxy: FaultProxy
) -> None:
    write = creates_domain(world)
    with session(patient) as client:
        proxy.on(WRITE, wrongly_signed)
        assert client.ask(write.unit).code == 1000

    [answer] = [document for document in proxy.responses if write.trid.encode() in document][:1]
    [udai] = re.findall(r' UDAI="(.{8})"', answer.decode())
    [line] = [line for line in patient.log.splitlines() if "unacceptable" in line and write.trid in line]
    assert "UDAI%3d%22***%22" in line
    assert udai not in line


def test_an_unbelievable_answer_to_a_question_is_in_the_debug_log_without_its_secrets(
    world: World, proxy: FaultProxy, tmp_path: Path
) -> None:
    with running(tmp_path, world, recovery_timeout="10") as eppd:
        write = changes_password(world)
        with session_for(eppd, write) as client:
            proxy.on(WRITE, forwarded(closed))
            proxy.on(QUESTION, wrongly_signed)
            assert client.ask(write.unit).code == 1000
        assert write.done()
        assert "unacceptable response" in eppd.log
        assert world.password not in eppd.log


# -- queries

QUESTIONABLE = check("free.nz")


def ask_query(client: Client, proxy: FaultProxy) -> tuple[Answer, int]:
    """The answer to a query, and how often it came from eppd."""
    before = len(proxy.requests)
    return client.ask(QUESTIONABLE), len(proxy.requests) - before


def test_a_query_without_a_registry_is_2400(patient: Eppd, proxy: FaultProxy) -> None:
    with session(patient) as client:
        proxy.refuse()

        answer, _ = ask_query(client, proxy)

        assert told(answer) == NOT_REACHABLE
        assert_logged_as_error(patient, answer)
        proxy.accept()
        assert_goes_on(client)


DYING: dict[str, Fault] = {"closed": closed, "reset": reset, "done and closed": forwarded(closed)}


@parametrize("fault", DYING)
def test_a_query_that_dies_on_a_kept_connection_is_sent_once_more(
    patient: Eppd, proxy: FaultProxy, fault: Fault
) -> None:
    with session(patient) as client:
        proxy.on(QUERY, fault)

        answer, times = ask_query(client, proxy)

    assert (answer.code, times) == (1000, 2)


@parametrize("fault", DYING)
def test_and_not_twice_more(patient: Eppd, proxy: FaultProxy, fault: Fault) -> None:
    with session(patient) as client:
        proxy.on(QUERY, fault, fault)

        answer, times = ask_query(client, proxy)

        assert (told(answer), times) == (NO_ANSWER, 2)
        assert_goes_on(client)


@parametrize("fault", UNHEARD | {f"done and {name}": fault for name, fault in LOST.items()})
def test_a_query_on_a_fresh_connection_is_not_sent_again(
    patient: Eppd, proxy: FaultProxy, fault: Fault
) -> None:
    with session(patient) as client:
        proxy.hang_up()
        proxy.on(QUERY, fault)

        answer, times = ask_query(client, proxy)

        assert (told(answer), times) == (NO_ANSWER, 1)
        assert_logged_as_error(patient, answer)
        assert_goes_on(client)


@parametrize("fault", {name: LOST[name] for name in ("half", "HTTP 500", "silent")})
def test_a_query_of_which_more_than_the_connection_failed_is_not_sent_again(
    patient: Eppd, proxy: FaultProxy, fault: Fault
) -> None:
    with session(patient) as client:
        proxy.on(QUERY, fault)

        answer, times = ask_query(client, proxy)

        assert (told(answer), times) == (NO_ANSWER, 1)
        assert_goes_on(client)


def test_a_query_on_a_connection_that_ends_unread_is_2400(patient: Eppd, proxy: FaultProxy) -> None:
    with session(patient) as client:
        proxy.turn_away(1)

        answer, times = ask_query(client, proxy)

        assert (told(answer), times) == (NO_ANSWER, 0)
        assert_goes_on(client)


@parametrize("fault", UNBELIEVABLE)
def test_an_unbelievable_answer_to_a_query_is_2500_and_the_end(
    patient: Eppd, proxy: FaultProxy, fault: Fault
) -> None:
    with session(patient) as client:
        proxy.on(QUERY, fault)

        answer, times = ask_query(client, proxy)

        assert (told(answer), times) == (UNUSABLE, 1)
        assert client.at_end()
    assert_logged_as_error(patient, answer)


def test_a_login_without_a_good_answer_can_be_tried_again(patient: Eppd, proxy: FaultProxy) -> None:
    unit = login(patient.registrar(100))
    with session(patient, logged_in=False) as client:
        proxy.on(QUERY, failed)

        assert told(client.ask(unit)) == NO_ANSWER
        assert_goes_on(client, logged_in=False)
        assert client.ask(unit).code == 1000
