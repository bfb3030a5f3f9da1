"""What a session's overseer writes down, and where it finds room."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from srs_epp.commands.overseer import Answered, Refusal
from srs_epp.commands.turns import Turns
from srs_epp.daemon.audit import AuditLog
from srs_epp.daemon.records import STATE_NAMES, Records, Witness, object_of
from srs_epp.daemon.table import Table
from srs_epp.epp.reader import read
from srs_epp.epp.results import CommandFailed
from srs_epp.session.states import State
from tests.epp import documents
from tests.support.settings import config

ABOUT = {"connection": "c17-1", "peer": "192.0.2.7"}


class World:
    """A table and an audit log, and the sessions that are known to them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "audit.log"
        self.table = Table()
        self.audit = AuditLog(self.path)
        self.records = Records(2, self.audit, None)

    def witness(self, records: Records | None = None, **options: object) -> Witness:
        """Of a new connection."""
        about: dict[str, Any] = dict(ABOUT)
        slot = self.table.take(about["connection"], about["peer"], 100, 100)
        return Witness(
            records or self.records, self.table, slot, config(**options), about, Turns(self.table.lock)
        )

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]

    def last(self) -> dict[str, Any]:
        """The last line, without the fields that all have."""
        line = self.lines()[-1]
        assert (line["worker"], line["connection"], line["peer"]) == (2, "c17-1", "192.0.2.7")
        return {
            name: value
            for name, value in line.items()
            if name not in ("time", "worker", "connection", "peer")
        }

    def close(self) -> None:
        self.audit.close()
        os.close(self.table.descriptor)
        vars(self.table).clear()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def done(unit: str, code: int | None, **changes: Any) -> Answered:
    fields: dict[str, Any] = {
        "command": read(unit.encode()),
        "code": code,
        "server_trid": "sv-1",
        "identities": [],
        "seconds": 0.25,
        "registry_seconds": 0.125,
    }
    return Answered(**fields | changes)


# -- lines of the audit log


def test_a_connection_has_a_line_when_it_comes_and_when_it_ends(world: World) -> None:
    world.records.connected(ABOUT, "TLSv1.3", ("epp.example.nz", "example.nz"))
    assert world.last() == {
        "event": "connection",
        "registrar": None,
        "tls": "TLSv1.3",
        "certificate": ["epp.example.nz", "example.nz"],
    }

    world.records.closed({**ABOUT, "registrar": "100"}, 1.23456, "idle-timeout")
    assert world.last() == {"event": "close", "registrar": "100", "seconds": 1.235, "reason": "idle-timeout"}


def test_a_command_has_a_line_with_all_that_is_known_of_it(world: World) -> None:
    witness = world.witness()
    unit = documents.domain("check", "<domain:name>a.nz</domain:name><domain:name>b.nz</domain:name>")

    witness.answered(done(unit, 1000, identities=["8,1", "8,2", "8,1"]))

    assert world.last() == {
        "event": "command",
        "registrar": None,
        "verb": "check",
        "mapping": "domain",
        "object": "a.nz b.nz",
        "code": 1000,
        "clTRID": "TEST-0001",
        "svTRID": "sv-1",
        "srs": ["8,1", "8,2"],
        "ms": 250.0,
        "registry_ms": 125.0,
    }


def test_a_login_has_a_line_and_all_lines_behind_it_have_its_registrar(world: World) -> None:
    witness = world.witness()
    for unit, code in (
        (documents.login(), 2200),
        (documents.login().replace(">100<", "> 0007\n<"), 1000),
        (documents.PROTOCOL["epp-poll-req"], 1300),
        (documents.login(), 2002),
        (documents.PROTOCOL["epp-logout"], 1500),
    ):
        witness.answered(done(unit, code))

    assert [(line["event"], line["registrar"], line["object"], line["code"]) for line in world.lines()] == [
        ("login", None, "100", 2200),
        ("login", "007", "0007", 1000),
        ("command", "007", None, 1300),
        ("login", "007", "100", 2002),
        ("command", "007", None, 1500),
    ]
    assert world.table.known_registrar == 7


def test_what_is_no_command_and_a_greeting_have_lines_too(world: World) -> None:
    witness = world.witness()
    witness.answered(done("<epp><command>", 2001))
    witness.answered(done(documents.epp("<hello/>"), None))

    found = [(line["event"], line["verb"], line["object"], line["code"]) for line in world.lines()]
    assert found == [("command", None, None, 2001), ("command", "hello", None, None)]


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        (Refusal.CLIENT_ID, "client-id"),
        (Refusal.UNKNOWN, "unknown-registrar"),
        (Refusal.SIGNATURE, "signature"),
        (Refusal.PASSWORD, "password"),
        (Refusal.ADDRESS, "address"),
        (Refusal.CERTIFICATE_NAME, "certificate-name"),
    ],
)
def test_a_refused_login_says_who_and_why(world: World, why: Refusal, reason: str) -> None:
    world.witness().login_refused("some one", why)

    assert world.last() == {
        "event": "refusal",
        "registrar": "some one",
        "reason": reason,
        "text": why.value,
    }


@pytest.mark.parametrize("why", Refusal, ids=lambda why: why.name)
def test_every_reason_has_a_name(world: World, why: Refusal) -> None:
    world.witness().login_refused("100", why)

    assert world.last()["reason"]


def test_without_an_audit_log_nothing_is_written_and_the_rest_goes_on(world: World) -> None:
    witness = world.witness(Records(2, None, None))

    witness.answered(done(documents.login(), 1000))
    witness.login_refused("100", Refusal.PASSWORD)

    assert world.lines() == []
    assert world.table.rows()[0].commands == 1


DOCUMENTS = {name: unit for name, unit in documents.DOCUMENTS.items() if "-response" not in name}


@pytest.mark.parametrize("unit", DOCUMENTS.values(), ids=DOCUMENTS)
def test_no_line_of_any_command_has_a_secret(world: World, unit: str) -> None:
    secrets = ("2fooBAR", "se cret", "16 octets at top")

    world.witness().answered(done(unit, 1000 if "<login>" not in unit else 2200))

    assert not [secret for secret in secrets if secret in world.path.read_text()]


OBJECTS = {
    "login": (documents.login(), "100"),
    "logout": (documents.PROTOCOL["epp-logout"], None),
    "poll req": (documents.PROTOCOL["epp-poll-req"], None),
    "poll ack": (documents.PROTOCOL["epp-poll-ack"], "12345"),
    "hello": (documents.PROTOCOL["epp-hello-with-content"], None),
    "no XML": ("<epp", None),
    "contact check": (
        documents.contact("check", "<contact:id>a-1</contact:id><contact:id> b \n 1 </contact:id>"),
        "a-1 b 1",
    ),
    "empty": (documents.domain("check", "<domain:name/>"), None),
    "nothing": (documents.domain("info", ""), None),
    "a registrant is no object": (
        documents.domain(
            "create", "<domain:name>a.nz</domain:name><domain:registrant>r-1</domain:registrant>"
        ),
        "a.nz",
    ),
    "nor is what is deeper": (
        documents.domain(
            "update",
            "<domain:name>a.nz</domain:name><domain:add><domain:name>no.nz</domain:name></domain:add>",
        ),
        "a.nz",
    ),
    "comments": (documents.domain("info", "<!-- x --><domain:name>a<!-- y -->.nz</domain:name>"), "a.nz"),
}


@pytest.mark.parametrize(("unit", "expected"), OBJECTS.values(), ids=OBJECTS)
def test_the_object_is_what_the_command_is_about(unit: str, expected: str | None) -> None:
    assert object_of(read(unit.encode())) == expected


def test_very_many_objects_are_cut() -> None:
    names = "".join(f"<domain:name>name-{n}.nz</domain:name>" for n in range(3000))

    found = object_of(read(documents.domain("check", names).encode()))

    assert found is not None
    assert found.startswith("name-0.nz name-1.nz ")
    assert len(found) == 8192


# -- the table


def test_a_session_shows_in_the_table_what_it_does(world: World) -> None:
    witness = world.witness()
    started = time.time()
    assert witness.admit(100)
    witness.answered(done(documents.login(), 1000))
    witness.answered(done(documents.PROTOCOL["epp-poll-req"], 1300))
    witness.state(str(State.WAITING_FOR_COMMAND))

    [row] = world.table.rows()
    assert (row.registrar, row.commands, STATE_NAMES[row.state]) == (100, 2, "Waiting for Command")
    assert started <= row.last <= time.time()


def test_every_state_can_be_shown(world: World) -> None:
    witness = world.witness()
    shown = []
    for state in State:
        witness.state(str(state))
        shown.append(STATE_NAMES[world.table.rows()[0].state])

    assert shown == [str(state) for state in State]


def test_over_the_limit_nobody_is_admitted_and_log_and_audit_log_say_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    sessions = [world.witness(max_sessions_per_registrar=2) for _ in range(3)]

    assert [session.admit(100) for session in sessions] == [True, True, False]

    assert world.last() == {
        "event": "refusal",
        "registrar": "100",
        "reason": "max-sessions-per-registrar",
        "text": "max-sessions-per-registrar (2) reached",
    }
    [record] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert record.getMessage() == "login of registrar 100 refused: max-sessions-per-registrar (2) reached"
    assert record.__dict__["connection"] == "c17-1"
    assert sessions[2].admit(101)


def test_who_is_dismissed_makes_room(world: World) -> None:
    first, second = (world.witness(max_sessions_per_registrar=1) for _ in range(2))
    assert first.admit(100)
    first.dismiss()

    assert second.admit(100)
    assert not first.admit(100)


def test_sessions_take_turns_with_each_other(world: World) -> None:
    turns = Turns(world.table.lock)
    first, second = (
        Witness(world.records, world.table, slot, config(), dict(ABOUT), turns) for slot in range(2)
    )

    with first.turns.take("kea.nz", 1.0):
        with pytest.raises(CommandFailed), second.turns.take("kea.nz", 0.0):
            pytest.fail("two have the turn")
        with second.turns.take("weka.nz", 0.0):
            assert len(turns) == 2


def test_commands_are_paced_by_registrar_over_all_sessions(world: World) -> None:
    first, second = (world.witness(command_rate="0.001/3") for _ in range(2))

    waits = [first.pace(100), second.pace(100), first.pace(100), second.pace(100), first.pace(100)]

    assert [round(wait / 1000) for wait in waits] == [0, 0, 0, 1, 2]
    assert second.pace(101) == 0


def test_without_a_rate_nobody_waits(world: World) -> None:
    witness = world.witness()

    assert {witness.pace(100) for _ in range(1000)} == {0.0}


def test_only_an_answer_of_the_registry_shows_that_it_is_there(world: World) -> None:
    witness = world.witness()
    witness.exchanged(1, 0.1, answered=False)
    assert world.table.registry_answered == 0

    before = time.monotonic()
    witness.exchanged(1, 0.1, answered=True)

    assert before <= world.table.registry_answered <= time.monotonic()
