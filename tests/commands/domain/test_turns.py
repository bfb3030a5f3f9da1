"""Commands that look at a domain before they change it: one at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from srs_epp.commands import REGISTER
from srs_epp.commands.mapping import Context
from srs_epp.commands.overseer import Overseer
from srs_epp.commands.turns import Turns
from srs_epp.epp.namespaces import DOMAIN
from srs_epp.epp.reader import read
from srs_epp.epp.results import CommandFailed
from tests.epp import documents
from tests.support.mappings import ALL_SERVICES
from tests.support.settings import config

NAME = "example.co.nz"  # of documents.NAME


OVERSEER = Overseer()


def context(registrar: int = 100, patience: str = "0.01") -> Context:
    return Context(
        config(backend_timeout=patience),
        "192.0.2.7",
        registrar=registrar,
        services=ALL_SERVICES,
        overseer=OVERSEER,
    )


@contextmanager
def taken_by_another(turns: Turns, key: str) -> Iterator[threading.Event]:
    """Another thread has the turn until the event is set, or the block ends."""
    has_it, give_it_back = threading.Event(), threading.Event()

    def have_it() -> None:
        with turns.take(key, 1.0):
            has_it.set()
            give_it_back.wait(10)

    thread = threading.Thread(target=have_it)
    thread.start()
    has_it.wait(10)
    try:
        yield give_it_back
    finally:
        give_it_back.set()
        thread.join()


def test_a_turn_is_waited_for() -> None:
    turns = Turns()
    with taken_by_another(turns, "kea.nz") as give_it_back:
        started = time.monotonic()
        threading.Timer(0.05, give_it_back.set).start()

        with turns.take("kea.nz", 10.0):
            assert time.monotonic() - started >= 0.05


def test_a_turn_that_does_not_come_is_2400() -> None:
    turns = Turns()
    with taken_by_another(turns, "kea.nz"):
        with (
            pytest.raises(CommandFailed, match="another session is changing this domain"),
            turns.take("kea.nz", 0.01),
        ):
            pytest.fail("two have it")
        assert len(turns) == 1
    assert len(turns) == 0


def test_turns_of_other_names_are_not_waited_for() -> None:
    turns = Turns()
    with taken_by_another(turns, "kea.nz"), turns.take("weka.nz", 0.01):
        assert len(turns) == 2


def test_what_was_given_back_costs_nothing_whatever_happened() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.take("kea.nz", 0.01):
        raise ZeroDivisionError

    assert len(turns) == 0
    with turns.take("kea.nz", 0.01):
        pass


def test_names_are_compared_without_case() -> None:
    with context().turn("kea.nz"), pytest.raises(CommandFailed), context().turn("KEA.nz"):
        pytest.fail("two have it")


def test_no_registrar_holds_up_another() -> None:
    with context(100).turn("kea.nz"), context(101).turn("kea.nz"):
        pass


def changing(document: str) -> tuple[object, ...]:
    """A mapping in the middle: it has asked how things are."""
    command = read(document.encode())
    mapping = REGISTER[command.verb, command.namespace].run(command, context())
    return mapping, next(mapping)


ADDING = documents.domain(
    "update", f"{documents.NAME}<domain:add>{documents.HOST_ATTRIBUTES}</domain:add>"
).replace("<domain:hostAddr>192.0.2.3</domain:hostAddr>", "")
HOLDING = documents.domain(
    "update", f'{documents.NAME}<domain:add><domain:status s="clientHold"/></domain:add>'
)
RENEWING = documents.DOMAIN_COMMANDS["domain-renew"]


@pytest.mark.parametrize("document", [ADDING, RENEWING])
def test_whoever_has_looked_keeps_others_from_looking_until_it_is_answered(document: str) -> None:
    first = changing(document)

    for other in (ADDING, RENEWING):
        with pytest.raises(CommandFailed):
            changing(other)
    assert changing(HOLDING), "what needs no look needs no turn"

    del first
    assert changing(document)


def test_every_command_that_asks_twice_about_a_domain_holds_back_those_behind_it() -> None:
    # a second one of the same session would wait for the first, in the same thread
    for verb in ("update", "renew"):
        assert REGISTER[verb, str(DOMAIN)].stalls
