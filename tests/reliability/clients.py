"""Clients at work while things break, who account for each command that they have sent."""

from __future__ import annotations

import itertools
import random
import secrets
import select
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.end_to_end.client import HELLO, Client, Server, command, frame, login
from tests.end_to_end.test_session import CONTACT

GOODBYE = (2500, 2501, 2502)
"""Codes after which the server closes: what was sent behind is not done (RFC 5730 section 3)."""
HARMLESS = (1000, 1300, 1301, 1500, 2400)
LONGEST_WAIT = 60.0  # seconds for an answer: more than any time-out of ours and of the registry's


@dataclass(frozen=True, slots=True)
class Unit:
    """A command that is to be sent; ``object``: what it makes, or asks after."""

    xml: str
    trid: str | None
    verb: str
    object: str = ""


@dataclass(frozen=True, slots=True)
class Cut:
    """A connection that ended with commands under way, which nobody answered."""

    moment: float
    trids: tuple[str | None, ...]
    error: str


class Clients:
    """``count`` clients at work between start() and stop(); a connection that ends is made again."""

    def __init__(self, server: Server, count: int, *, pause: float = 0.05, seed: int = 1) -> None:
        """``pause``: seconds, on average, between two batches of a client."""
        self.sent = 0
        self.told = Counter[int]()
        self.answered: set[str] = set()
        """The clTRIDs of commands that were answered."""
        self.made: dict[str, int] = {}
        """Contacts and domains whose creation was answered 1000, and that nobody has told to delete."""
        self.cuts: list[Cut] = []
        self.abandoned = 0
        """Commands that a client has sent and not waited for."""
        self.behind_goodbye = 0
        self.left_idle = 0
        """Sessions that the server has ended between two batches."""
        self.sessions = 0
        self.unconnected = 0
        self.wrong: list[str] = []
        """Whatever a client must never see."""
        self.name = f"c{secrets.token_hex(3)}"  # a registry knows every ActionId that it has ever seen
        self._server = server
        self._pause = pause
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._threads = [
            threading.Thread(target=_Client(self, server, number, seed).work, name=f"client {number}")
            for number in range(count)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * LONGEST_WAIT)
        assert not any(thread.is_alive() for thread in self._threads), "a client hangs"

    @property
    def unanswered(self) -> int:
        return sum(len(cut.trids) for cut in self.cuts)

    def missing(self) -> list[str]:
        """What was answered 1000 and is not there; asked with new sessions."""
        lost = []
        for registrar in (100, 101):
            with Client(self._server) as client:
                client.log_in(self._server.registrar(registrar))
                for name in [one for one, owner in self.made.items() if owner == registrar]:
                    if client.ask(command(_info(name))).code != 1000:
                        lost.append(name)
        return lost

    # -- what a client tells

    def resting(self, seconds: float) -> bool:
        """Wait; whether work is over."""
        return self._stop.wait(seconds)

    @property
    def over(self) -> bool:
        return self._stop.is_set()

    @property
    def pause(self) -> float:
        return self._pause

    def note(self, **changes: int) -> None:
        with self._guard:
            for name, change in changes.items():
                setattr(self, name, getattr(self, name) + change)

    def note_answer(self, unit: Unit, code: int, registrar: int) -> None:
        with self._guard:
            self.told[code] += 1
            if unit.trid is not None:
                self.answered.add(unit.trid)
            if unit.verb == "create" and code == 1000:
                self.made[unit.object] = registrar

    def note_cut(self, units: Sequence[Unit], error: Exception) -> None:
        with self._guard:
            self.cuts.append(Cut(time.monotonic(), tuple(unit.trid for unit in units), repr(error)))

    def note_wrong(self, what: str) -> None:
        with self._guard:
            self.wrong.append(what)

    def forget(self, name: str) -> None:
        """It is about to be deleted."""
        with self._guard:
            self.made.pop(name, None)


class _Client:
    def __init__(self, all_of_us: Clients, server: Server, number: int, seed: int) -> None:
        self._us = all_of_us
        self._server = server
        self._name = f"{all_of_us.name}-{number}"
        self._registrar = 100 + number % 2
        self._dice = random.Random(seed * 1000 + number)
        self._numbers = itertools.count(1)
        self._contacts: list[str] = []
        self._domains: list[str] = []
        self._message = ""
        self._under_way: list[Unit] = []

    def work(self) -> None:
        while not self._us.over:
            self._under_way = []
            try:
                client = Client(self._server, timeout=LONGEST_WAIT)
            except OSError:  # nobody listens, or the handshake was cut
                self._us.note(unconnected=1)
                self._us.resting(0.1)
                continue
            self._us.note(sessions=1)
            with client:
                try:
                    self._session(client)
                except TimeoutError:
                    self._us.note_wrong(f"{self._name}: no answer within {LONGEST_WAIT:.0f} s")
                except (OSError, EOFError) as error:
                    self._us.note_cut(self._under_way, error)
                    self._us.resting(0.05)
                except Exception as error:
                    self._us.note_wrong(f"{self._name}: {error!r}")

    def _session(self, client: Client) -> None:
        if not client.read().is_greeting:
            self._us.note_wrong(f"{self._name}: no greeting")
            return
        xml = login(self._server.registrar(self._registrar))
        if not self._do(client, [Unit(xml.replace("login-1", trid := self._trid()), trid, "login")]):
            return
        for _ in range(self._dice.randint(5, 40)):
            if self._us.over:
                break
            batch = [self._unit() for _ in range(self._dice.choice((1, 1, 1, 2, 4)))]
            if not self._do(client, batch):
                return
            self._us.resting(self._dice.uniform(0, 2 * self._us.pause))
        self._leave(client)

    def _leave(self, client: Client) -> None:
        """In one of the ways that clients have."""
        way = self._dice.choice(("logout", "logout", "close", "reset", "reset at work"))
        if way == "logout":
            trid = self._trid()
            if self._do(client, [Unit(command("<logout/>", trid), trid, "logout")]):
                client.at_end()
            return
        if way == "reset at work":
            batch = [self._unit(harmless=True) for _ in range(3)]
            self._us.note(sent=len(batch), abandoned=len(batch))
            client.tls.sendall(b"".join(frame(unit.xml) for unit in batch))
        if way.startswith("reset"):
            client.tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _do(self, client: Client, batch: list[Unit]) -> bool:
        """Send all, read all answers; whether the session goes on."""
        if select.select([client.tls], [], [], 0)[0]:
            self._us.note(left_idle=1)
            return False
        self._under_way = list(batch)
        self._us.note(sent=len(batch))
        client.send(*(unit.xml for unit in batch))
        while self._under_way:
            answer = client.read()
            unit = self._under_way.pop(0)
            if answer.is_greeting != (unit.verb == "hello") or (
                not answer.is_greeting and answer.client_trid != unit.trid
            ):
                self._us.note_wrong(f"{self._name}: {unit.trid} {unit.verb} was answered {answer.xml!r}")
                return False
            code = 0 if answer.is_greeting else answer.code
            self._us.note_answer(unit, code, self._registrar)
            if code in GOODBYE:
                self._us.note(behind_goodbye=len(self._under_way))
                return False
            if code and code not in HARMLESS and (unit.verb, code) != ("ack", 2303):  # another was faster
                self._us.note_wrong(f"{self._name}: {unit.verb} {unit.object}: {code} {answer.text}")
            self._learn(unit, code, answer.xml)
        return code < 2000 or unit.verb != "login"

    def _learn(self, unit: Unit, code: int, xml: bytes) -> None:
        if unit.verb == "create" and code == 1000:
            (self._domains if "." in unit.object else self._contacts).append(unit.object)
        elif unit.verb == "poll" and code == 1301:
            self._message = xml.split(b'msgQ count="')[1].split(b'id="')[1].split(b'"')[0].decode()

    def _trid(self) -> str:
        return f"{self._name}-{next(self._numbers)}"

    def _unit(self, *, harmless: bool = False) -> Unit:
        kinds = ["hello", "check", "check", "info", "info", "poll"]
        kind = self._dice.choice(kinds if harmless else [*kinds, "create", "create", "delete"])
        trid = self._trid()
        if kind == "hello":
            return Unit(HELLO, None, "hello")
        if kind == "create":
            return self._create(trid)
        if kind == "delete" and (name := self._superfluous()):
            self._us.forget(name)
            return Unit(command(_object("delete", name), trid), trid, "delete", name)
        if kind == "poll" and not harmless and self._message:
            message, self._message = self._message, ""
            return Unit(command(f'<poll op="ack" msgID="{message}"/>', trid), trid, "ack", message)
        if kind == "poll":
            return Unit(command('<poll op="req"/>', trid), trid, "poll")
        if kind == "info" and self._contacts:
            name = self._dice.choice([*self._contacts, *self._domains])
            return Unit(command(_info(name), trid), trid, "info", name)
        names = f"<d:name>{trid}.co.nz</d:name><d:name>{trid}.nz</d:name>"
        return Unit(command(f"<check><d:check>{names}</d:check></check>", trid), trid, "check")

    def _create(self, trid: str) -> Unit:
        if self._contacts and self._dice.random() < 0.4:
            name = f"{trid}.co.nz"
            inner = (
                f'<create><d:create><d:name>{name}</d:name><d:period unit="m">1</d:period>'
                f"<d:registrant>{self._contacts[0]}</d:registrant><d:authInfo><d:pw>unused</d:pw></d:authInfo>"
                "</d:create></create>"
            )
            return Unit(command(inner, trid), trid, "create", name)
        return Unit(
            command(CONTACT.format(id=trid, name="Moana Example", type="int"), trid), trid, "create", trid
        )

    def _superfluous(self) -> str:
        """A domain, or a contact beside the first, which domains name."""
        if len(self._domains) > 2:
            return self._domains.pop(0)
        return self._contacts.pop(1) if len(self._contacts) > 3 else ""


def _info(name: str) -> str:
    return _object("info", name)


def _object(verb: str, name: str) -> str:
    if "." in name:
        return f"<{verb}><d:{verb}><d:name>{name}</d:name></d:{verb}></{verb}>"
    return f"<{verb}><c:{verb}><c:id>{name}</c:id></c:{verb}></{verb}>"
