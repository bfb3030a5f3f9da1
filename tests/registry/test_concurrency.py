"""Two registrars at once on the same few domains: whatever the order, the database stays whole."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from srs_epp.srs.values import Element
from tests.registry.client import HANDLE, Client, domain_create, domain_update, fresh_id
from tests.registry.conftest import Sandbox

NAMES = ("a.nz", "b.nz", "c.nz")
SERVERS = '<NameServers><Server FQDN="ns{}.example.net"/></NameServers>'
CONTACT_COLUMNS = {
    "domains": ("registrant", "admin", "technical"),
    "registrars": ("public_contact", "srs_contact", "technical_contact"),
}
EXPECTED = {  # what may happen to whom another was faster
    "MISSING_MANDATORY_FIELD", "UDAI_DOMAIN_MISMATCH", "DOMAIN_INACTIVE", "RENEWAL_EXCEEDS_MAX",
    "DOMAIN_ALREADY_EXISTS", "TRANSFER_WITHIN_GRACE_PERIOD", "CONVERT_TO_HANDLES_ONLY_FOR_TRANSFER",
    "DOUBLE_CANCEL_ATTEMPT", "CANCELLED_TRANSFER_WITH_UPDATE", "HANDLE_IN_USE", "HANDLE_DOES_NOT_EXIST",
    "HANDLE_ALREADY_EXISTS", "ALREADY_ACKED_MESSAGE", "INSUFFICIENT_TERM_FOR_RENEW",
}  # fmt: skip


class Udais:
    """The UDAIs that were seen last."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known = dict.fromkeys(NAMES, "abcdefgh")

    def note(self, response: Element) -> None:
        for domain in response.iterfind("Domain[@UDAI]"):
            with self._guard:
                self._known[str(domain.get("DomainName"))] = str(domain.get("UDAI"))

    def of(self, name: str) -> str:
        with self._guard:
            return self._known[name]


class Registrar(threading.Thread):
    """Does one thing after the other, chosen by a number, and counts what comes of it."""

    def __init__(self, client: Client, seed: int, udais: Udais, barrier: threading.Barrier) -> None:
        super().__init__()
        self.outcomes: Counter[str] = Counter()
        self.failure: BaseException | None = None
        self._client, self._udais, self._barrier = client, udais, barrier
        self._random = random.Random(seed)

    def run(self) -> None:
        try:
            self._barrier.wait(20)
            for _ in range(25):
                response = self._client.ask_one(self._action())
                error = response.find("Error")
                self.outcomes[str(error.get("ErrorId")) if error is not None else "done"] += 1
                self._udais.note(response)
        except BaseException as error:
            self.failure = error
        finally:
            self._client.close()

    def _action(self) -> str:
        choose = self._random
        name = choose.choice(NAMES)
        transfer = f'UDAI="{self._udais.of(name)}"'
        return choose.choice(
            [
                domain_update(name, attributes='NewUDAI="1"'),
                domain_update(name, attributes=transfer),
                domain_update(name, attributes=transfer + ' ConvertContactsToHandles="1"'),
                domain_update(name, attributes='Renew="1" Term="1"'),
                domain_update(name, SERVERS.format(choose.randrange(9))),
                domain_update(name, '<AdminContact HandleId="shared"/>'),
                domain_update(name, "<AdminContact/>"),
                domain_update(name, attributes='Cancel="1"'),
                domain_update(name, attributes='Cancel="0"'),
                domain_create(name, action_id=fresh_id()),
                f'<HandleUpdate ActionId="{fresh_id()}" HandleId="shared" Delete="1"/>',
                HANDLE.format("shared").replace('ActionId="shared"', f'ActionId="{fresh_id()}"'),
                '<GetMessages QueueMode="1"/>',
                f'<ResetMsgQ ActionId="{fresh_id()}"/>',
                f'<Whois DomainName="{name}"/>',
            ]
        )


def test_two_registrars_at_once_on_the_same_domains(sandbox: Sandbox) -> None:
    for client in (sandbox.first, sandbox.second):
        client.ask(HANDLE.format("shared"))
    sandbox.first.ask("".join(domain_create(name) for name in NAMES))
    sandbox.registry.clock.move(timedelta(days=40))
    udais, barrier = Udais(), threading.Barrier(9)
    registrars = [
        Registrar(
            Client(
                sandbox.server.url,
                90 + number % 2,
                (sandbox.keys.first, sandbox.keys.second)[number % 2].key,
                sandbox.first.registry,
            ),
            number,
            udais,
            barrier,
        )
        for number in range(8)
    ]

    for registrar in registrars:
        registrar.start()
    barrier.wait(20)
    for _ in range(10):  # and time goes by
        sandbox.registry.clock.move(timedelta(days=7))
        sandbox.first.ask('<Whois DomainName="a.nz"/>')
    for registrar in registrars:
        registrar.join(60)

    assert [registrar.failure for registrar in registrars] == [None] * 8
    outcomes = sum((registrar.outcomes for registrar in registrars), Counter[str]())
    assert sum(outcomes.values()) == 8 * 25
    assert outcomes["done"] > 50
    assert set(outcomes) - {"done"} <= EXPECTED
    assert outcomes["done"] < 8 * 25
    sandbox.first.whois("a.nz")
    check_whole(sandbox.path / "registry.sqlite", sandbox.registry.clock.now() - timedelta(minutes=1))


def check_whole(path: Path, now: datetime) -> None:
    """What must hold in every database that has answered a request at that moment."""
    with closing(sqlite3.connect(path)) as database:

        def values(query: str) -> list[tuple[object, ...]]:
            return list(database.execute(query))

        assert values("PRAGMA integrity_check") == [("ok",)]
        assert values("PRAGMA foreign_key_check") == []
        used = " UNION ".join(
            f"SELECT {column} AS used FROM {table}"
            for table, columns in CONTACT_COLUMNS.items()
            for column in columns
        )
        named = f"contact_id IN (SELECT used FROM ({used}) WHERE used IS NOT NULL)"
        # no contact is left over, and no handle is taken for unused that is used, or the other way round
        assert values(f"SELECT * FROM contacts WHERE handle_id IS NULL AND NOT {named}") == []
        wrong = f"handle_id IS NOT NULL AND (unused IS NULL) <> ({named})"
        assert values(f"SELECT * FROM contacts WHERE {wrong}") == []
        # a domain names handles of its own registrar only
        foreign = (
            "SELECT domains.name FROM domains JOIN contacts ON contact_id IN (registrant, admin, technical)"
            " WHERE handle_id IS NOT NULL AND contacts.registrar_id <> domains.registrar_id"
        )
        assert values(foreign) == []
        # each transfer has told one loser, never the gainer
        told_itself = "recipient = originator AND CAST(response AS TEXT) LIKE '%<DomainTransfer%'"
        assert values(f"SELECT * FROM messages WHERE {told_itself}") == []
        doubled = "SELECT 1 FROM messages GROUP BY recipient, originator, trans_id HAVING count(*) > 1"
        assert values(doubled) == []
        # nothing is due
        late = f"billed_until < {now.timestamp()} AND term > 0 AND cancelled IS NULL"
        assert values(f"SELECT * FROM domains WHERE {late}") == []
        months_ago = (now - timedelta(days=90)).timestamp()
        assert values(f"SELECT * FROM domains WHERE cancelled < {months_ago}") == []
        assert values(f"SELECT * FROM contacts WHERE unused < {months_ago}") == []
        # nothing shares a contact of its own
        shared = (
            "SELECT contact_id FROM contacts JOIN domains ON contact_id IN (registrant, admin, technical)"
            " WHERE handle_id IS NULL GROUP BY contact_id HAVING count(*) > 1"
        )
        assert values(shared) == []
