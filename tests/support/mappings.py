"""Drives the mapping of one command by hand: what it asks, and what it makes of scripted results."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from srs_epp.commands import EXTENSIONS, OBJECTS, REGISTER
from srs_epp.commands import mapping as mappings
from srs_epp.commands.errors import translate
from srs_epp.commands.mapping import Ask, Context
from srs_epp.epp.reader import Services, read
from srs_epp.epp.results import EppError
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import Action
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import Result
from tests.support.answers import Answer
from tests.support.settings import config

ALL_SERVICES = Services(OBJECTS, EXTENSIONS)
SERVER_TRID = "eppd-17"


@dataclass
class Dialogue:
    """What a mapping asked, in which transactions it wanted it, and its answer."""

    asks: list[Ask] = field(default_factory=list)
    answer: Answer = field(default_factory=lambda: Answer(0))
    slept: list[float] = field(default_factory=list)

    @property
    def asked(self) -> list[list[Action]]:
        """The actions of each question."""
        return [list(ask.actions) for ask in self.asks]


def run(
    document: str,
    *results: Sequence[Result] | SRSError,
    services: Services = ALL_SERVICES,
    address: str = "192.0.2.7",
    certificate_names: Sequence[str] = (),
    registrar: int | None = 100,
    settings: Mapping[str, object] | None = None,
) -> Dialogue:
    """Run the command's mapping, which gets ``results`` one after the other, and all of them.

    An error among results is thrown into the mapping, unless it takes errors itself.
    """
    dialogue = Dialogue()
    command = read(document.encode())
    command.check_services(ALL_SERVICES, services)
    command.check_schema()
    context = Context(
        config(**settings or {}),
        address,
        tuple(certificate_names),
        registrar,
        services,
        SERVER_TRID,
        time.monotonic(),
        dialogue.slept.append,
    )
    mapping = REGISTER[command.verb, command.namespace].run(command, context)
    response = _response(mapping, list(results), dialogue)
    dialogue.answer = Answer.of(response.identified(command.client_trid, SERVER_TRID))
    return dialogue


def _response(
    mapping: mappings.Mapping, results: list[Sequence[Result] | SRSError], dialogue: Dialogue
) -> Response:
    try:
        asked = next(mapping)
        while True:
            ask = asked if isinstance(asked, Ask) else Ask(asked)
            dialogue.asks.append(ask)
            assert results, f"it asks once more: {ask}"
            asked = _go_on(mapping, ask, results.pop(0))
    except StopIteration as done:
        response = done.value
    except EppError as error:
        response = Response.refusing(error)
    except SRSError as error:
        response = Response.refusing(translate(error))
    assert not results, f"it did not ask for {results}"
    assert isinstance(response, Response)
    return response


def _go_on(
    mapping: mappings.Mapping, ask: Ask, results: Sequence[Result] | SRSError
) -> Ask | Sequence[Action]:
    if isinstance(results, SRSError):
        return mapping.throw(results)
    assert len(results) == len(ask.actions)
    error = next((result.error for result in results if result.error is not None), None)
    if error is not None and not ask.settle:
        return mapping.throw(error)
    return mapping.send(results)
