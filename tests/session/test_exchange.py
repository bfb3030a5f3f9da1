"""One exchange with the registry: an outcome for each part, and for a write never a guessed one."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Callable, Sequence

import pytest

from srs_epp.commands.mapping import Ask
from srs_epp.commands.overseer import Overseer
from srs_epp.epp.reader import Command
from srs_epp.session import exchange
from srs_epp.session.exchange import Exchange, Outcome
from srs_epp.session.queues import Entry, Inquiry, Part
from srs_epp.session.states import Event
from srs_epp.srs import recovery
from srs_epp.srs.actions import Action, ActionDetailsQry, DomainUpdate, Whois, Write
from srs_epp.srs.backend import Backend, BackendError, NotSent, Unacceptable, Unanswered
from srs_epp.srs.errors import SRSError
from srs_epp.srs.recovery import LEAST_PATIENCE, NotDone, OutcomeUnknown
from srs_epp.srs.results import RawRequest, RawResponse, Result
from srs_epp.srs.transaction import Transaction
from tests.support import records
from tests.support.settings import config

UNDETERMINED = "UNDETERMINED_RESULT"
LOOK = Whois("a.nz", full=False)
FIRST = DomainUpdate(name="a.nz", action_id="w-1", cancel=True)
SECOND = DomainUpdate(name="b.nz", action_id="w-2", cancel=True)
THIRD = DomainUpdate(name="c.nz", action_id="w-3", cancel=True)
LOST: list[Exception] = [
    Unanswered("time-out"),
    Unacceptable("not signed"),
    SRSError(UNDETERMINED, "who knows", whole=True),
    ZeroDivisionError(),
]
every_loss = pytest.mark.parametrize("loss", LOST, ids=lambda loss: type(loss).__name__)


class Clock:
    """Time that goes by only where somebody sleeps, or waits for the registry."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(exchange, "time", clock)
    monkeypatch.setattr(recovery, "time", clock)
    return clock


class Registry:
    """Its first answer is ``first``; after that it tells what is in ``book``, by ActionId, and of domains.

    ``takes``: seconds of the first answer. ``fails``: what comes of a question about an ActionId, or of
    another query, instead of an answer.
    """

    def __init__(self, clock: Clock, first: Exception | Sequence[Result], takes: float = 0.0) -> None:
        self._clock = clock
        self._first: Exception | Sequence[Result] | None = first
        self._takes = takes
        self.book: dict[str, Result] = {}
        self.fails: dict[Action, Exception] = {}
        self.heard: list[Transaction] = []
        self.timeouts: list[float | None] = []

    def stores(self, actions: Sequence[Action], *responses: str) -> None:
        """These actions came in one request, and got these responses."""
        document = f"<NZSRSResponse>{''.join(responses)}</NZSRSResponse>".encode()
        kept = records.result(RawRequest(Transaction(100, tuple(actions)).document()), RawResponse(document))
        self.book |= {action.id: kept for action in actions if action.writes}

    def exchange(self, transaction: Transaction, *, timeout: float | None = None) -> list[Result]:
        self.heard.append(transaction)
        self.timeouts.append(timeout)
        if self._first is not None:
            first, self._first = self._first, None
            self._clock.now += self._takes
            if isinstance(first, Exception):
                raise first
            return list(first)
        return [self._answer(action) for action in transaction.actions]

    def _answer(self, action: Action) -> Result:
        if action in self.fails:
            raise self.fails[action]
        if isinstance(action, ActionDetailsQry):
            return self.book.get(action.action_id, records.result())
        assert isinstance(action, Whois), "a write must not be sent again"
        return records.result(records.domain(f"asked-{action.name}"))

    @property
    def questions(self) -> list[Action]:
        """What it was asked after the first request."""
        return [action for transaction in self.heard[1:] for action in transaction.actions]


def done(name: str) -> str:
    """A Response that was stored."""
    return f'<Response FeId="1" FeSeq="7"><Domain DomainName="{name}" Status="Active"/></Response>'


def error(error_id: str) -> str:
    return f'<Error ErrorId="{error_id}" Severity="err"><Description>no</Description></Error>'


def refused(error_id: str) -> str:
    return f'<Response FeId="1" FeSeq="7">{error(error_id)}</Response>'


def run(registry: Backend, clock: Clock, *parts: Sequence[Action], **settings: object) -> list[Outcome]:
    """The outcomes for commands that ask for these actions; their svTRIDs are sv-0, sv-1 …"""
    log = logging.getLogger("test.exchange")
    running = Exchange(registry, config(**{"recovery_timeout": 10} | settings), Overseer(), log, clock.sleep)
    return running.run(100, [part(f"sv-{number}", *actions) for number, actions in enumerate(parts)])


def part(server_trid: str, *actions: Action) -> Part:
    entry = Entry(Command("update"), Event.COMMAND, received=0.0, server_trid=server_trid)
    return Part(Inquiry(entry, Ask(actions)), actions)


def names(outcome: Outcome) -> list[str]:
    """Of the domains in the results."""
    assert not isinstance(outcome, (SRSError, BackendError)), outcome
    return [result.domain.name for result in outcome if result.domain is not None]


def error_id(outcome: Outcome) -> str:
    """Of a single result."""
    assert not isinstance(outcome, (SRSError, BackendError)), outcome
    [result] = outcome
    assert result.error is not None
    return result.error.error_id


def about(*writes: Write) -> list[Action]:
    return [ActionDetailsQry(write.id) for write in writes]


# -- outcomes that are certain


def test_results_go_to_their_parts_by_position(clock: Clock) -> None:
    domains = [records.result(records.domain(name)) for name in ("a.nz", "b.nz", "c.nz", "d.nz")]
    registry = Registry(clock, domains)

    outcomes = run(registry, clock, [LOOK], [LOOK, FIRST], [SECOND])

    assert list(map(names, outcomes)) == [["a.nz"], ["b.nz", "c.nz"], ["d.nz"]]
    assert registry.heard == [Transaction(100, (LOOK, LOOK, FIRST, SECOND))]
    assert registry.timeouts == [None]


def test_an_error_of_the_whole_request_is_the_outcome_of_every_part(clock: Clock) -> None:
    error = SRSError("INTERNAL_ERROR", "broken", whole=True)
    registry = Registry(clock, error)

    assert run(registry, clock, [LOOK], [FIRST]) == [error, error]
    assert registry.questions == []


def test_where_nothing_was_sent_nothing_is_asked(clock: Clock) -> None:
    failure = NotSent("refused")
    registry = Registry(clock, failure)

    assert run(registry, clock, [LOOK], [FIRST], [LOOK, SECOND]) == [failure] * 3
    assert registry.questions == []


@every_loss
def test_queries_are_not_found_out(clock: Clock, loss: Exception) -> None:
    registry = Registry(clock, loss)

    [outcome] = run(registry, clock, [LOOK, LOOK])

    if isinstance(loss, ZeroDivisionError):
        assert isinstance(outcome, Unanswered)
    else:
        assert outcome is loss
    assert registry.questions == []


# -- outcomes that are not


@every_loss
def test_each_write_is_looked_up_by_its_own_id_and_the_rest_is_as_lost_as_it_was(
    clock: Clock, loss: Exception
) -> None:
    registry = Registry(clock, loss)
    registry.stores([LOOK, FIRST, SECOND], done("x.nz"), done("first.nz"), done("second.nz"))

    query, first, second = run(registry, clock, [LOOK], [FIRST], [SECOND])

    assert isinstance(query, (BackendError, SRSError))
    assert (names(first), names(second)) == (["first.nz"], ["second.nz"])
    assert registry.questions == about(FIRST, SECOND)


def test_only_the_part_with_an_undetermined_result_is_looked_up(clock: Clock) -> None:
    doubt, good = records.refused(UNDETERMINED), records.result(records.domain("good.nz"))
    registry = Registry(clock, [good, doubt, good])
    registry.stores([FIRST, SECOND, THIRD], done("x.nz"), done("second.nz"), done("x.nz"))

    outcomes = run(registry, clock, [FIRST], [SECOND], [THIRD])

    assert list(map(names, outcomes)) == [["good.nz"], ["second.nz"], ["good.nz"]]
    assert registry.questions == about(SECOND)


def test_an_undetermined_result_of_a_query_is_its_result(clock: Clock) -> None:
    registry = Registry(clock, [records.refused(UNDETERMINED)])

    [outcome] = run(registry, clock, [LOOK])

    assert error_id(outcome) == UNDETERMINED
    assert registry.questions == []


@pytest.mark.parametrize(
    "stored", [refused(UNDETERMINED), error(UNDETERMINED)], ids=["in its place", "as a whole"]
)
def test_what_is_stored_as_undetermined_stays_unknown_and_is_not_asked_again(
    clock: Clock, stored: str
) -> None:
    registry = Registry(clock, Unanswered("x"))
    registry.stores([FIRST], stored)

    [outcome] = run(registry, clock, [FIRST], registry_timeout=0)

    assert isinstance(outcome, OutcomeUnknown)
    assert registry.questions == about(FIRST)


@pytest.mark.parametrize(
    "stored", [refused("DOMAIN_LOCKED"), error("DOMAIN_LOCKED")], ids=["in its place", "as a whole"]
)
def test_a_stored_refusal_is_the_result(clock: Clock, stored: str) -> None:
    registry = Registry(clock, Unanswered("x"))
    registry.stores([FIRST], stored)

    [outcome] = run(registry, clock, [FIRST])

    assert error_id(outcome) == "DOMAIN_LOCKED"


def test_what_another_write_of_the_same_id_got_is_not_the_result(clock: Clock) -> None:
    registry = Registry(clock, Unanswered("x"))
    registry.stores([DomainUpdate(name="a.nz", action_id="w-1", cancel=False)], done("a.nz"))

    [outcome] = run(registry, clock, [FIRST])

    assert error_id(outcome) == "ACTION_ID_ALREADY_USED"
    assert not isinstance(outcome, (SRSError, BackendError))
    assert outcome[0].error is not None
    assert outcome[0].error.details == ("w-1",)


def test_of_several_writes_each_has_its_own_outcome(clock: Clock) -> None:
    registry = Registry(clock, Unanswered("x"))
    registry.stores([SECOND], done("second.nz"))
    registry.fails[ActionDetailsQry("w-3")] = Unanswered("x")

    first, second, third = run(registry, clock, [FIRST], [SECOND], [THIRD], registry_timeout=5)

    assert isinstance(first, NotDone)
    assert names(second) == ["second.nz"]
    assert isinstance(third, OutcomeUnknown)


# -- a query beside a write


def test_the_query_beside_a_write_has_its_stored_result(clock: Clock) -> None:
    registry = Registry(clock, Unanswered("x"))
    registry.stores([LOOK, FIRST], done("stored.nz"), done("first.nz"))

    [outcome] = run(registry, clock, [LOOK, FIRST])

    assert names(outcome) == ["stored.nz", "first.nz"]
    assert registry.questions == about(FIRST)


def test_where_the_query_is_not_stored_it_is_asked_again(clock: Clock) -> None:
    registry = Registry(clock, Unanswered("x"))
    registry.stores([FIRST], done("first.nz"))  # as it came an earlier time, alone

    [outcome] = run(registry, clock, [LOOK, FIRST])

    assert names(outcome) == ["asked-a.nz", "first.nz"]
    assert registry.questions == [*about(FIRST), LOOK]


@pytest.mark.parametrize(
    "failure",
    [NotSent("x"), Unanswered("x"), Unacceptable("x"), SRSError("INTERNAL_ERROR", whole=True), KeyError()],
    ids=lambda failure: type(failure).__name__,
)
def test_what_then_fails_is_not_taken_for_the_outcome_of_the_write(clock: Clock, failure: Exception) -> None:
    registry = Registry(clock, Unanswered("x"))
    registry.stores([FIRST], done("first.nz"))
    registry.fails[LOOK] = failure

    [outcome] = run(registry, clock, [LOOK, FIRST])

    assert type(outcome) is OutcomeUnknown


# -- time


def test_all_is_over_in_time(clock: Clock) -> None:
    registry = Registry(clock, Unanswered("time-out"), takes=30)
    started = clock.now

    outcomes = run(registry, clock, [FIRST], [SECOND], [THIRD], recovery_timeout=7)

    assert [type(outcome) for outcome in outcomes] == [OutcomeUnknown] * 3
    assert clock.now == pytest.approx(started + 30 + 7)
    assert all(timeout is not None and timeout <= 7 for timeout in registry.timeouts[1:])


def test_no_question_has_more_time_than_a_request(clock: Clock) -> None:
    registry = Registry(clock, Unanswered("time-out"))

    run(registry, clock, [FIRST], recovery_timeout=60, backend_timeout=4)

    questions = [timeout for timeout in registry.timeouts[1:] if timeout is not None]
    assert max(questions) == 4
    assert min(questions) == LEAST_PATIENCE


@pytest.mark.parametrize(("given_up", "outcome"), [(7, NotDone), (8, OutcomeUnknown)])
def test_a_write_is_not_done_only_if_the_registry_has_given_it_up_since_it_can_have_been_sent(
    clock: Clock, given_up: float, outcome: type[BackendError]
) -> None:
    """It may have waited for a free connection until just before the end."""
    registry = Registry(clock, Unanswered("time-out"), takes=30)

    [found] = run(registry, clock, [FIRST], recovery_timeout=7, registry_timeout=given_up)

    assert type(found) is outcome


# -- what the log says


@every_loss
def test_a_loss_is_logged_as_an_error_with_every_svtrid(
    clock: Clock, loss: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry(clock, loss)
    registry.stores([FIRST], done("first.nz"))

    run(registry, clock, [LOOK], [FIRST])

    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "sv-0" in record.getMessage()
    assert "sv-1" in record.getMessage()


def test_an_outcome_that_is_not_found_is_logged_as_an_error_with_its_svtrid(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry(clock, [records.result(), records.refused(UNDETERMINED)])

    run(registry, clock, [FIRST], [SECOND])

    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert "sv-1" in record.getMessage()
    assert "sv-0" not in record.getMessage()


def test_a_bug_in_finding_out_is_logged_and_the_outcome_unknown(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    registry = Registry(clock, Unanswered("x"))
    registry.fails[ActionDetailsQry("w-1")] = ZeroDivisionError()
    registry.stores([SECOND], done("second.nz"))

    first, second = run(registry, clock, [FIRST], [SECOND])

    assert isinstance(first, OutcomeUnknown)
    assert names(second) == ["second.nz"]
    [record] = [record for record in caplog.records if record.exc_info]
    assert "sv-0" in record.getMessage()


# -- what is left of an exchange


def undetermined() -> Exception:
    return SRSError(UNDETERMINED, "who knows", whole=True)


def broken() -> Exception:
    return SRSError("INTERNAL_ERROR", "broken", whole=True)


class Chained:
    """Raises new errors, as a client does that has caught something; ``then`` None: it knows nothing."""

    def __init__(self, first: Callable[[], Exception], then: Callable[[], Exception] | None) -> None:
        self._next = [first]
        self._then = then

    def exchange(self, transaction: Transaction, *, timeout: float | None = None) -> list[Result]:
        make = self._next.pop() if self._next else self._then
        if make is None:
            return [records.result() for _ in transaction.actions]
        try:
            raise OSError("reset")
        except OSError:
            raise make() from None


@pytest.mark.parametrize("then", [Unanswered, Unacceptable, broken, None])
@pytest.mark.parametrize("first", [Unanswered, undetermined])
def test_outcomes_that_are_kept_keep_nothing_of_the_exchange(
    clock: Clock, first: Callable[[], Exception], then: Callable[[], Exception] | None
) -> None:
    registry = Chained(first, then)
    gone = weakref.ref(registry)
    gc.collect()
    gc.disable()
    try:
        [outcome] = run(registry, clock, [FIRST], recovery_timeout=1)
        del registry

        assert isinstance(outcome, BackendError)
        assert gone() is None
    finally:
        gc.enable()
