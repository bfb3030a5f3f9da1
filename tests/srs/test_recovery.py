"""What became of a write: found out by its ActionId, in the time that there is, and never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote_plus

import pytest
from lxml import etree

from srs_epp.srs import recovery
from srs_epp.srs.actions import Action, ActionDetailsQry, DomainUpdate, RegistrarUpdate, Whois
from srs_epp.srs.backend import BackendError, NotSent, Unacceptable, Unanswered
from srs_epp.srs.errors import SRSError
from srs_epp.srs.recovery import (
    FIRST_PAUSE,
    LEAST_PATIENCE,
    LONGEST_PAUSE,
    NotDone,
    OutcomeUnknown,
    Recovery,
    Stored,
)
from srs_epp.srs.results import RawRequest, RawResponse, ResponseUnreadable, Result, parse
from srs_epp.srs.transaction import Transaction

ERROR = '<Error ErrorId="{}" Severity="err" Hint="x"><Description>no</Description></Error>'
LOOK = Whois("kakapo.nz", full=False)
WRITE = DomainUpdate(name="kakapo.nz", action_id="w-1", udai="Hk7mNp2Q", convert_contacts=True)
OTHER = DomainUpdate(name="weka.nz", action_id="w-1", cancel=True)


def domain(name: str) -> str:
    return f'<Response FeId="1" FeSeq="7"><Domain DomainName="{name}" Status="Active"/></Response>'


def response(*children: str) -> bytes:
    return f'<NZSRSResponse VerMajor="5" VerMinor="0">{"".join(children)}</NZSRSResponse>'.encode()


def request(*actions: Action) -> bytes:
    return Transaction(100, actions).document()


def known(request: bytes | None, response: bytes | None) -> Result:
    """The registry's answer to ActionDetailsQry, with documents escaped as it does."""
    document = '<NZSRSResponse><Response FeId="1" FeSeq="8">'
    for tag, xml in (("RawRequest", request), ("RawResponse", response)):
        if xml is not None:
            document += f"<{tag}><XML>{quote_plus(xml)}</XML><Signature>x</Signature></{tag}>"
    [result] = parse(f"{document}</Response></NZSRSResponse>".encode())
    return result


UNHEARD_OF = known(None, None)
KNOWN = known(request(LOOK, WRITE), response(domain("kakapo.nz"), domain("kakapo.nz")))
REFUSED = Result("", None, error=SRSError("SYSTEM_MAINTENANCE", "closed"))


class Clock:
    """Time that goes by only where somebody sleeps, or waits for the registry."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(recovery, "time", clock)
    return clock


class Registry:
    """Answers question by question as its script says, the last answer again and again.

    ``takes``: seconds of each answer; a registry that takes longer than it is given is silent.
    """

    def __init__(self, clock: Clock, *script: Result | Exception, takes: float = 0.0) -> None:
        self._clock = clock
        self._script = list(script)
        self._takes = takes
        self.heard: list[Transaction] = []
        self.timeouts: list[float] = []

    def exchange(self, transaction: Transaction, *, timeout: float | None = None) -> list[Result]:
        assert timeout is not None
        self.heard.append(transaction)
        self.timeouts.append(timeout)
        self._clock.now += min(self._takes, timeout)
        if self._takes > timeout:
            raise Unanswered("time-out")
        answer = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(answer, Exception):
            raise answer
        return [answer]

    @property
    def actions(self) -> Sequence[Action]:
        return [action for transaction in self.heard for action in transaction.actions]


def recovery_with(
    registry: Registry,
    clock: Clock,
    *,
    patience: float = 30,
    limit: float = 10,
    registry_timeout: float = 120,
) -> Recovery:
    """As right after a write has failed."""
    return Recovery(
        registry,
        100,
        sent=clock.now,
        deadline=clock.now + limit,
        patience=patience,
        registry_timeout=registry_timeout,
        sleep=clock.sleep,
    )


# -- asking


def test_what_is_known_at_once_is_asked_for_once(clock: Clock) -> None:
    registry = Registry(clock, KNOWN)

    stored = recovery_with(registry, clock).stored("w-1")

    assert stored.result_of(WRITE) is not None
    assert registry.heard == [Transaction(100, (ActionDetailsQry("w-1"),))]
    assert clock.pauses == []


@pytest.mark.parametrize(
    "not_yet",
    [
        UNHEARD_OF,
        REFUSED,
        SRSError("INTERNAL_ERROR", "no", whole=True),
        known(request(WRITE), None),
        NotSent("x"),
        Unanswered("x"),
        Unacceptable("x"),
        ResponseUnreadable("x"),
    ],
    ids=[
        "unheard of",
        "refused",
        "refused as a whole",
        "half of it",
        "NotSent",
        "Unanswered",
        "Unacceptable",
        "unreadable",
    ],
)
def test_whatever_comes_before_the_outcome_is_asked_past(clock: Clock, not_yet: Result | Exception) -> None:
    registry = Registry(clock, not_yet, not_yet, not_yet, KNOWN)

    assert recovery_with(registry, clock).stored("w-1").result_of(WRITE) is not None

    assert registry.actions == [ActionDetailsQry("w-1")] * 4
    assert clock.pauses == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]


def test_pauses_grow_up_to_the_longest_and_not_past_the_end(clock: Clock) -> None:
    registry = Registry(clock, UNHEARD_OF)
    started = clock.now

    with pytest.raises(OutcomeUnknown):
        recovery_with(registry, clock, limit=10).stored("w-1")

    assert clock.pauses == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0, pytest.approx(0.85)]
    assert max(clock.pauses) == LONGEST_PAUSE
    assert clock.now == pytest.approx(started + 10)
    assert len(registry.heard) == len(clock.pauses) + 1  # the last question is asked at the end


def test_without_any_time_there_is_one_question(clock: Clock) -> None:
    registry = Registry(clock, UNHEARD_OF)

    with pytest.raises(OutcomeUnknown):
        recovery_with(registry, clock, limit=0).stored("w-1")

    assert (len(registry.heard), clock.pauses) == (1, [])


# -- giving up


@pytest.mark.parametrize(("limit", "error"), [(119, OutcomeUnknown), (120, NotDone), (300, NotDone)])
def test_what_is_not_known_is_not_done_once_the_registry_has_given_it_up(
    clock: Clock, limit: float, error: type[BackendError]
) -> None:
    registry = Registry(clock, UNHEARD_OF)

    with pytest.raises(error) as raised:
        recovery_with(registry, clock, limit=limit, registry_timeout=120).stored("w-1")

    assert type(raised.value) is error


def test_a_registry_that_cannot_look_does_not_know_that_it_was_not_done(clock: Clock) -> None:
    registry = Registry(clock, REFUSED)

    with pytest.raises(OutcomeUnknown, match="can't tell: SYSTEM_MAINTENANCE"):
        recovery_with(registry, clock, limit=300, registry_timeout=120).stored("w-1")


def test_an_answer_is_as_old_as_its_question(clock: Clock) -> None:
    registry = Registry(clock, UNHEARD_OF, takes=0.9)
    started = clock.now

    with pytest.raises(OutcomeUnknown, match="not know it yet"):
        recovery_with(registry, clock, limit=1.0, registry_timeout=1.5).stored("w-1")

    assert clock.now >= started + 1.5  # the last question was asked before, and answered after


@pytest.mark.parametrize("error", [NotSent("x"), Unanswered("x"), Unacceptable("x")], ids=repr)
def test_a_registry_that_is_silent_at_the_end_leaves_the_outcome_unknown(
    clock: Clock, error: BackendError
) -> None:
    registry = Registry(clock, UNHEARD_OF, error)

    with pytest.raises(OutcomeUnknown, match="silent"):
        recovery_with(registry, clock, registry_timeout=0.01).stored("w-1")


def test_a_registry_that_must_have_given_it_up_is_believed_at_once(clock: Clock) -> None:
    registry = Registry(clock, UNHEARD_OF, Unanswered("x"))
    started = clock.now

    with pytest.raises(NotDone):
        recovery_with(registry, clock, registry_timeout=0).stored("w-1")
    assert clock.now == started


def test_a_registry_that_was_silent_before_the_end_is_believed_at_the_end(clock: Clock) -> None:
    registry = Registry(clock, *[Unanswered("x")] * 9, UNHEARD_OF)

    with pytest.raises(NotDone):
        recovery_with(registry, clock, registry_timeout=0).stored("w-1")


def test_half_of_what_should_be_stored_is_not_nothing(clock: Clock) -> None:
    registry = Registry(clock, known(request(WRITE), None))

    with pytest.raises(OutcomeUnknown):
        recovery_with(registry, clock, registry_timeout=0).stored("w-1")


@pytest.mark.parametrize(
    ("stored_request", "stored_response"),
    [
        (b"<NZSRSRequest>", response(domain("kakapo.nz"))),
        (b"", response(domain("kakapo.nz"))),
        (request(WRITE), b"<NZSRSResponse>"),
        (request(WRITE), b"<html/>"),
        (request(WRITE), b""),
        (request(WRITE), response()),
        (request(WRITE), response(domain("kakapo.nz"), domain("kakapo.nz"))),
    ],
    ids=["request cut", "no request", "response cut", "no SRS", "no response", "too few", "too many"],
)
def test_what_is_stored_and_cannot_be_read_is_an_unknown_outcome_at_once(
    clock: Clock, stored_request: bytes, stored_response: bytes
) -> None:
    registry = Registry(clock, known(stored_request, stored_response))

    with pytest.raises(OutcomeUnknown, match="can't be read"):
        recovery_with(registry, clock, registry_timeout=0).stored("w-1")

    assert len(registry.heard) == 1


# -- time


def test_a_question_has_what_is_left_of_the_time_but_no_more_than_any_request(clock: Clock) -> None:
    registry = Registry(clock, UNHEARD_OF)

    with pytest.raises(OutcomeUnknown):
        recovery_with(registry, clock, limit=5, patience=3).stored("w-1")

    assert registry.timeouts[:2] == [3, 3]
    assert registry.timeouts[-2:] == [pytest.approx(1.85), LEAST_PATIENCE]


def test_a_question_that_gets_lost_does_not_take_the_time_of_all(clock: Clock) -> None:
    registry = Registry(clock, UNHEARD_OF, takes=99)
    started = clock.now

    with pytest.raises(OutcomeUnknown, match="silent"):
        recovery_with(registry, clock, limit=10, patience=3).stored("w-1")

    assert len(registry.heard) == 4
    assert clock.now <= started + 10 + LEAST_PATIENCE


def test_writes_share_the_time_and_each_gets_a_question(clock: Clock) -> None:
    registry = Registry(clock, UNHEARD_OF, takes=99)
    started = clock.now
    shared = recovery_with(registry, clock, limit=10)

    for action_id in ("w-1", "w-2", "w-3"):
        with pytest.raises(OutcomeUnknown):
            shared.stored(action_id)

    assert [action.action_id for action in registry.actions if isinstance(action, ActionDetailsQry)] == [
        "w-1",
        "w-2",
        "w-3",
    ]
    assert clock.now <= started + 10 + 2 * LEAST_PATIENCE


def test_queries_are_asked_in_what_is_left(clock: Clock) -> None:
    registry = Registry(clock, KNOWN)
    clock.now += 4

    [result] = recovery_with(registry, clock, limit=7).ask(LOOK)

    assert result is KNOWN
    assert registry.heard == [Transaction(100, (LOOK,))]
    assert registry.timeouts == [7]


# -- what is stored


def test_results_are_those_of_the_actions_at_their_place() -> None:
    stored = Stored(request(LOOK, WRITE, OTHER), response(domain("a.nz"), domain("b.nz"), domain("c.nz")))

    names = [
        result.domain.name
        for result in map(stored.result_of, (LOOK, WRITE, OTHER))
        if result and result.domain
    ]

    assert names == ["a.nz", "b.nz", "c.nz"]


@pytest.mark.parametrize(
    "other",
    [
        OTHER,
        DomainUpdate(name="kakapo.nz", action_id="w-1", udai="Hk7mNp2R", convert_contacts=True),
        DomainUpdate(name="kakapo.nz", action_id="w-2", udai="Hk7mNp2Q", convert_contacts=True),
        RegistrarUpdate(action_id="w-1", epp_password="Hk7mNp2Q"),
        Whois("kakapo.nz"),
    ],
    ids=["another domain", "another UDAI", "another id", "another action", "another query"],
)
def test_an_action_that_differs_in_anything_is_another(other: Action) -> None:
    stored = Stored(request(LOOK, WRITE), response(domain("a.nz"), domain("b.nz")))

    assert stored.result_of(other) is None


def test_the_order_of_attributes_and_the_spelling_of_the_document_do_not_matter() -> None:
    document = b"<?xml version='1.0'?><!-- ours --><NZSRSRequest>"
    element = WRITE.element()
    turned = etree.Element("DomainUpdate")
    for name in reversed(element.keys()):
        turned.set(name, str(element.get(name)))
    turned.extend(list(element))
    document += etree.tostring(turned).replace(b"kakapo", b"&#107;akapo") + b"</NZSRSRequest>"

    assert Stored(document, response(domain("a.nz"))).result_of(WRITE) is not None


def test_an_error_in_the_place_of_an_action_is_its_result() -> None:
    refusal = f"<Response>{ERROR.format('DOMAIN_LOCKED')}</Response>"

    result = Stored(request(LOOK, WRITE), response(domain("a.nz"), refusal)).result_of(WRITE)

    assert result is not None
    assert result.error is not None
    assert result.error.error_id == "DOMAIN_LOCKED"


def test_an_error_of_the_whole_request_is_the_result_of_each_of_its_actions_and_of_no_other() -> None:
    stored = Stored(request(LOOK, WRITE), response(ERROR.format("SYSTEM_READONLY")))

    for action in (LOOK, WRITE):
        result = stored.result_of(action)
        assert result is not None
        assert result.error is not None
        assert result.error.error_id == "SYSTEM_READONLY"
    assert stored.result_of(OTHER) is None


def test_no_secret_is_in_what_stands_for_a_stored_request() -> None:
    assert "Hk7mNp2Q" not in repr(RawRequest(request(WRITE))) + repr(RawResponse(request(WRITE)))
    assert "Hk7mNp2Q" not in repr(Stored(request(WRITE), response(domain("a.nz"))))
