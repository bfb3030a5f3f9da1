"""Session: the EPP server state machine of one connection, driven by events.

It joins the parts: data units come out of ``framing``, commands out of ``epp.reader``, their mapping out of
``commands``, transactions go to a back end, and replies leave in the order of the commands. It knows no
socket: whoever owns one calls ``input_event`` and ``output_event``. Any object with ``recv`` and ``send``
will do for its stream; see ``Stream``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from srs_epp.commands import REGISTER
from srs_epp.commands.errors import translate, unusable
from srs_epp.commands.mapping import Ask, Context, Log
from srs_epp.commands.overseer import Answered, Overseer
from srs_epp.config import Config
from srs_epp.epp import reader
from srs_epp.epp.login import Login
from srs_epp.epp.reader import Command
from srs_epp.epp.results import (
    CLOSING,
    AuthenticationError,
    AuthenticationErrorClosing,
    CommandFailed,
    CommandFailedClosing,
    CommandSyntaxError,
    CommandUseError,
    EppError,
    UnimplementedCommand,
    UnimplementedExtension,
)
from srs_epp.epp.writer import Greeting, Response
from srs_epp.session.exchange import Exchange, Outcome, split
from srs_epp.session.framing import BadLength, FrameReader, frame
from srs_epp.session.identifiers import TransactionIds
from srs_epp.session.queues import BackendQueue, CommandQueue, Entry, Inquiry, Part
from srs_epp.session.states import Event, State, after
from srs_epp.srs.actions import Action
from srs_epp.srs.backend import Backend, BackendError, untied
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import Result

T = TypeVar("T")

READ_SIZE = 16384  # a TLS record holds no more
READ_AHEAD = 65536  # octets that are looked for beyond what was read, before the registry is asked

_EVENTS = {"hello": Event.HELLO, "login": Event.LOGIN, "logout": Event.LOGOUT}


class Stream(Protocol):
    """What a session reads from and writes to; never waits."""

    def recv(self, most: int, /) -> bytes | None:
        """At most that many octets; b"" at the end of the stream, None where there is nothing now."""

    def send(self, data: bytes, /) -> int:
        """Octets of ``data`` taken, 0 where none can be taken now."""


class Session:
    """One connection's EPP session.

    The states are those of RFC 5730; the rest of the contract stands with each event. No event raises for
    anything that a client or a registry does; what the stream raises goes through to the caller.

    >>> from srs_epp import commands, config
    >>> from srs_epp.epp.reader import Services
    >>> class Memory:  # a client that says hello, and reads everything
    ...     sent, read = [frame(b'<epp xmlns="urn:ietf:params:xml:ns:epp-1.0"><hello/></epp>'), b""], b""
    ...     def recv(self, most):
    ...         return self.sent.pop(0) if self.sent else None
    ...     def send(self, data):
    ...         self.read += data
    ...         return len(data)
    >>> options, _ = config.gather({})
    >>> session = Session(
    ...     Memory(),
    ...     backend=None,  # hello asks the registry nothing
    ...     config=options,
    ...     greeting=Greeting("epp.example", Services(commands.OBJECTS, commands.EXTENSIONS)),
    ...     identifiers=TransactionIds(),
    ...     peer_address="192.0.2.1",
    ... )
    >>> session.connected()
    >>> str(session.state)
    'Waiting for Client Authentication'
    >>> session.input_event(), session.output_event() > 0  # the greeting is the answer
    (True, True)
    >>> session.input_event(), session.ended  # the end of the stream
    (False, True)
    """

    def __init__(
        self,
        io: Stream,
        *,
        backend: Backend,
        config: Config,
        greeting: Greeting,
        identifiers: TransactionIds,
        peer_address: str,
        certificate_names: Sequence[str] = (),
        overseer: Overseer | None = None,
        log: Log | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._io = io
        self._config = config
        self._greeting = greeting
        self._identifiers = identifiers
        self._log = log or logging.getLogger("eppd.session")
        self._sleep = sleep
        self._overseer = overseer or Overseer()
        self._exchange = Exchange(backend, config, self._overseer, self._log, sleep)
        self._context = Context(
            config,
            peer_address,
            tuple(certificate_names),
            sleep=sleep,
            log=self._log,
            overseer=self._overseer,
        )
        self._frames = FrameReader(config.max_frame)
        self._commands = CommandQueue()
        self._requests = BackendQueue()
        self._in_flight: list[Part] = []
        self._output = bytearray()
        self._resting = State.WAITING_FOR_CLIENT
        self._input_ended = False
        self._winding_down = False
        self._refused_logins = 0
        self.user: str | None = None
        """The clID that logged in, None until then."""
        self.idle_since = time.monotonic()
        """When the last complete data unit came or was answered, on the clock of time.monotonic()."""
        self.unit_since: float | None = None
        """When the first octet of the data unit came that is not whole yet."""

    # -- what the owner of the connection asks

    @property
    def state(self) -> State:
        """The state of RFC 5730, seen from the oldest command not yet answered."""
        head = self._commands.head
        return self._resting if head is None else self._state_of(head)

    @property
    def wants_input(self) -> bool:
        """Whether to call ``input_event`` when there is something to read.

        Not while answers wait to be taken: a client that does not read is not read from.
        """
        return (
            not self._input_ended
            and len(self._output) <= self._config.max_output
            and len(self._commands) < self._config.max_queue
        )

    @property
    def wants_output(self) -> bool:
        """Whether to call ``output_event`` when the client takes data."""
        return bool(self._output)

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do: the connection can be closed."""
        return not self._output and self._input_ended and not self._commands and not self._frames.whole

    def wind_down(self) -> None:
        """Run what has been read, and no more: a command that comes from now on is told so, by a 2500."""
        self._winding_down = True

    def drain(self) -> None:
        """Read nothing more; what was read is answered, then the session has ended."""
        self._input_ended = True
        self._advance()

    # -- events

    def connected(self) -> None:
        """The client is connected: issue the greeting as if ``<hello>`` had come."""
        self._resting = after(self._resting, Event.CONNECTED)
        self.send_reply(self._greeting)
        self._resting = after(self._resting, Event.SENT)
        self.output_event()

    def input_event(self) -> bool:
        """Data may be read; False if that did not complete a data unit."""
        octets = self._io.recv(READ_SIZE)
        if octets is None:
            return False
        self._take(octets)
        completed = self._frames.whole
        if completed:
            self._read_units()
        if self._commands.startable() is not None and self._resting is State.WAITING_FOR_COMMAND:
            # what is asked of the registry together costs little more than one question
            self._read_ahead()
        if completed:
            self.idle_since = time.monotonic()
            self.unit_since = None
        self._advance()
        return completed

    def _read_ahead(self) -> None:
        count = 0
        while self.wants_input and count < READ_AHEAD:
            octets = self._io.recv(READ_SIZE)
            if octets is None:
                return
            self._take(octets)
            count += len(octets)
            self._read_units()

    def _take(self, octets: bytes) -> None:
        """Octets of the client's, or their end."""
        if octets:
            self._frames.feed(octets)
            return
        self._input_ended = True
        if self._frames.held and not self._frames.whole:
            self._log.info("the stream ended inside a data unit; %d octets are lost", self._frames.held)

    def input_packet(self, data: bytes) -> None:
        """One complete packet, the XML of a data unit: its command takes its place in the queue."""
        self.queue_command(reader.read(data))

    def queue_command(self, command: Command) -> None:
        """Enqueue, nothing else."""
        self._commands.add(self._entry(command))

    def process_queue(self, count: int = 1) -> int:
        """Process up to ``count`` commands; returns the number of commands still to process.

        At the end, with no back-end transaction outstanding, requests are wrapped into a Transaction and
        dispatched: the registry is called, and waited for, here.
        """
        while count > 0 and len(self._requests) < self._config.backend_batch:
            entry = self._commands.startable()
            if entry is None or not self._paced(entry):
                break
            self._commands.start()
            self._start(entry)
            count -= 1
        self.send_pending_replies()
        if not self._in_flight:
            self._dispatch()
        return self._commands.waiting

    def be_response(self, srs_rs: Outcome) -> None:
        """A back-end response came: match results to commands, make EPP responses.

        Results are matched by position. An SRSError or BackendError answers for every request of the
        transaction.
        """
        self._deliver(split(self._in_flight, srs_rs))

    def send_pending_replies(self) -> None:
        """Dequeue each command that has its response, and send it."""
        for entry in self._commands.answered():
            assert entry.reply is not None
            self._settle(entry)
            self.send_reply(entry.reply)
            if self._resting is State.END_SESSION:
                # nothing that was not yet sent to the registry is started
                self._end()
                return

    def send_reply(self, response: Response | Greeting) -> int:
        """To network form, start sending; returns the octets still outstanding (0: nothing to watch for)."""
        octets = response.octets(datetime.now(UTC)) if isinstance(response, Greeting) else response.octets()
        self._output += frame(octets)
        return len(self._output)

    def output_event(self) -> int:
        """The client takes data: write all it takes; returns the octets written."""
        written = self._write()
        if written and not self._in_flight and (self._commands or self._frames.held):
            self._advance()
        return written

    # -- within

    def _write(self) -> int:
        written = 0
        while self._output:
            taken = self._io.send(bytes(self._output[:READ_SIZE]))
            if not taken:
                break
            del self._output[:taken]
            written += taken
        return written

    def _advance(self) -> None:
        """Go on with what has been read, as far as the client takes the answers."""
        while len(self._output) <= self._config.max_output:
            if self._frames.held:
                self._read_units()
            if self._commands.startable() is None and not len(self._requests):
                break
            self.process_queue(self._config.backend_batch)
        if not self._frames.held or self._frames.whole:
            self.unit_since = None
        elif self.unit_since is None:
            self.unit_since = time.monotonic()

    def _read_units(self) -> None:
        while len(self._commands) < self._config.max_queue:
            try:
                data = self._frames.next()
            except BadLength as error:
                self._refuse_stream(error)
                return
            if data is None:
                return
            self.input_packet(data)

    def _refuse_stream(self, error: BadLength) -> None:
        """Answer 2001 in its turn, then end: where the next data unit starts is not known."""
        self._log.warning("%s; closing", error)
        self._input_ended = True
        self._frames = FrameReader(self._config.max_frame)
        entry = self._entry(Command("", fault=CommandSyntaxError(str(error))))
        entry.final = True
        self._commands.add(entry)

    def _entry(self, command: Command) -> Entry:
        # a command in the wrong state is 2002 before it is anything else; what is no command at all is not
        event = Event.COMMAND if command.element is not None else Event.REFUSED
        return Entry(
            command,
            _EVENTS.get(command.verb, event),
            received=time.monotonic(),
            server_trid=self._identifiers.next(),
            handler=REGISTER.get((command.verb, command.namespace)),
            late=self._winding_down
            and event is not Event.REFUSED
            and command.verb not in ("hello", "logout"),
        )

    def _paced(self, entry: Entry) -> bool:
        """Wait until the registrar may have its next command run; False where there is none any more."""
        registrar = self._context.registrar
        if registrar is None or entry.event is not Event.COMMAND or entry.late:
            return True
        delay = self._overseer.pace(registrar)
        if not delay:
            return True
        # those before it need not wait with it
        self.send_pending_replies()
        if not self._in_flight:
            self._dispatch()
        self._write()
        if self._commands.startable() is entry:
            self._sleep(delay)
        return self._commands.startable() is entry

    def _start(self, entry: Entry) -> None:
        try:
            after(self._resting, entry.event)
            if entry.event is Event.HELLO:
                entry.command.check_schema()
                entry.reply = self._greeting
                return
            if entry.late:
                last = self._commands.waiting == 0 and not self._frames.whole
                raise (CommandFailedClosing if last else CommandFailed)("not done: the server is going away")
        except EppError as error:
            entry.event = Event.REFUSED
            entry.reply = Response.refusing(error)
            return
        self._step(entry, self._begin, entry)

    def _begin(self, entry: Entry) -> Ask | Sequence[Action]:
        """Check the command, in the order of the rules, and run its mapping up to its first question."""
        command = entry.command
        command.check_services(self._greeting.services, self._context.services)
        command.check_schema()
        if entry.handler is None:
            raise UnimplementedCommand(value=command.verb)
        if command.extensions:
            _check_extensions(command, entry.handler.extensions)
        context = self._context.of_command(entry.server_trid, time.monotonic())
        entry.mapping = entry.handler.run(command, context)
        return next(entry.mapping)

    def _step(self, entry: Entry, step: Callable[[T], Ask | Sequence[Action]], what: T) -> None:
        """Let the mapping go on to its next question, or to its end: ``step`` does it, with ``what``."""
        try:
            asked = step(what)
        except StopIteration as done:
            entry.reply = done.value
        except EppError as error:
            entry.reply = Response.refusing(error)
            untied(error)
        except SRSError as error:
            entry.reply = Response.refusing(translate(error))
        except BackendError as failure:
            entry.reply = Response.refusing(unusable(failure, wrote=entry.wrote))
        except Exception:
            self._log.exception("%s failed in us, svTRID %s", entry.command.verb, entry.server_trid)
            entry.reply = Response.refusing(CommandFailed())
        else:
            ask = asked if isinstance(asked, Ask) else Ask(asked)
            self._requests.add(Inquiry(entry, ask))

    def _dispatch(self) -> None:
        parts = self._requests.take(self._config.backend_batch)
        if not parts:
            return
        registrar = parts[0].inquiry.ask.registrar or self._context.registrar
        assert registrar is not None
        for part in parts:
            entry = part.inquiry.entry
            entry.wrote = entry.wrote or any(action.writes for action in part.actions)
        self._in_flight = parts
        # the client need not wait for the registry to see what is answered already
        if self._output:
            self._write()
        self._overseer.state(str(self.state))
        started = time.monotonic()
        outcomes = self._exchange.run(registrar, parts)
        for part in parts:
            part.inquiry.entry.registry_seconds += time.monotonic() - started
        self._deliver(outcomes)

    def _deliver(self, outcomes: Sequence[Outcome]) -> None:
        """Let each command whose request was in flight go on with its outcome."""
        parts, self._in_flight = self._in_flight, []
        for part, outcome in zip(parts, outcomes, strict=True):
            if isinstance(outcome, (SRSError, BackendError)):
                self._fail(part.inquiry, outcome)
            else:
                self._take_results(part.inquiry, outcome)
        if len(parts) > 1:
            self._close_only_after_the_last([part.inquiry.entry for part in parts])
        self.send_pending_replies()

    def _take_results(self, inquiry: Inquiry, results: Sequence[Result]) -> None:
        entry, mapping = inquiry.entry, inquiry.entry.mapping
        if entry.reply is not None or mapping is None:
            return
        inquiry.results += results
        entry.identities += [result.identity for result in results if result.identity]
        error = None if inquiry.ask.settle else next((r.error for r in results if r.error is not None), None)
        if error is not None:
            self._fail(inquiry, error)
        elif len(inquiry.results) == len(inquiry.ask.actions):
            self._step(entry, mapping.send, inquiry.results)

    def _fail(self, inquiry: Inquiry, error: SRSError | BackendError) -> None:
        inquiry.over = True
        entry, mapping = inquiry.entry, inquiry.entry.mapping
        if entry.reply is None and mapping is not None:
            self._step(entry, mapping.throw, error)
            untied(error)

    def _close_only_after_the_last(self, entries: Sequence[Entry]) -> None:
        """All commands of a transaction are answered: a 2500 before the last of them becomes 2400."""
        for entry in entries[:-1]:
            if isinstance(entry.reply, Response) and entry.reply.code >= CLOSING:
                entry.reply = Response.refusing(CommandFailed("the registry failed"))

    def _settle(self, entry: Entry) -> None:
        """Move on by the reply that is about to be sent, and tell of it."""
        code = None
        if isinstance(entry.reply, Response):
            if entry.event is Event.LOGIN:
                self._settle_login(entry)
            entry.reply = entry.reply.identified(entry.command.client_trid, entry.server_trid)
            code = entry.reply.code
            self._log_reply(entry, entry.reply)
        # whoever had to wait for an answer was not idle
        self.idle_since = time.monotonic()
        seconds = self.idle_since - entry.received
        self._overseer.answered(
            Answered(
                entry.command, code, entry.server_trid, entry.identities, seconds, entry.registry_seconds
            )
        )
        closes = entry.final or (isinstance(entry.reply, Response) and entry.reply.closes)
        self._resting = State.END_SESSION if closes else after(self._state_of(entry), Event.SENT)

    def _log_reply(self, entry: Entry, reply: Response) -> None:
        # what goes well is in the audit log, for those who want to have it
        level = logging.INFO if entry.event is Event.LOGIN or reply.code >= 2000 else logging.DEBUG
        if self._log.isEnabledFor(level):
            self._log.log(
                level,
                "%s: %d, svTRID %s%s",
                entry.command.verb or "no command",
                reply.code,
                entry.server_trid,
                "".join(f", SRS {identity}" for identity in dict.fromkeys(entry.identities)),
            )

    def _state_of(self, entry: Entry) -> State:
        try:
            state = after(self._resting, entry.event)
        except CommandUseError:  # not started yet; it will be refused
            return after(self._resting, Event.REFUSED)
        if isinstance(entry.reply, Response) and entry.event is not Event.REFUSED:
            state = after(state, Event.SUCCEEDED if entry.reply.code < 2000 else Event.FAILED)
        return state

    def _settle_login(self, entry: Entry) -> None:
        assert isinstance(entry.reply, Response)
        assert entry.command.element is not None
        if entry.reply.code == AuthenticationError.code:
            self._refused_logins += 1
            if self._refused_logins >= self._config.login_attempts:
                entry.reply = Response.refusing(AuthenticationErrorClosing())
        elif entry.reply.code < 2000:
            order = Login.read(entry.command.element)
            self.user = order.client_id
            self._context = replace(self._context, registrar=int(order.client_id), services=order.services)
        if self.user is None:
            self._overseer.dismiss()

    def _end(self) -> None:
        self._input_ended = True
        self._frames = FrameReader(self._config.max_frame)
        self._commands.clear()
        self._requests.clear()


def _check_extensions(command: Command, known: frozenset[str]) -> None:
    """2103 for an extension that does not extend this command; 2001 for one that comes twice."""
    seen = set()
    for extension in command.extensions:
        if extension.tag not in known:
            raise UnimplementedExtension("it does not extend this command", value=extension)
        if extension.tag in seen:
            raise CommandSyntaxError("an extension comes twice", value=extension)
        seen.add(extension.tag)
