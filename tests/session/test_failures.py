"""When the registry does not answer well, or the fault is ours: the codes, and who is still there after."""

from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Callable, Iterator

import pytest

from srs_epp.commands import REGISTER
from srs_epp.commands.mapping import Context, Handler, Mapping, handles
from srs_epp.epp.namespaces import DOMAIN
from srs_epp.epp.reader import Command
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import ActionDetailsQry, DomainCreate, RegistrarUpdate, Whois
from srs_epp.srs.backend import BackendError, NotSent, Unacceptable, Unanswered
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import Result
from tests.support import records
from tests.support.conversation import BROKEN, HELLO, LOGIN, Conversation, check, create

NOT_REACHABLE = "Command failed: registry not reachable"
NO_ANSWER = "Command failed: the registry did not answer"
UNKNOWN = "Command failed: outcome unknown"
UNUSABLE = "Command failed; server closing connection: the registry's answer can't be used"


def fatal_for(*names: str) -> Conversation:
    """A session whose registry has an INTERNAL_ERROR for these names: 2500."""
    conversation = Conversation.logged_in()

    def answer(action: Whois) -> Result:
        if action.name in names:
            return records.refused("INTERNAL_ERROR", "broken")
        return records.result(records.domain(action.name, "Available"))

    conversation.registry.answers[Whois] = answer
    return conversation


# -- the registry can't be asked, or answers with rubbish


@pytest.mark.parametrize(
    ("failure", "unit", "code", "message"),
    [
        (NotSent("refused"), check("a.nz"), 2400, NOT_REACHABLE),
        (NotSent("refused"), create(), 2400, NOT_REACHABLE),
        (Unanswered("time-out"), check("a.nz"), 2400, NO_ANSWER),
        (Unanswered("time-out"), create(), 2400, UNKNOWN),
        (Unacceptable("not signed"), check("a.nz"), 2500, UNUSABLE),
        (Unacceptable("not signed"), create(), 2400, UNKNOWN),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_failure_of_the_registry_is_told_by_what_it_may_have_done(
    failure: BackendError, unit: str, code: int, message: str
) -> None:
    conversation = Conversation.logged_in()
    conversation.registry.mishaps = [failure]

    [answer, *others] = conversation.ask(unit, HELLO)

    assert (answer.code, answer.message) == (code, message)
    assert conversation.session.ended is (code == 2500)
    assert [other.code for other in others] == ([] if code == 2500 else [0])


@pytest.mark.parametrize("failure", [NotSent("x"), Unanswered("x")], ids=["NotSent", "Unanswered"])
def test_a_session_goes_on_when_the_registry_is_back(failure: BackendError) -> None:
    conversation = Conversation.logged_in()
    conversation.registry.mishaps = [failure, failure]

    assert [conversation.codes(check("a.nz")) for _ in range(3)] == [[2400], [2400], [1000]]


def test_a_lost_connection_is_logged_as_an_error_with_every_svtrid(caplog: pytest.LogCaptureFixture) -> None:
    conversation = Conversation.logged_in()
    conversation.registry.mishaps = [Unanswered("time-out")]

    answers = conversation.ask(check("a.nz"), create())

    record, *_ = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert all(answer.server_trid and answer.server_trid in record.getMessage() for answer in answers)


def test_of_a_shared_transaction_each_command_is_told_what_became_of_it() -> None:
    conversation = Conversation.logged_in()
    conversation.registry.mishaps = [Unanswered("time-out")]

    answers = conversation.ask(check("a.nz"), create(), check("b.nz"))

    assert [answer.message for answer in answers] == [NO_ANSWER, UNKNOWN, NO_ANSWER]


def test_a_login_without_a_registry_is_2400_and_can_be_tried_again() -> None:
    conversation = Conversation.opened()
    conversation.registry.mishaps = [NotSent("refused")]

    assert conversation.codes(LOGIN, check("a.nz"), LOGIN) == [2400, 2002, 1000]


def test_a_login_whose_new_password_may_have_been_set_or_not_is_no_login() -> None:
    conversation = Conversation.opened()
    conversation.registry.mishaps = [None, Unanswered("time-out")]

    answers = conversation.ask(LOGIN.replace("<options>", "<newPW>another</newPW><options>"), check("a.nz"))

    assert [answer.code for answer in answers] == [2400, 2002]
    assert answers[0].message == UNKNOWN
    # asked once more what became of it, and never sent again
    assert [type(action) for action in conversation.registry.actions[-2:]] == [
        RegistrarUpdate,
        ActionDetailsQry,
    ]


# -- results that close the session


def test_a_2500_is_sent_and_then_the_session_is_over() -> None:
    conversation = fatal_for("bad.nz")

    assert conversation.codes(check("bad.nz")) == [2500]

    assert conversation.session.ended
    assert str(conversation.session.state) == "End Session"


def test_a_2500_before_the_last_of_its_transaction_becomes_2400() -> None:
    conversation = fatal_for("bad.nz")

    assert conversation.codes(check("bad.nz"), check("a.nz"), check("b.nz")) == [2400, 1000, 1000]

    assert not conversation.session.ended


def test_a_2500_of_the_last_of_its_transaction_closes_after_all_are_answered() -> None:
    conversation = fatal_for("bad.nz", "worse.nz")

    assert conversation.codes(check("bad.nz"), check("a.nz"), check("worse.nz")) == [2400, 1000, 2500]

    assert conversation.session.ended


@pytest.mark.parametrize(
    "failure",
    [Unacceptable("x"), SRSError("INTERNAL_ERROR", "broken", whole=True)],
    ids=["no usable answer", "an error of the whole request"],
)
def test_a_failure_of_a_whole_transaction_closes_with_its_last_command(failure: Exception) -> None:
    conversation = Conversation.logged_in()
    conversation.registry.mishaps = [failure]

    assert conversation.codes(check("a.nz"), check("b.nz"), check("c.nz")) == [2400, 2400, 2500]

    assert conversation.session.ended


def test_after_a_2500_nothing_that_was_not_sent_is_started() -> None:
    conversation = Conversation.logged_in(backend_batch=2)
    conversation.registry.mishaps = [Unacceptable("x")]

    codes = conversation.codes(check("a.nz"), check("b.nz"), create(), check("c.nz"), HELLO)

    assert codes == [2400, 2500]
    assert conversation.registry.sizes == [2]
    assert not conversation.session.wants_input


def test_after_a_2500_a_command_that_was_started_but_not_sent_is_forgotten() -> None:
    conversation = Conversation.logged_in(backend_batch=2)
    conversation.registry.mishaps = [Unacceptable("x")]

    # the second does not fit beside the first
    assert conversation.codes(check("a.nz"), check("b.nz", "c.nz")) == [2500]

    assert conversation.registry.sizes == [1]


def test_after_a_2500_in_its_first_part_the_rest_of_a_long_check_is_not_sent() -> None:
    conversation = Conversation.logged_in(backend_batch=2)
    conversation.registry.mishaps = [Unacceptable("x")]

    assert conversation.codes(check("a.nz", "b.nz", "c.nz"), create()) == [2500]

    assert conversation.registry.sizes == [2]


@pytest.mark.parametrize("what", ["MAINTENANCE", "MIGRATION", "OFFLINE", "READONLY"])
def test_a_registry_that_is_closed_for_a_while_closes_no_session(what: str) -> None:
    conversation = Conversation.logged_in()
    closed = SRSError(f"SYSTEM_{what}", "closed", hint="TEMPORARY_SERVER_ERROR", whole=True)
    conversation.registry.mishaps = [closed]

    assert conversation.codes(check("a.nz"), create()) == [2400, 2400]
    assert conversation.codes(check("a.nz"), create()) == [1000, 1000]


def test_a_result_that_the_registry_does_not_know_is_2400_for_a_write() -> None:
    conversation = Conversation.logged_in()
    conversation.registry.mishaps = [SRSError("UNDETERMINED_RESULT", "who knows", whole=True)]

    [answer] = conversation.ask(create())

    assert (answer.code, answer.message) == (2400, UNKNOWN)
    assert not conversation.session.ended


# -- faults of ours


@handles("check", DOMAIN)
def fails_at_once(_command: Command, _context: Context) -> Mapping:
    yield [Whois(f"{1 // 0}.nz")]
    return Response(1000)


@handles("check", DOMAIN)
def fails_on_the_answer(_command: Command, _context: Context) -> Mapping:
    results = yield [Whois("a.nz")]
    return Response(1000 // (len(results) - 1))


@handles("check", DOMAIN)
def fails_on_an_error(_command: Command, _context: Context) -> Mapping:
    try:
        yield [Whois("bad.nz")]
    except SRSError as error:
        raise ZeroDivisionError from error
    return Response(1000)


@pytest.mark.parametrize(
    "broken",
    [fails_at_once, fails_on_the_answer, fails_on_an_error],
    ids=["at once", "on the answer", "on an error"],
)
def test_a_bug_in_a_mapping_is_2400_and_logged_and_the_session_goes_on(
    broken: Handler, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    conversation = fatal_for("bad.nz")
    monkeypatch.setitem(REGISTER, ("check", DOMAIN), broken)

    answers = conversation.ask(create("a.nz", "one"), check("a.nz"), create("b.nz", "two"), HELLO)

    assert [answer.code for answer in answers] == [1000, 2400, 1000, 0]
    assert answers[1].message == "Command failed"
    [record] = [record for record in caplog.records if record.exc_info]
    assert answers[1].server_trid
    assert answers[1].server_trid in record.getMessage()
    assert "ZeroDivisionError" in caplog.text


def test_a_bug_in_the_back_end_is_2400_and_logged_and_the_session_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    conversation = Conversation.logged_in()
    conversation.registry.mishaps = [ZeroDivisionError()]

    answers = conversation.ask(check("a.nz"), create())
    answers += conversation.ask(check("a.nz"))

    assert [answer.code for answer in answers] == [2400, 2400, 1000]
    assert answers[1].message == UNKNOWN
    [record] = [record for record in caplog.records if record.exc_info]
    assert all(answer.server_trid and answer.server_trid in record.getMessage() for answer in answers[:2])


def test_a_bug_in_one_mapping_is_nothing_to_another_session(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Conversation.logged_in(), Conversation.logged_in()

    with monkeypatch.context() as patched:
        patched.setitem(REGISTER, ("check", DOMAIN), fails_at_once)
        assert first.codes(check("a.nz")) == [2400]

    assert second.codes(check("a.nz")) == [1000]


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG):
        yield


# -- what is left of it


def refused_by_the_registry(conversation: Conversation) -> None:
    conversation.registry.answers[DomainCreate] = lambda action: records.refused("INVALID_FIELD", "no")
    assert conversation.codes(create())[0] >= 2000


def lost_on_the_way(conversation: Conversation) -> None:
    conversation.registry.mishaps = [Unanswered("time-out")]
    assert conversation.codes(create()) == [2400]


def refused_by_us(conversation: Conversation) -> None:
    assert conversation.codes(BROKEN) == [2001]


@pytest.mark.parametrize("refuse", [refused_by_the_registry, lost_on_the_way, refused_by_us])
def test_a_refusal_does_not_keep_its_session_alive(refuse: Callable[[Conversation], None]) -> None:
    conversation = Conversation.logged_in()
    refuse(conversation)
    session = weakref.ref(conversation.session)
    gc.disable()
    try:
        del conversation

        assert session() is None
    finally:
        gc.enable()
