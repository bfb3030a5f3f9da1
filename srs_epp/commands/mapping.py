"""The vocabulary in which the mapping of a command is written.

A mapping is a generator: it yields the SRS actions that it needs, gets their results back, and returns the
Response. A result that is an error is thrown into it as SRSError; what it does not catch, and any EppError
that it raises, becomes the response in one place (``commands.errors``).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from dataclasses import field
from typing import TypeAlias

from srs_epp.commands.overseer import Overseer
from srs_epp.config import Config
from srs_epp.epp.reader import Command, Services
from srs_epp.epp.writer import Response
from srs_epp.record import record
from srs_epp.srs.actions import Action
from srs_epp.srs.results import Result

Log: TypeAlias = "logging.Logger | logging.LoggerAdapter[logging.Logger]"


@record
class Ask:
    """Actions to send, where a bare list of them does not say enough.

    ``settle``: errors come back in the results instead of being thrown. ``alone``: in a transaction that
    holds nothing else. ``registrar``: on whose behalf, if not the session's.
    """

    actions: Sequence[Action]
    settle: bool = False
    alone: bool = False
    registrar: int | None = None


Mapping: TypeAlias = Generator[Ask | Sequence[Action], Sequence[Result], Response]


@record
class Context:
    """What a command may know besides itself.

    ``certificate_names`` are the dNSName SANs and the CN of the client's certificate. ``server_trid`` is the
    command's own; ``started`` is when its turn came, on the clock of time.monotonic(). ``log`` is that of the
    connection, ``overseer`` speaks for the process around it.
    """

    config: Config
    peer_address: str
    certificate_names: tuple[str, ...] = ()
    registrar: int | None = None
    services: Services = field(default_factory=Services)
    server_trid: str = ""
    started: float = 0.0
    sleep: Callable[[float], None] = time.sleep
    log: Log = field(default_factory=lambda: logging.getLogger("eppd.mapping"))
    overseer: Overseer = field(default_factory=Overseer)

    def of_command(self, server_trid: str, started: float) -> Context:
        """The same, for one command."""
        # dataclasses.replace takes three times as long, and every command comes here
        return Context(
            self.config,
            self.peer_address,
            self.certificate_names,
            self.registrar,
            self.services,
            server_trid,
            started,
            self.sleep,
            self.log,
            self.overseer,
        )

    def action_id(self, command: Command) -> str:
        """The ActionId of a write: the clTRID, else the svTRID."""
        return command.client_trid or self.server_trid

    def turn(self, name: str) -> AbstractContextManager[None]:
        """The turn of the session's registrar at a domain; no registrar can hold up another."""
        return self.overseer.turns.take((self.registrar, name.lower()), self.config.backend_timeout)


@record
class Handler:
    """A mapping, with what the session must know of it before it runs."""

    verb: str
    namespace: str | None
    run: Callable[[Command, Context], Mapping]
    stalls: bool
    extensions: frozenset[str]


def handles(
    verb: str,
    namespace: str | None = None,
    *,
    stalls: bool = False,
    extensions: Sequence[str] = (),
) -> Callable[[Callable[[Command, Context], Mapping]], Handler]:
    """Make a generator function the Handler of ``verb`` (for objects of ``namespace``).

    ``stalls``: commands behind it wait until it is answered. ``extensions``: names of the extension elements
    that it reads.
    """

    def decorate(run: Callable[[Command, Context], Mapping]) -> Handler:
        return Handler(verb, namespace, run, stalls, frozenset(extensions))

    return decorate


def registrar_name(registrar_id: int) -> str:
    """A registrar's id as EPP shows it: three digits at least, because clIDType has three characters.

    >>> registrar_name(1)
    '001'
    """
    return f"{registrar_id:03}"
