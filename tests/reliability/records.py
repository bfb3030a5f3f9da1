"""Three records of the same run: what clients were told, what the audit log says, what the registry has.

And a fourth, of who stood between: the proxy knows what it did to which request.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lxml import etree

# -- what clients wanted, and were told


@dataclass(frozen=True)
class Wish:
    """The write that a command asks of the registry: an action's element, as far as the client knows it.

    ``subject``: the domain, contact, message or password; ``facts``: attributes that the element has;
    ``adds`` and ``removes``: name servers that its list has, or has not.
    """

    tag: str
    subject: str
    facts: Mapping[str, str] = field(default_factory=dict)
    adds: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()

    def is_met_by(self, element: etree._Element) -> bool:
        listed = servers_in(element)
        return (
            element.tag == self.tag
            and subject_of(element) == self.subject
            and all(element.get(name) == value for name, value in self.facts.items())
            and set(self.adds) <= listed
            and not listed.intersection(self.removes)
        )


@dataclass(frozen=True)
class Order:
    """One command. ``names``: the domains or contacts that a good answer names, in order.

    ``object``: what the audit log calls what it is about.
    """

    kind: str
    unit: str
    verb: str
    trid: str | None = None
    object: str | None = None
    wish: Wish | None = None
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Told:
    """An answer. ``code`` is None for a greeting. ``about``: domains and contacts that it names, in order.

    ``message``: the id of the poll message that it brings.
    """

    code: int | None
    text: str
    client_trid: str | None
    server_trid: str | None
    at: float
    about: tuple[str, ...] = ()
    message: str | None = None


@dataclass
class Sent:
    """A command that went out, and the answer to it if one was read."""

    order: Order
    at: float
    told: Told | None = None


LEFT, CLOSED = "the client left", "the server closed"


@dataclass
class Conversation:
    """All of one connection. ``registrar`` is the one that it logged in as, or tried to.

    ``source`` is the address of the client, whose connections follow one another.
    """

    registrar: int
    source: str
    sent: list[Sent] = field(default_factory=list)
    end: str = LEFT


# -- what the audit log says


@dataclass(frozen=True)
class Row:
    """A line about a command."""

    verb: str | None
    object: str | None
    code: int | None
    registrar: str | None
    client_trid: str | None
    server_trid: str


@dataclass
class Connection:
    peer: str
    rows: list[Row] = field(default_factory=list)


def read_audit(path: Path) -> list[Connection]:
    """Connections in the order in which they came, each with its lines in theirs."""
    found: dict[str, Connection] = {}
    for line in path.read_text().splitlines():
        fields: dict[str, Any] = json.loads(line)
        connection = found.setdefault(fields["connection"], Connection(fields["peer"]))
        if fields["event"] in ("login", "command"):
            connection.rows.append(
                Row(
                    fields["verb"],
                    fields["object"],
                    fields["code"],
                    fields["registrar"],
                    fields["clTRID"],
                    fields["svTRID"],
                )
            )
    return list(found.values())


# -- what the registry has


@dataclass(frozen=True)
class Action:
    """A write as the registry has stored it; ``done``: it was not refused, and changed something."""

    registrar: int
    id: str
    element: etree._Element
    done: bool


@dataclass(frozen=True)
class Domain:
    """``months`` from registration to the day up to which it is paid."""

    sponsor: int
    months: int
    servers: frozenset[str] = frozenset()
    held: bool = False
    cancelled: bool = False


@dataclass(frozen=True)
class Message:
    recipient: int
    originator: int
    trans_id: str
    acknowledged: bool = False


@dataclass
class Register:
    """The registry's database at one moment. ``passwords``: hashes."""

    actions: list[Action] = field(default_factory=list)
    domains: dict[str, Domain] = field(default_factory=dict)
    contacts: dict[tuple[int, str], str] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    passwords: dict[int, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def read_register(path: Path) -> Register:
    """Everything that a run can change, in one transaction."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        database.execute("BEGIN")
        return Register(
            list(_actions(database)),
            _domains(database),
            _contacts(database),
            _messages(database),
            dict(database.execute("SELECT registrar_id, password_hash FROM registrars")),
            _faults(database),
        )


def _actions(database: sqlite3.Connection) -> Iterator[Action]:
    """In the order in which they were done: the registry writes one transaction after the other."""
    rows = database.execute(
        "SELECT actions.registrar_id, action_id, request, actions.response FROM actions"
        " JOIN requests USING (fe_seq) ORDER BY actions.rowid"
    )
    for registrar, action_id, request, response in rows:
        # where an id came twice in one request, the first was done
        element = next(one for one in etree.fromstring(request) if one.get("ActionId") == action_id)
        yield Action(registrar, action_id, element, _was_done(element, etree.fromstring(response)))


def _was_done(element: etree._Element, response: etree._Element) -> bool:
    """An update of a domain that there is not has changed none, and is no error."""
    changed = element.tag != "DomainUpdate" or response.find("Domain") is not None
    return changed and response.find("Error") is None


def _domains(database: sqlite3.Connection) -> dict[str, Domain]:
    servers = defaultdict(set)
    for key, name in database.execute("SELECT domain_id, fqdn FROM name_servers"):
        servers[key].add(name)
    return {
        name: Domain(sponsor, months, frozenset(servers[key]), not delegate, cancelled is not None)
        for key, name, sponsor, months, delegate, cancelled in database.execute(
            f"SELECT domain_id, name, registrar_id, {_MONTHS}, delegate, cancelled FROM domains"
        )
    }


# terms are of whole months, so that the length of the average month tells how many
_MONTHS = "CAST(round((billed_until - registered) / (365.2425 * 86400 / 12)) AS INTEGER)"


def _contacts(database: sqlite3.Connection) -> dict[tuple[int, str], str]:
    rows = database.execute("SELECT registrar_id, handle_id, email FROM contacts WHERE handle_id IS NOT NULL")
    return {(registrar, handle): email for registrar, handle, email in rows}


def _messages(database: sqlite3.Connection) -> list[Message]:
    rows = database.execute(
        "SELECT recipient, originator, trans_id, acknowledged IS NOT NULL FROM messages ORDER BY message_id"
    )
    return [
        Message(recipient, originator, trans_id, bool(taken))
        for recipient, originator, trans_id, taken in rows
    ]


def _faults(database: sqlite3.Connection) -> list[str]:
    [(verdict,)] = database.execute("PRAGMA integrity_check")
    broken = database.execute("PRAGMA foreign_key_check").fetchall()
    return ([] if verdict == "ok" else [str(verdict)]) + [f"foreign key: {row}" for row in broken]


def subject_of(element: etree._Element) -> str:
    """What an action is about."""
    for name in ("DomainName", "HandleId", "TransId"):
        if (found := element.get(name)) is not None:
            return str(found)
    if (password := element.find("EPPAuth")) is not None:
        return str(password.get("Password"))
    return str(element.findtext("DomainNameFilter", ""))


def servers_in(element: etree._Element) -> set[str]:
    return {str(server.get("FQDN")) for server in element.iterfind("NameServers/Server")}


# -- what was done to requests on their way


@dataclass(frozen=True)
class Times:
    """Seconds, as eppd is configured."""

    backend: float
    recovery: float
    registry: float


@dataclass
class Passage:
    """One request that eppd sent, as the proxy saw it.

    ``harmless``: the registry's own answer went back whole. ``knows``: it says what became of a write.
    ``reached``: when the registry had done with it, None where it never got it. ``dropped``: the connection
    ended right after the answer, which eppd may not have waited for.
    """

    fault: str
    kind: str
    registrar: int
    writes: Sequence[str]
    questions: Sequence[str]
    at: float
    reached: float | None = None
    harmless: bool = False
    knows: bool = False
    dropped: bool = False

    def told(self, times: Times) -> bool:
        """Whether eppd must have got the answer: whole, soon, and it did not give up meanwhile."""
        soon = self.reached is not None and self.reached - self.at < times.backend / 2
        return soon and self.harmless and not self.dropped


@dataclass
class Run:
    """All records of a run. ``before``, ``after``: the registry at its beginning and end.

    ``troubles``: what went wrong with a process or a client as such.
    """

    conversations: list[Conversation]
    connections: list[Connection]
    before: Register
    after: Register
    passages: list[Passage]
    times: Times
    troubles: list[str] = field(default_factory=list)
