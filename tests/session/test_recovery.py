"""A write that got no answer is found out by its ActionId before its client hears of it, never sent again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from srs_epp.srs.actions import Action, ActionDetailsQry, DomainCreate, Whois
from srs_epp.srs.backend import NotSent, Unacceptable, Unanswered
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import RawRequest, RawResponse, Result
from srs_epp.srs.transaction import Transaction
from tests.support import records
from tests.support.conversation import HELLO, Conversation, check, create

DATE = 'Year="2019" Month="3" Day="5" Hour="9" Minute="7" Second="2" TimeZoneOffset="+13:00"'
CREATED = (
    f'<Response Action="DomainCreate" FeId="8" FeSeq="77"><FeTimeStamp {DATE}/>'
    f'<Domain DomainName="new.co.nz" Status="Active"><RegisteredDate {DATE}/><BilledUntil {DATE}/></Domain>'
    "</Response>"
)
TAKEN = (
    f'<Response Action="DomainCreate" FeId="8" FeSeq="78"><FeTimeStamp {DATE}/>'
    '<Error ErrorId="DOMAIN_ALREADY_EXISTS" Severity="err"><Description>Too late</Description>'
    "<ErrorDetails>new.co.nz</ErrorDetails></Error></Response>"
)
DOUBT = TAKEN.replace("DOMAIN_ALREADY_EXISTS", "UNDETERMINED_RESULT")
UNKNOWN = records.result()
WHATEVER_HAPPENED = [
    Unanswered("time-out"),
    Unacceptable("not signed"),
    ZeroDivisionError(),
    SRSError("UNDETERMINED_RESULT", "who knows", whole=True),
]


def response(*answers: str) -> bytes:
    return f'<NZSRSResponse VerMajor="5" VerMinor="0">{"".join(answers)}</NZSRSResponse>'.encode()


def stored(request: Transaction, *answers: str) -> Result:
    """What the registry shows of a request that it has stored."""
    return records.result(RawRequest(request.document()), RawResponse(response(*answers)))


def in_doubt(mishap: Exception, *told: Callable[[Transaction], Result], patience: int = 10) -> Conversation:
    """A session whose first exchange goes wrong; then ActionDetailsQry is answered as told, one by one."""
    conversation = Conversation.logged_in(recovery_timeout=patience)
    registry, left = conversation.registry, list(told)
    registry.mishaps = [mishap]

    def answer(_action: Action) -> Result:
        tell = left.pop(0) if len(left) > 1 else left[0]
        return tell(registry.heard[0])

    registry.answers[ActionDetailsQry] = answer
    return conversation


def asked(conversation: Conversation) -> list[type[Action]]:
    return [type(action) for action in conversation.registry.actions]


@pytest.mark.parametrize("mishap", WHATEVER_HAPPENED, ids=lambda mishap: type(mishap).__name__)
def test_a_write_that_was_done_is_answered_as_it_was_stored(mishap: Exception) -> None:
    conversation = in_doubt(mishap, lambda request: stored(request, CREATED))

    answers = conversation.ask(create(), HELLO)

    assert [answer.code for answer in answers] == [1000, 0]
    assert answers[0].texts("//domain:creData/domain:name") == ["new.co.nz"]
    assert asked(conversation) == [DomainCreate, ActionDetailsQry]


def test_it_is_asked_for_by_the_action_id_of_the_write() -> None:
    conversation = in_doubt(Unanswered("x"), lambda request: stored(request, CREATED))

    conversation.send(create(trid="ABC-1"))

    assert conversation.registry.actions[-1] == ActionDetailsQry("ABC-1")
    assert conversation.registry.heard[-1].registrar_id == 100


def test_a_write_that_was_refused_is_refused_as_it_was_stored() -> None:
    conversation = in_doubt(Unanswered("x"), lambda request: stored(request, TAKEN))

    [answer] = conversation.ask(create())

    assert (answer.code, answer.message, answer.value_text) == (2302, "Too late", "new.co.nz")


def test_a_write_that_is_not_known_yet_is_asked_for_again_with_growing_pauses() -> None:
    conversation = in_doubt(
        Unanswered("x"), *[lambda request: UNKNOWN] * 4, lambda request: stored(request, CREATED)
    )

    assert conversation.codes(create()) == [1000]

    assert asked(conversation) == [DomainCreate] + [ActionDetailsQry] * 5
    assert conversation.slept == sorted(conversation.slept)
    assert len(set(conversation.slept)) == 4


def test_a_registry_that_refuses_or_fails_to_tell_is_asked_again() -> None:
    conversation = in_doubt(Unanswered("x"), lambda request: stored(request, CREATED))
    conversation.registry.mishaps += [
        NotSent("gone"),
        Unanswered("x"),
        SRSError("SYSTEM_OFFLINE", whole=True),
    ]

    assert conversation.codes(create()) == [1000]

    assert asked(conversation) == [DomainCreate] + [ActionDetailsQry] * 4


def test_an_action_id_of_another_request_is_2306_with_that_id() -> None:
    another = Transaction(100, (DomainCreate(action_id="ABC-1", name="old.nz", term=1, registrant=None),))
    conversation = in_doubt(Unanswered("x"), lambda request: stored(another, CREATED))

    [answer] = conversation.ask(create(trid="ABC-1"))

    assert (answer.code, answer.value_text, answer.reason) == (2306, "ABC-1", "actionId")


def test_a_write_that_the_registry_itself_is_in_doubt_of_stays_unknown() -> None:
    conversation = in_doubt(Unanswered("x"), lambda request: stored(request, DOUBT))

    [answer] = conversation.ask(create())

    assert (answer.code, answer.message) == (2400, "Command failed: outcome unknown")


def test_each_write_of_a_shared_transaction_is_looked_up_and_queries_are_not() -> None:
    conversation = in_doubt(
        Unanswered("x"),
        lambda request: stored(Transaction(100, request.actions[1:2]), CREATED),
        lambda request: stored(Transaction(100, request.actions[2:]), TAKEN),
    )

    answers = conversation.ask(check("a.nz"), create(trid="one"), create(trid="two"))

    assert [answer.code for answer in answers] == [2400, 1000, 2302]
    assert conversation.registry.actions[3:] == [ActionDetailsQry("one"), ActionDetailsQry("two")]


def test_a_query_is_never_looked_up() -> None:
    conversation = in_doubt(Unanswered("x"), lambda request: UNKNOWN)

    assert conversation.codes(check("a.nz")) == [2400]

    assert asked(conversation) == [Whois]


def test_a_write_that_was_never_sent_is_not_looked_up() -> None:
    conversation = in_doubt(NotSent("x"), lambda request: UNKNOWN)

    assert conversation.codes(create()) == [2400]

    assert asked(conversation) == [DomainCreate]


def test_what_is_stored_and_cannot_be_read_is_an_unknown_outcome_and_the_session_goes_on() -> None:
    rubbish = records.result(RawRequest(b"<"), RawResponse(b"<"))
    conversation = in_doubt(Unanswered("x"), lambda request: rubbish, patience=0)

    answers = conversation.ask(create(), HELLO)

    assert [answer.code for answer in answers] == [2400, 0]
    assert answers[0].message == "Command failed: outcome unknown"
