"""A client that does anything it likes, in any order, cut anywhere; and what a session owes it all the same.

The machine keeps a small model of RFC 5730 section 2 beside the session: what may be answered to a data unit,
and where the session then rests. The registry is a script, which fails when it is told to.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from srs_epp.srs.actions import AckMessage, DomainDetailsQry, GetMessages
from srs_epp.srs.backend import NotSent, Unacceptable, Unanswered
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import AckResponse
from tests.epp import documents
from tests.session.test_wind_down import Clock, Watched
from tests.support import records
from tests.support.answers import Answer
from tests.support.conversation import BROKEN, HELLO, LOGIN, framed
from tests.support.registry import PASSWORD

AUTHENTICATION, COMMAND, END = "Waiting for Client Authentication", "Waiting for Command", "End Session"
WORKING = {AUTHENTICATION: {"Processing <login>"}, COMMAND: {"Processing Command"}}
FAILURES = {2400, 2500}
WRONG_LOGINS = 3
LARGEST_ANSWER = 8192
MAX_FRAME = 4096


@dataclass(frozen=True)
class Unit:
    """A data unit without its clTRID, and the codes that answer it when nothing else is amiss.

    ``before``, ``after``: that before login, and after. ``asks``: the registry has a part in the answer.
    """

    name: str
    document: str = field(repr=False)
    before: int
    after: int
    asks: bool = False
    late: bool = True  # it is not run once the server is going away
    encoding: str = field(default="utf-8", repr=False)

    def octets(self, trid: str) -> bytes:
        return self.document.replace("TEST-0001", trid).encode(self.encoding)

    @property
    def has_trid(self) -> bool:
        return "TEST-0001" in self.document


NAMED = "<domain:name>{}</domain:name>"
HOST = '<host:check xmlns:host="urn:ietf:params:xml:ns:host-1.0"><host:name>a.nz</host:name></host:check>'
RESTORE = documents.payload("rgp", "update", '<rgp:restore op="request"/>')
UNKNOWN_EXTENSION = '<x:y xmlns:x="urn:example:x"/>'
UNITS = (
    Unit("hello", HELLO, 0, 0, late=False),
    Unit("login", LOGIN, 1000, 2002, asks=True),
    Unit("wrong login", LOGIN.replace(PASSWORD, "hunter2!"), 2200, 2002, asks=True),
    Unit("login without number", LOGIN.replace("<clID>100", "<clID>me and"), 2200, 2002),
    Unit("login in Māori", LOGIN.replace("<lang>en<", "<lang>mi<"), 2102, 2002),
    Unit("login of another version", LOGIN.replace("<version>1.0", "<version>1.1"), 2100, 2002),
    Unit("login for hosts", LOGIN.replace(documents.CONTACT, "urn:ietf:params:xml:ns:host-1.0"), 2307, 2002),
    Unit("login with an extension", LOGIN.replace(documents.RGP, "urn:example:x"), 2103, 2002),
    Unit("login without password", LOGIN.replace(f"<pw>{PASSWORD}</pw>", ""), 2003, 2002),
    Unit(
        "logout",
        documents.DOCUMENTS["epp-logout-with-clTRID"].replace("bye", "TEST-0001"),
        2002,
        1500,
        late=False,
    ),
    Unit(
        "check",
        documents.domain("check", NAMED.format("a.nz") + NAMED.format("taken.nz")),
        2002,
        1000,
        asks=True,
    ),
    Unit(
        "check without clTRID",
        documents.domain("check", NAMED.format("a.nz"), cltrid=""),
        2002,
        1000,
        asks=True,
    ),
    Unit(
        "check in UTF-16",
        documents.domain("check", NAMED.format("a.nz")),
        2002,
        1000,
        asks=True,
        encoding="utf-16",
    ),
    Unit(
        "contact check",
        documents.command("check", documents.payload("contact", "check", documents.ID)),
        2002,
        1000,
        asks=True,
    ),
    Unit(
        "create", documents.domain("create", NAMED.format("new.nz") + documents.SECRET), 2002, 1000, asks=True
    ),
    Unit("info", documents.domain("info", NAMED.format("taken.nz")), 2002, 1000, asks=True),
    Unit("info of none", documents.domain("info", NAMED.format("none.nz")), 2002, 2303, asks=True),
    Unit("poll", documents.DOCUMENTS["epp-poll-req"], 2002, 1300, asks=True),
    Unit("poll ack", documents.DOCUMENTS["epp-poll-ack"], 2002, 1000, asks=True),
    Unit("poll ack of nothing", documents.DOCUMENTS["epp-poll-ack"].replace("12345", "what"), 2002, 2005),
    Unit("contact transfer", documents.DOCUMENTS["contact-transfer-query"], 2002, 2101),
    Unit("check of nothing", documents.domain("check", ""), 2002, 2003),
    Unit("check of no name", documents.domain("check", NAMED.format("a..nz")), 2002, 2005),
    Unit("unknown command", documents.command("frobnicate", ""), 2002, 2000),
    Unit("host check", documents.command("check", HOST), 2002, 2307),
    Unit("unknown extension", documents.domain("check", NAMED.format("a.nz"), UNKNOWN_EXTENSION), 2002, 2103),
    Unit(
        "extension of another command", documents.domain("check", NAMED.format("a.nz"), RESTORE), 2002, 2103
    ),
    Unit("broken", BROKEN, 2001, 2001),
    Unit("empty", "", 2001, 2001),
    Unit("no EPP", "<html/>", 2001, 2001),
    Unit("doctype", f"<!DOCTYPE epp>{HELLO}", 2001, 2001),
    Unit("response", documents.DOCUMENTS["epp-no-clTRID-response"], 2001, 2001),
    Unit("epp alone", documents.epp(""), 2003, 2003),
    Unit("command alone", documents.epp("<command><clTRID>TEST-0001</clTRID></command>"), 2002, 2003),
)
BY_NAME = {unit.name: unit for unit in UNITS}
ASKING = [unit.name for unit in UNITS if unit.asks and unit.before == 2002]
MISHAPS: dict[str, Callable[[], Exception]] = {
    "not sent": lambda: NotSent("no connection"),
    "unanswered": lambda: Unanswered("time-out"),
    "unacceptable": lambda: Unacceptable("no form"),
    "in maintenance": lambda: SRSError("SYSTEM_MAINTENANCE", "Back soon", whole=True),
    "an error of its own": lambda: SRSError("INTERNAL_ERROR", "Oh", whole=True),
    "signature unknown": lambda: SRSError("SIG_VERIFY_FAILED", "Who?", whole=True),
    "undetermined": lambda: SRSError("UNDETERMINED_RESULT", "Perhaps", whole=True),
}


@dataclass
class Sent:
    """A data unit on its way: ``end`` is where it ends in the stream of all octets."""

    unit: Unit | None  # None: a length that can't be
    trid: str | None
    end: int


class _Alarms(logging.Handler):
    """Keeps what was logged with a traceback: a fault of ours that a session has covered."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.records.append(record)


class SessionMachine(RuleBasedStateMachine):
    """One session, from connect to end."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.patches = [
            mock.patch(f"srs_epp.{module}.time", self.clock)
            for module in ("session.session", "session.exchange", "srs.recovery")
        ]
        for patch in self.patches:
            patch.start()
        self.alarms = _Alarms()
        logging.getLogger("eppd").addHandler(self.alarms)
        self.trids = itertools.count(1)
        self.unsent = bytearray()  # made, but not yet given to the session's stream
        self.given = 0  # octets that the stream was given
        self.made = 0  # octets made, sent or not
        self.waiting: deque[Sent] = deque()
        self.resting = AUTHENTICATION
        self.refused_logins = 0
        self.leaving = self.full = self.mischief = self.out_of_step = False

    @initialize(
        max_queue=st.integers(1, 8),
        backend_batch=st.integers(1, 6),
        max_output=st.sampled_from([1, 1500, 100_000]),
        recovery=st.sampled_from([0, 5]),
        calm=st.sampled_from([0, 10, 40]),
        logged_in=st.booleans(),
    )
    def connect(
        self, max_queue: int, backend_batch: int, max_output: int, recovery: int, calm: int, logged_in: bool
    ) -> None:
        """``calm``: what leads to the end waits until there were so many answers."""
        self.calm = calm
        self.max_queue, self.max_output, self.backend_batch = max_queue, max_output, backend_batch
        self.conversation = Watched.opened(
            max_queue=max_queue,
            backend_batch=backend_batch,
            max_output=max_output,
            max_frame=MAX_FRAME,
            recovery_timeout=recovery,
            login_attempts=WRONG_LOGINS,
        )
        self.session, self.stream = self.conversation.session, self.conversation.stream
        self.registry, self.watcher = self.conversation.registry, self.conversation.watcher
        self.conversation.at_sleep = self.clock.advance
        self.registry.meanwhile = self.look
        self.registry.answers[DomainDetailsQry] = lambda action: records.result(records.domain(action.name))
        self.registry.answers[AckMessage] = lambda action: records.result(AckResponse(1234, "5"))
        self.registry.answers[GetMessages] = lambda action: records.result()
        if logged_in:
            self.log_in()

    # -- what a client does

    @rule(names=st.lists(st.sampled_from(sorted(BY_NAME)), min_size=1, max_size=6), now=st.booleans())
    def say(self, names: list[str], now: bool) -> None:
        """Some data units; they go out at once, or with what is sent later."""
        for name in names:
            if name != "logout" or self.calm <= 0:
                self.make(BY_NAME[name])
        if now:
            self.send(len(self.unsent))

    @precondition(lambda self: self.resting == AUTHENTICATION and not self.waiting)
    @rule()
    def log_in(self) -> None:
        """Sessions that are never logged in see little."""
        self.make(BY_NAME["login"])
        self.send(len(self.unsent))

    @precondition(lambda self: self.resting == AUTHENTICATION and self.calm <= 0)
    @rule(count=st.integers(1, WRONG_LOGINS))
    def guess(self, count: int) -> None:
        """Some wrong passwords."""
        for _ in range(count):
            self.make(BY_NAME["wrong login"])
        self.send(len(self.unsent))

    @precondition(lambda self: self.resting == COMMAND)
    @rule(names=st.lists(st.sampled_from(ASKING), min_size=2, max_size=6))
    def pipeline(self, names: list[str]) -> None:
        """Questions that can go to the registry together."""
        for name in names:
            self.make(BY_NAME[name])
        self.send(len(self.unsent))

    @rule(count=st.integers(1, 400))
    def send(self, count: int) -> None:
        """The next octets, cut wherever it may be."""
        if self.stream.ended:
            return
        octets = bytes(self.unsent[:count])
        del self.unsent[:count]
        self.given += len(octets)
        self.conversation.send_octets(octets)

    @precondition(lambda self: self.calm <= 0)
    @rule(length=st.sampled_from([0, 1, 3, MAX_FRAME + 1, 0x80000000, 0xFFFFFFFF]))
    def lose_step(self, length: int) -> None:
        """A length that can't be: nothing behind it can be understood."""
        if self.out_of_step:
            return
        self.out_of_step = True
        self.unsent += length.to_bytes(4, "big")
        self.made += 4
        self.waiting.append(Sent(None, None, self.made))

    @rule(octets=st.sampled_from([0, 1, 700, 1 << 30]))
    def read_at_most(self, octets: int) -> None:
        """Take so many octets at a time from now on, or none at all."""
        self.stream.takes = octets
        self.conversation.run()

    @precondition(lambda self: self.calm <= 0 and not self.waiting)
    @rule()
    def half_close(self) -> None:
        self.conversation.half_close()

    # -- what the server and its registry do

    @precondition(lambda self: self.calm <= 0)
    @rule()
    def wind_down(self) -> None:
        self.leaving = True
        self.session.wind_down()

    @precondition(lambda self: self.calm <= 0 and len(self.waiting) > 2)
    @rule()
    def drain(self) -> None:
        self.session.drain()
        self.conversation.run()

    @rule(names=st.lists(st.sampled_from(sorted(MISHAPS)), min_size=1, max_size=4), skip=st.integers(0, 2))
    def fail_soon(self, names: list[str], skip: int) -> None:
        self.mischief = True
        self.registry.mishaps += [None] * skip
        self.registry.mishaps += [MISHAPS[name]() for name in names]

    @precondition(lambda self: self.calm <= 0)
    @rule()
    def no_more_sessions(self) -> None:
        self.full = True
        self.watcher.room = False

    @rule(delays=st.lists(st.floats(0, 2), min_size=1, max_size=5))
    def pace(self, delays: list[float]) -> None:
        self.watcher.delays += delays

    @rule(seconds=st.floats(0.1, 1000))
    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    # -- what must hold

    @invariant()
    def everything_holds(self) -> None:
        self.every_unit_is_answered_once_and_in_order()
        self.a_session_at_rest_is_where_the_rfc_has_it()
        self.nothing_waits_that_could_be_answered()
        self.queues_are_bounded()
        self.a_unit_that_is_not_whole_has_a_time()
        self.no_fault_of_ours_was_covered()

    def make(self, unit: Unit) -> None:
        trid = f"trid-{next(self.trids)}"
        octets = framed(unit.octets(trid))
        self.unsent += octets
        self.made += len(octets)
        if not self.out_of_step:
            self.waiting.append(Sent(unit, trid if unit.has_trid else None, self.made))

    def look(self) -> None:
        """While the registry works."""
        self.queues_are_bounded()
        assert not self.over(), "the registry is asked for a session that has ended"
        states = WORKING[COMMAND] if self.session.user is not None else WORKING[AUTHENTICATION]
        assert str(self.session.state) in states

    def over(self) -> bool:
        return self.resting == END

    def every_unit_is_answered_once_and_in_order(self) -> None:
        for answer in self.conversation.hear():
            assert not self.over(), f"an answer after the last one: {answer}"
            assert self.waiting, f"nobody asked for {answer}"
            sent = self.waiting.popleft()
            self.calm -= 1
            assert sent.end <= self.received(), "answered before it was read"
            self.follow(sent, answer)

    def follow(self, sent: Sent, answer: Answer) -> None:
        """Move the model on by an answer, which must be one that may come here."""
        if sent.unit is None:
            assert (answer.code, answer.client_trid) == (2001, None)
            self.resting = END
            return
        assert answer.client_trid == (sent.trid if answer.code else None)
        assert answer.code in self.expected(sent.unit), f"{answer.code} to {sent.unit} in {self.resting}"
        if answer.code == 2200 and self.resting == AUTHENTICATION:
            self.refused_logins += 1
            assert self.refused_logins < WRONG_LOGINS
        if answer.code == 1500 or answer.code >= 2500:
            self.resting = END
        elif self.resting == AUTHENTICATION and answer.code == 1000:
            self.resting = COMMAND

    def expected(self, unit: Unit) -> set[int]:
        code = unit.before if self.resting == AUTHENTICATION else unit.after
        codes = {code}
        last_try = self.refused_logins == WRONG_LOGINS - 1
        run = code != 2002  # it is not refused for its state
        if code == 2200 and last_try:
            codes = {2501}
        if self.full and code == 1000 and self.resting == AUTHENTICATION:
            codes = {2502}
        if self.mischief and unit.asks and run:
            codes |= FAILURES
            codes |= {2501 if last_try else 2200} if self.resting == AUTHENTICATION else {2200}
            codes |= {1000, 2502} if self.resting == AUTHENTICATION and code == 1000 else set()
        if self.leaving and unit.late and run and unit.name not in REFUSED_UNREAD:
            codes |= FAILURES
        return codes

    def received(self) -> int:
        """Octets that the session has taken from its stream."""
        return self.given - len(self.stream.coming)

    def a_session_at_rest_is_where_the_rfc_has_it(self) -> None:
        if self.session.ended:
            assert not self.session.wants_input
            assert not self.session.wants_output
        if self.session.wants_output or len(self.session._commands):
            return
        assert str(self.session.state) == self.resting
        assert (self.session.user is not None) == (self.resting == COMMAND or self.session.user == "100")
        if self.resting == AUTHENTICATION:
            assert self.session.user is None

    def nothing_waits_that_could_be_answered(self) -> None:
        if not self.stream.takes or self.over():
            return
        whole = [sent for sent in self.waiting if sent.end <= self.received()]
        assert not whole, f"unanswered: {whole}"
        if not self.session._input_ended:
            assert not self.stream.coming

    def queues_are_bounded(self) -> None:
        assert len(self.session._commands) <= self.max_queue + 1  # a length that can't be has an answer too
        assert len(self.session._output) <= self.max_output + (self.backend_batch + 1) * LARGEST_ANSWER
        assert self.session._frames.held <= MAX_FRAME + 2 * 16384

    def a_unit_that_is_not_whole_has_a_time(self) -> None:
        frames = self.session._frames
        partial = bool(frames.held) and not frames.whole
        if not self.session._input_ended and not self.session.wants_output:
            assert (self.session.unit_since is not None) == partial
        assert self.session.idle_since <= self.clock.now

    def no_fault_of_ours_was_covered(self) -> None:
        assert not self.alarms.records, [record.getMessage() for record in self.alarms.records]

    def teardown(self) -> None:
        """Whatever was, the session comes to its end, and everything that it has read is answered."""
        try:
            self.stream.takes = 1 << 30
            self.conversation.half_close()
            self.every_unit_is_answered_once_and_in_order()
            self.nothing_waits_that_could_be_answered()
            self.no_fault_of_ours_was_covered()
            assert self.session.ended
        finally:
            logging.getLogger("eppd").removeHandler(self.alarms)
            for patch in self.patches:
                patch.stop()


REFUSED_UNREAD = {unit.name for unit in UNITS if unit.before != 2002 and unit.before == unit.after}

TestSession = SessionMachine.TestCase
TestSession.settings = settings(
    max_examples=250,
    stateful_step_count=50,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
