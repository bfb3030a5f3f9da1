"""Eight sessions of two registrars at once, on the same few domains and contacts.

The environment variable EPPD_CONCURRENCY_SECONDS says for how long, where 20 seconds are not enough.
"""

from __future__ import annotations

import itertools
import os
import random
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

import pytest

from tests.end_to_end.client import CONTACT, SECDNS, Answer, Client, check, command, login
from tests.end_to_end.process import Process, Sandbox
from tests.end_to_end.test_lives import (
    AUTH,
    RESTORE,
    RGP,
    contact,
    create_contact,
    domain,
    ds,
    info,
    ns,
    queue,
    renew,
    server,
    statuses,
    transfer,
    update,
    update_ds,
)

SECONDS = float(os.environ.get("EPPD_CONCURRENCY_SECONDS", "20"))
PATIENCE = 10.0  # seconds that any command may take
SEED = 20260
REGISTRARS = (100, 101)
SESSIONS_EACH = 4
NAMES = tuple(f"bird-{number}.nz" for number in range(5))
HANDLES = tuple(f"keeper-{number}" for number in range(3))
PASSING = tuple(f"passing-{number}" for number in range(3))  # contacts that come and go
ALWAYS = "ns0.example.net"  # a server that no domain loses: DS records need one


@dataclass
class World:
    """What the clients were told, and so what the registry must have.

    Who changes a value of which the last must be known holds its lock until the answer is there.
    """

    locks: dict[tuple[object, ...], threading.Lock] = field(
        default_factory=lambda: defaultdict(threading.Lock)
    )
    guard: threading.Lock = field(default_factory=threading.Lock)
    udais: dict[str, str] = field(default_factory=dict)
    held: dict[str, bool] = field(default_factory=dict)
    emails: dict[tuple[int, str], str] = field(default_factory=dict)
    transfers: Counter[tuple[str, int]] = field(default_factory=Counter)
    acknowledged: Counter[int] = field(default_factory=Counter)
    written: set[tuple[int, str]] = field(default_factory=set)

    @contextmanager
    def alone_with(self, *what: object) -> Iterator[None]:
        with self.guard:
            lock = self.locks[what]
        with lock:
            yield


class Session:
    """One client that does one random thing after another."""

    def __init__(self, client: Client, registrar: int, number: int, world: World) -> None:
        self.client, self.registrar, self.world = client, registrar, world
        self.random = random.Random(f"{SEED}-{number}")
        self.outcomes: Counter[tuple[str, int]] = Counter()
        self.servers: dict[str, str] = {}
        self.digests: dict[str, str] = {}
        self.failure: BaseException | None = None
        self._label = f"s{number}"
        self._count = itertools.count(1)
        self._doings: list[tuple[int, Callable[[], None]]] = [
            (3, self.look_at_a_domain),
            (2, self.look_at_a_contact),
            (2, self.look_at_several_at_once),
            (4, self.change_servers),
            (3, self.change_ds),
            (3, self.hold_or_release),
            (3, self.change_a_contact),
            (3, self.make_or_remove_a_contact),
            (3, self.ask_for_a_new_udai),
            (5, self.take_a_message),
            (6, self.take_a_domain),
            (2, self.renew_a_domain),
            (1, self.delete_and_restore),
            (1, self.restore),
        ]

    def run(self, until: float) -> None:
        weights = [weight for weight, _ in self._doings]
        try:
            while time.monotonic() < until:
                [(_, do)] = self.random.choices(self._doings, weights)
                do()
        except BaseException as failure:
            self.failure = failure

    def say(self, inner: str, *expected: int, extension: str = "", writes: bool = True) -> Answer:
        """The answer, in time, with its own clTRID and one of the codes that it may have."""
        trid = f"{self._label}-{next(self._count)}"
        extended = f"<extension>{extension}</extension>" if extension else ""
        started = time.monotonic()
        answer = self.client.ask(command(inner + extended, trid))
        assert time.monotonic() - started < PATIENCE, "too slow"
        assert answer.client_trid == trid
        assert answer.code in expected, f"{inner}{extended}: {answer.xml.decode()}"
        self.outcomes[inner[1 : inner.index(">")].split()[0], answer.code] += 1
        if writes and answer.code < 2000:
            with self.world.guard:
                self.world.written.add((self.registrar, trid))
        return answer

    # -- looking

    def look_at_a_domain(self) -> None:
        name = self._name()
        answer = self.say(info(name), 1000, 2201, writes=False)
        if answer.code == 1000:
            assert answer.texts("clID") == [str(self.registrar)]
            assert ALWAYS in answer.texts("hostName")
        udai = self._known_udai(name)
        if udai is not None:
            self.say(info(name, udai), 1000, 2201, 2202, writes=False)

    def look_at_a_contact(self) -> None:
        answer = self.say(contact("info", self.random.choice(HANDLES)), 1000, writes=False)
        assert answer.texts("clID", CONTACT) == [str(self.registrar)]

    def look_at_several_at_once(self) -> None:
        """Sent in one go, so that they may share transactions."""
        names = [*NAMES, "never-there.nz"]
        self.client.send(check(*names), command(info(self._name())), check(*reversed(names)))
        answers = [self.client.read() for _ in range(3)]
        assert [answer.code for answer in answers] in ([1000, 1000, 1000], [1000, 2201, 1000])
        assert (answers[0].texts("name"), answers[2].texts("name")) == (names, names[::-1])

    # -- changing what is one's own, perhaps

    def change_servers(self) -> None:
        """Each session has one server of its own at each domain; the others' are not its business."""
        name, new = self._name(), f"{self._label}-{next(self._count)}.example.net"
        old = self.servers.get(name)
        change = update(name, add=ns(server(new)), rem=ns(server(old)) if old else "")
        if self.say(change, 1000, 2201, 2304).code == 1000:
            self.servers[name] = new

    def change_ds(self) -> None:
        """And one DS record."""
        name, new = self._name(), f"{self.random.getrandbits(256):064X}"
        old = self.digests.get(name)
        change = update_ds(add=ds(new), rem=ds(old) if old else "")
        if self.say(update(name), 1000, 2201, 2304, extension=change).code == 1000:
            self.digests[name] = new

    def hold_or_release(self) -> None:
        name = self._name()
        with self.world.alone_with(name, "hold"):
            hold = self.random.random() < 0.5
            status = '<d:status s="clientHold"/>'
            change = update(name, add=status) if hold else update(name, rem=status)
            if self.say(change, 1000, 2201, 2304).code == 1000:
                self.world.held[name] = hold

    def change_a_contact(self) -> None:
        handle = self.random.choice(HANDLES)
        with self.world.alone_with(self.registrar, handle):
            email = f"{self._label}-{next(self._count)}@example.net"
            self.say(contact("update", handle, f"<c:chg><c:email>{email}</c:email></c:chg>"), 1000)
            self.world.emails[self.registrar, handle] = email

    def make_or_remove_a_contact(self) -> None:
        handle = self.random.choice(PASSING)
        if self.random.random() < 0.5:
            self.say(create_contact(handle), 1000, 2302)
        else:
            self.say(contact("delete", handle), 1000, 2303)

    def ask_for_a_new_udai(self) -> None:
        self.say(update(self._name(), chg=AUTH), 1000, 2201, 2304)

    def take_a_message(self) -> None:
        message = self.say('<poll op="req"/>', 1300, 1301, writes=False)
        if message.code == 1300:
            return
        for udai in message.texts("pw"):
            with self.world.guard:
                self.world.udais[message.texts("name")[0]] = udai
        # another session of this registrar may have been faster
        if self.say(f'<poll op="ack" msgID="{queue(message)["id"]}"/>', 1000, 2303).code == 1000:
            with self.world.guard:
                self.world.acknowledged[self.registrar] += 1

    # -- whole domains

    def take_a_domain(self) -> None:
        name = self._name()
        udai = self._known_udai(name)
        if udai is None:
            return
        answer = self.say(transfer(name, udai), 1000, 2106, 2202)
        if answer.code == 1000:
            assert answer.texts("reID") == [str(self.registrar)]
            with self.world.guard:
                self.world.transfers[name, self.registrar] += 1

    def renew_a_domain(self) -> None:
        name = self._name()
        found = self.say(info(name), 1000, 2201, writes=False)
        if found.code == 1000:
            self.say(renew(name, found.texts("exDate")[0], 1), 1000, 2201, 2304, 2306)

    def delete_and_restore(self) -> None:
        name = self._name()
        if self.say(domain("delete", name), 1001, 2201, 2304).code == 1001:
            # it may be another's by now, or restored by another session
            self.say(update(name), 1000, 2201, 2304, extension=RESTORE)

    def restore(self) -> None:
        self.say(update(self._name()), 1000, 2201, 2304, extension=RESTORE)

    def _name(self) -> str:
        return self.random.choice(NAMES)

    def _known_udai(self, name: str) -> str | None:
        with self.world.guard:
            return self.world.udais.get(name)


def log_in(sandbox: Sandbox, registrar: int) -> Client:
    client = Client(sandbox, timeout=PATIENCE)
    try:
        assert client.read().is_greeting
        document = login(sandbox.registrar(registrar))
        document = document.replace("</svcExtension>", f"<extURI>{RGP}</extURI></svcExtension>")
        assert client.ask(document).code == 1000
    except BaseException:
        client.tls.close()
        raise
    return client


def populate(sessions: list[Session], world: World) -> None:
    """Contacts for both registrars, and domains in turn."""
    first = {session.registrar: session for session in reversed(sessions)}
    for registrar, session in first.items():
        for handle in HANDLES:
            session.say(create_contact(handle), 1000)
            world.emails[registrar, handle] = f"{handle}@example.net"
    for name, registrar in zip(NAMES, itertools.cycle(REGISTRARS)):
        create = (
            f'<create><d:create><d:name>{name}</d:name><d:period unit="y">1</d:period>{ns(server(ALWAYS))}'
            f"<d:registrant>{HANDLES[0]}</d:registrant>"
            f'<d:contact type="admin">{HANDLES[1]}</d:contact>{AUTH}</d:create></create>'
        )
        first[registrar].say(create, 1000)
        world.held[name] = False


@dataclass
class Aftermath:
    """What there is once all sessions have done what they did."""

    sandbox: Sandbox
    world: World
    sessions: list[Session]

    def session(self, registrar: int) -> Session:
        return next(session for session in self.sessions if session.registrar == registrar)

    def sponsor(self, name: str) -> int:
        """By what clients were told: two registrars can only have it in turn."""
        taken = sum(self.world.transfers[name, registrar] for registrar in REGISTRARS)
        return REGISTRARS[(NAMES.index(name) + taken) % 2]

    def servers(self, name: str) -> list[str]:
        own = [session.servers[name] for session in self.sessions if name in session.servers]
        return sorted([ALWAYS, *own])

    def digests(self, name: str) -> list[str]:
        return sorted(session.digests[name] for session in self.sessions if name in session.digests)

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        path = self.sandbox.data / "registry.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return [tuple(row) for row in database.execute(query, values)]


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """All of it happens here, once; the tests look at what it has left."""
    passwords = [
        word for one in ("100:kakapo-night-1", "101:weka-by-day-22") for word in ("--registrar", one)
    ]
    sandbox = Sandbox(tmp_path_factory.mktemp("concurrency"), *passwords)
    world = World()
    try:
        with ExitStack() as stack:
            sessions = []
            for number in range(len(REGISTRARS) * SESSIONS_EACH):
                registrar = REGISTRARS[number % len(REGISTRARS)]
                client = stack.enter_context(log_in(sandbox, registrar))
                sessions.append(Session(client, registrar, number, world))
            populate(sessions, world)
            age(sandbox, "6d")
            run(sessions)
            yield Aftermath(sandbox, world, sessions)
        assert sandbox.stop() == 0, sandbox.log
        assert "Traceback" not in sandbox.log, sandbox.log
    finally:
        sandbox.kill_all()


def age(sandbox: Sandbox, period: str) -> None:
    mover = Process(sandbox.folder / "mover", ["sandbox", "--data", str(sandbox.data), "--advance", period])
    assert mover.wait() == 0, mover.log


def run(sessions: list[Session]) -> None:
    until = time.monotonic() + SECONDS
    threads = [threading.Thread(target=session.run, args=(until,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_every_command_was_answered_in_time_validly_and_with_a_code_that_it_may_have(
    aftermath: Aftermath,
) -> None:
    assert [session.failure for session in aftermath.sessions] == [None] * len(aftermath.sessions)


def test_everything_that_can_happen_has_happened(aftermath: Aftermath) -> None:
    outcomes: Counter[tuple[str, int]] = sum((session.outcomes for session in aftermath.sessions), Counter())

    assert {
        ("info", 1000),
        ("info", 2201),
        ("update", 1000),
        ("update", 2201),
        ("transfer", 1000),
        ("transfer", 2106),
        ("transfer", 2202),
        ("renew", 1000),
        ("poll", 1000),
        ("poll", 1301),
        ("create", 1000),
        ("delete", 1000),
        ("delete", 1001),
    } <= set(outcomes)
    assert min(sum(session.outcomes.values()) for session in aftermath.sessions) >= SECONDS


@pytest.mark.parametrize("name", NAMES)
def test_a_domain_has_the_sponsor_that_the_transfers_have_made_and_only_that(
    aftermath: Aftermath, name: str
) -> None:
    sponsor = aftermath.sponsor(name)

    for registrar in REGISTRARS:
        expected = 1000 if registrar == sponsor else 2201
        assert aftermath.session(registrar).client.ask(command(info(name))).code == expected
    assert aftermath.rows("SELECT registrar_id FROM domains WHERE name = ?", name) == [(sponsor,)]


@pytest.mark.parametrize("name", NAMES)
def test_no_change_of_a_domain_was_lost(aftermath: Aftermath, name: str) -> None:
    seen = aftermath.session(aftermath.sponsor(name)).client.ask(command(info(name)))

    assert sorted(seen.texts("hostName")) == aftermath.servers(name)
    assert sorted(seen.texts("digest", SECDNS)) == aftermath.digests(name)
    assert ("clientHold" in statuses(seen)) is aftermath.world.held[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_registry_has_of_a_domain_what_its_sponsor_sees(aftermath: Aftermath, name: str) -> None:
    [(key, delegate)] = aftermath.rows("SELECT domain_id, delegate FROM domains WHERE name = ?", name)

    servers = aftermath.rows("SELECT fqdn FROM name_servers WHERE domain_id = ? ORDER BY fqdn", key)
    digests = aftermath.rows("SELECT upper(digest) FROM ds_records WHERE domain_id = ? ORDER BY 1", key)

    assert [fqdn for (fqdn,) in servers] == aftermath.servers(name)
    assert [digest for (digest,) in digests] == aftermath.digests(name)
    assert bool(delegate) is not aftermath.world.held[name]


def test_no_change_of_a_contact_was_lost(aftermath: Aftermath) -> None:
    for (registrar, handle), email in aftermath.world.emails.items():
        seen = aftermath.session(registrar).client.ask(command(contact("info", handle)))
        assert seen.texts("email", CONTACT) == [email]


def test_everything_that_a_client_was_told_to_be_done_is_with_the_registry(aftermath: Aftermath) -> None:
    actions = set(aftermath.rows("SELECT registrar_id, action_id FROM actions"))

    assert aftermath.world.written
    assert aftermath.world.written - actions == set()


def test_each_transfer_was_told_to_its_loser_once(aftermath: Aftermath) -> None:
    for gainer in REGISTRARS:
        taken = sum(aftermath.world.transfers[name, gainer] for name in NAMES)
        told = aftermath.rows(
            "SELECT count(*) FROM messages WHERE originator = ? AND recipient <> ?"
            " AND instr(CAST(response AS TEXT), 'Action=\"DomainTransfer\"')",
            gainer,
            gainer,
        )
        assert told == [(taken,)]
        assert taken > 0


def test_each_message_was_acknowledged_once(aftermath: Aftermath) -> None:
    for registrar in REGISTRARS:
        taken = "SELECT count(*) FROM messages WHERE recipient = ? AND acknowledged IS NOT NULL"
        assert aftermath.rows(taken, registrar) == [(aftermath.world.acknowledged[registrar],)]

        left = "SELECT count(*) FROM messages WHERE recipient = ? AND acknowledged IS NULL"
        [(waiting,)] = aftermath.rows(left, registrar)
        message = aftermath.session(registrar).client.ask(command('<poll op="req"/>'))
        assert (int(queue(message)["count"]) if message.code == 1301 else 0) == waiting


def test_the_database_is_whole(aftermath: Aftermath) -> None:
    assert aftermath.rows("PRAGMA integrity_check") == [("ok",)]
    assert aftermath.rows("PRAGMA foreign_key_check") == []


# -- two at the same moment


@pytest.fixture
def two(sandbox: Sandbox) -> Iterator[list[Client]]:
    """Two sessions of registrar 100."""
    with ExitStack() as stack:
        yield [stack.enter_context(log_in(sandbox, 100)) for _ in range(2)]


def at_once(clients: list[Client], units: list[str]) -> list[int]:
    """The codes that these commands get, one of each client."""
    for client, unit in zip(clients, units, strict=True):
        client.send(unit)
    return sorted(client.read().code for client in clients)


def new_domain(client: Client, unused: Callable[[str], str]) -> tuple[str, str]:
    """Its name and expiry."""
    handle, name = unused(""), unused("nz")
    assert client.ask(command(create_contact(handle))).code == 1000
    created = client.ask(
        command(
            f"<create><d:create><d:name>{name}</d:name>{ns(server(ALWAYS))}<d:registrant>{handle}"
            f"</d:registrant>{AUTH}</d:create></create>"
        )
    )
    assert created.code == 1000
    return name, created.texts("exDate")[0]


def test_two_sessions_that_add_a_server_at_the_same_moment_have_both_added_it(
    two: list[Client], unused: Callable[[str], str]
) -> None:
    name, _ = new_domain(two[0], unused)
    for number in range(4):
        servers = [f"{letter}{number}.example.net" for letter in "ab"]

        codes = at_once(two, [command(update(name, add=ns(server(one)))) for one in servers])

        assert codes == [1000, 1000]
        assert set(servers) <= set(two[0].ask(command(info(name))).texts("hostName"))


def test_two_sessions_that_renew_by_the_same_expiry_have_renewed_once(
    two: list[Client], unused: Callable[[str], str]
) -> None:
    name, expiry = new_domain(two[0], unused)
    for _ in range(4):
        assert at_once(two, [command(renew(name, expiry, 1))] * 2) == [1000, 2304]
        expiry = two[0].ask(command(info(name))).texts("exDate")[0]
