"""A session and the process around it: when it is told to go, how it is slowed down, what it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srs_epp.commands import EXTENSIONS, OBJECTS, REGISTER
from srs_epp.commands.mapping import Context, Handler, Mapping
from srs_epp.commands.overseer import Answered, Overseer, Refusal
from srs_epp.commands.turns import Turns
from srs_epp.epp.reader import Command, Services
from srs_epp.epp.writer import Greeting
from srs_epp.session.identifiers import TransactionIds
from srs_epp.session.session import Session
from srs_epp.srs.actions import (
    AccessControlListQry,
    Action,
    ActionDetailsQry,
    DomainCreate,
    RegistrarDetailsQry,
    RegistrarUpdate,
    Whois,
)
from srs_epp.srs.backend import NotSent, Unacceptable, Unanswered
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import Result
from tests.epp import documents
from tests.session.test_pipelining import KINDS, told
from tests.session.test_recovery import CREATED, stored
from tests.support import records
from tests.support.conversation import BROKEN, HELLO, LOGIN, LOGOUT, Conversation, check, create, framed
from tests.support.registry import PASSWORD, password_hash
from tests.support.settings import config

LEAVING = "not done: the server is going away"
WRONG = LOGIN.replace(PASSWORD, "hunter2!")
CHANGING = LOGIN.replace("<options>", "<newPW>n3w-pass</newPW><options>")


class Watcher(Overseer):
    """Notes what it is told, and says what it is to say."""

    def __init__(self) -> None:
        super().__init__()
        self.room = True
        self.delays: list[float] = []
        self.calls: list[tuple[object, ...]] = []
        self.answers: list[Answered] = []

    def heard(self, name: str) -> list[tuple[object, ...]]:
        """What was said in the calls of that name."""
        return [tuple(said) for called, *said in self.calls if called == name]

    def admit(self, registrar: int) -> bool:
        self.calls.append(("admit", registrar))
        return self.room

    def dismiss(self) -> None:
        self.calls.append(("dismiss",))

    def pace(self, registrar: int) -> float:
        self.calls.append(("pace", registrar))
        return self.delays.pop(0) if self.delays else 0.0

    def login_refused(self, client_id: str, why: Refusal) -> None:
        self.calls.append(("login refused", client_id, why))

    def answered(self, done: Answered) -> None:
        self.answers.append(done)

    def exchanged(self, actions: int, seconds: float, *, answered: bool) -> None:
        self.calls.append(("exchanged", actions, seconds, answered))

    def recovered(self, outcome: str) -> None:
        self.calls.append(("recovered", outcome))


class Watched(Conversation):
    """A conversation whose session has a Watcher. ``at_sleep`` is called while the session sleeps."""

    def __init__(self, *, certificate_names: Sequence[str] = (), **changes: Any) -> None:
        super().__init__(certificate_names=certificate_names, **changes)
        self.watcher = Watcher()
        self.at_sleep: Callable[[float], None] = lambda seconds: None
        self.session = Session(
            self.stream,
            backend=self.registry,
            config=config(**{name: value for name, value in changes.items() if name != "takes"}),
            greeting=Greeting("eppd.example.nz", Services(OBJECTS, EXTENSIONS)),
            identifiers=TransactionIds(),
            peer_address="192.0.2.7",
            certificate_names=certificate_names,
            overseer=self.watcher,
            sleep=self.sleep,
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at_sleep(seconds)

    @classmethod
    def opened(cls, **changes: Any) -> Watched:
        conversation = cls(**changes)
        conversation.session.connected()
        conversation.run()
        assert [answer.code for answer in conversation.hear()] == [0]
        return conversation

    @classmethod
    def logged_in(cls, **changes: Any) -> Watched:
        """What the registry and the watcher have heard of the login is forgotten."""
        conversation = cls.opened(**changes)
        assert conversation.codes(LOGIN) == [1000]
        conversation.registry.heard.clear()
        conversation.watcher.calls.clear()
        conversation.watcher.answers.clear()
        return conversation

    def told(self) -> list[tuple[str, int | None]]:
        """Verb and code of each answer that the watcher was told of."""
        return [(done.command.verb, done.code) for done in self.watcher.answers]


class Clock:
    """What the session takes for the module time; it goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in ("session.session", "session.exchange", "srs.recovery"):
        monkeypatch.setattr(f"srs_epp.{module}.time", made)
    return made


# -- winding down


def test_a_command_that_comes_too_late_is_not_done_and_the_session_ends() -> None:
    conversation = Watched.logged_in()
    conversation.session.wind_down()

    [answer] = conversation.ask(create(trid="late-1"))

    assert (answer.code, answer.client_trid) == (2500, "late-1")
    assert answer.message.endswith(LEAVING)
    assert conversation.session.ended
    assert conversation.registry.heard == []


def test_of_several_that_come_too_late_only_the_last_ends_the_session() -> None:
    conversation = Watched.logged_in()
    conversation.session.wind_down()

    answers = conversation.ask(create(trid="late-1"), check("a.nz", trid="late-2"), create(trid="late-3"))

    assert [(answer.code, answer.client_trid) for answer in answers] == [
        (2400, "late-1"),
        (2400, "late-2"),
        (2500, "late-3"),
    ]
    assert all(answer.message.endswith(LEAVING) for answer in answers)
    assert conversation.session.ended
    assert conversation.registry.heard == []


@pytest.mark.parametrize(
    "limits", [{"max_queue": 3}, {"backend_batch": 2}, {"max_queue": 1, "max_output": 1}]
)
def test_that_is_so_whatever_the_limits(limits: dict[str, int]) -> None:
    conversation = Watched.logged_in(**limits)
    conversation.session.wind_down()

    assert conversation.codes(*[create(f"n{n}.nz") for n in range(20)]) == [2400] * 19 + [2500]

    assert conversation.session.ended
    assert conversation.registry.heard == []


def test_one_that_comes_octet_by_octet_is_late_if_its_last_is() -> None:
    conversation = Watched.logged_in()
    octets = framed(create())
    conversation.send_octets(octets[:-1])
    conversation.session.wind_down()
    assert conversation.hear() == []

    conversation.send_octets(octets[-1:])

    assert [answer.code for answer in conversation.hear()] == [2500]
    assert conversation.registry.heard == []


def test_hello_is_still_greeted_and_the_session_goes_on() -> None:
    conversation = Watched.logged_in()
    conversation.session.wind_down()

    assert conversation.codes(HELLO, HELLO) == [0, 0]

    assert not conversation.session.ended
    assert conversation.codes(check("a.nz")) == [2500]


def test_a_logout_is_a_logout() -> None:
    conversation = Watched.logged_in()
    conversation.session.wind_down()

    assert conversation.codes(LOGOUT) == [1500]

    assert conversation.session.ended


def test_a_logout_behind_late_commands_ends_the_session_as_it_should() -> None:
    conversation = Watched.logged_in()
    conversation.session.wind_down()

    assert conversation.codes(create(), LOGOUT) == [2400, 1500]

    assert conversation.registry.heard == []


def test_what_is_no_command_is_refused_as_ever() -> None:
    conversation = Watched.logged_in()
    conversation.session.wind_down()

    assert conversation.codes(BROKEN) == [2001]

    assert not conversation.session.ended


def test_a_login_that_comes_too_late_is_told_so_too() -> None:
    conversation = Watched.opened()
    conversation.session.wind_down()

    [answer] = conversation.ask(LOGIN)

    assert answer.code == 2500
    assert answer.message.endswith(LEAVING)
    assert conversation.session.ended
    assert conversation.session.user is None
    assert conversation.registry.heard == []
    assert conversation.watcher.calls == []


def test_a_late_login_is_no_failure_to_log_in() -> None:
    conversation = Watched.opened(login_attempts=1)
    conversation.session.wind_down()

    assert conversation.codes(WRONG, LOGIN) == [2400, 2500]

    assert conversation.registry.heard == []


def test_a_command_before_the_login_is_in_the_wrong_state_as_ever() -> None:
    conversation = Watched.opened()
    conversation.session.wind_down()

    assert conversation.codes(check("a.nz"), HELLO, LOGOUT, LOGIN) == [2002, 0, 2002, 2500]


def test_what_was_read_before_is_answered_as_if_nothing_had_happened() -> None:
    conversation = Watched.logged_in(max_output=1)
    conversation.stream.takes = 0
    conversation.send(check("a.nz"), create(), HELLO)
    conversation.session.wind_down()
    conversation.stream.takes = 1 << 30
    conversation.run()

    assert [answer.code for answer in conversation.hear()] == [1000, 1000, 0]
    assert conversation.codes(check("b.nz")) == [2500]


def test_what_there_was_no_room_for_is_told_that_it_is_not_done() -> None:
    conversation = Watched.logged_in(max_output=1, max_queue=1)
    conversation.stream.takes = 0
    conversation.send(check("a.nz"), create("b.nz"), create("c.nz"))
    conversation.session.wind_down()
    conversation.stream.takes = 1 << 30
    conversation.run()

    assert [answer.code for answer in conversation.hear()] == [1000, 2400, 2500]
    assert [type(action) for action in conversation.registry.actions] == [Whois]


def test_commands_that_wait_for_the_registry_are_answered_before_the_late_ones() -> None:
    conversation = Watched.logged_in()
    conversation.registry.meanwhile = conversation.session.wind_down
    conversation.send(create("a.nz", "read-1"), create("b.nz", "read-2"))
    conversation.send(create("c.nz", "late-1"))

    assert [(answer.code, answer.client_trid) for answer in conversation.hear()] == [
        (1000, "read-1"),
        (1000, "read-2"),
        (2500, "late-1"),
    ]
    assert [action.name for action in conversation.registry.actions] == ["a.nz", "b.nz"]  # type: ignore[attr-defined]


def test_a_login_that_was_read_before_logs_in() -> None:
    conversation = Watched.opened()
    conversation.registry.meanwhile = conversation.session.wind_down

    assert conversation.codes(LOGIN) == [1000]
    assert conversation.codes(check("a.nz")) == [2500]


def test_the_process_is_told_of_late_commands_like_of_any() -> None:
    conversation = Watched.logged_in()
    conversation.session.wind_down()
    conversation.send(create(trid="late-1"), HELLO, LOGOUT)

    assert conversation.told() == [("create", 2400), ("hello", None), ("logout", 1500)]
    assert conversation.watcher.heard("pace") == []


def test_a_drain_after_it_answers_what_has_come_and_ends() -> None:
    conversation = Watched.logged_in()
    conversation.session.wind_down()
    assert conversation.codes(HELLO) == [0]

    conversation.session.drain()

    assert conversation.session.ended


@settings(deadline=None, max_examples=50)
@given(
    before=st.lists(st.sampled_from(["create", "check", "hello"]), max_size=5),
    after=st.lists(st.sampled_from(["create", "check", "hello", "broken"]), max_size=8),
    queue=st.integers(1, 4),
    batch=st.integers(1, 4),
)
def test_each_unit_gets_one_answer_and_nothing_late_reaches_the_registry(
    before: list[str], after: list[str], queue: int, batch: int
) -> None:
    conversation = Watched.logged_in(max_queue=queue, backend_batch=batch)
    codes = {"create": 1000, "check": 1000, "hello": 0, "broken": 2001}
    assert conversation.codes(*[KINDS[kind][0] for kind in before]) == [codes[kind] for kind in before]
    asked = list(conversation.registry.actions)
    conversation.session.wind_down()

    answers = conversation.codes(*[KINDS[kind][0] for kind in after])

    late = {"create": 2400, "check": 2400, "hello": 0, "broken": 2001}
    expected = [late[kind] for kind in after]
    if after and after[-1] in ("create", "check"):
        expected[-1] = 2500
    assert answers == expected
    assert conversation.session.ended is (2500 in expected)
    assert conversation.registry.actions == asked


# -- command-rate


def test_each_command_of_a_session_that_is_logged_in_is_paced_once() -> None:
    conversation = Watched.opened()
    conversation.send(HELLO, check("too.early.nz"), LOGIN)
    assert conversation.watcher.heard("pace") == []

    conversation.send(check("a.nz"), create(), documents.DOCUMENTS["contact-check"], check("b.nz"))

    assert conversation.watcher.heard("pace") == [(100,)] * 4


def test_hello_logout_and_what_is_refused_unread_are_not_paced() -> None:
    conversation = Watched.logged_in()

    assert conversation.codes(HELLO, BROKEN, LOGIN, LOGOUT) == [0, 2001, 2002, 1500]

    assert conversation.watcher.heard("pace") == []


@pytest.mark.parametrize("limits", [{}, {"max_queue": 2}, {"backend_batch": 1}, {"max_output": 1}])
def test_a_command_is_paced_once_though_it_waits_in_queues(limits: dict[str, int]) -> None:
    conversation = Watched.logged_in(**limits)

    # each needs more than one transaction
    assert conversation.codes(*[KINDS["long check"][0]] * 12) == [1000] * 12

    assert conversation.watcher.heard("pace") == [(100,)] * 12


def test_who_is_too_fast_waits_as_long_as_it_is_told_and_is_answered() -> None:
    conversation = Watched.logged_in()
    conversation.watcher.delays = [0.0, 0.5, 0.0, 1.25]

    assert conversation.codes(*[check(f"n{n}.nz") for n in range(5)]) == [1000] * 5

    assert conversation.slept == [0.5, 1.25]


def test_the_registry_is_not_asked_before_the_wait_is_over() -> None:
    conversation = Watched.logged_in()
    conversation.watcher.delays = [1.0]
    asked: list[list[int]] = []
    conversation.at_sleep = lambda seconds: asked.append(conversation.registry.sizes)

    assert conversation.codes(check("a.nz")) == [1000]

    assert asked == [[]]


def test_those_before_it_are_asked_for_and_answered_before_the_wait() -> None:
    conversation = Watched.logged_in()
    conversation.watcher.delays = [0.0, 0.0, 3.0]
    heard: list[tuple[list[str | None], list[int]]] = []
    conversation.at_sleep = lambda seconds: heard.append(
        ([answer.client_trid for answer in conversation.hear()], conversation.registry.sizes)
    )

    answers = conversation.ask(*[check(f"n{n}.nz", trid=f"trid-{n}") for n in range(4)])

    assert heard == [(["trid-0", "trid-1"], [2])]
    assert [answer.client_trid for answer in answers] == ["trid-2", "trid-3"]


def test_a_refusal_before_it_is_told_before_the_wait() -> None:
    conversation = Watched.logged_in()
    conversation.watcher.delays = [3.0]
    heard: list[int] = []
    conversation.at_sleep = lambda seconds: heard.extend(answer.code for answer in conversation.hear())

    assert conversation.codes(BROKEN, HELLO, check("a.nz")) == [1000]

    assert heard == [2001, 0]


def test_a_session_that_ends_meanwhile_waits_for_nothing_and_starts_nothing() -> None:
    conversation = Watched.logged_in()
    conversation.watcher.delays = [0.0, 3.0]
    conversation.registry.mishaps = [Unacceptable("not signed")]

    assert conversation.codes(check("a.nz"), create(), create()) == [2500]

    assert conversation.session.ended
    assert [type(action) for action in conversation.registry.actions] == [Whois]
    assert conversation.slept == []


def test_the_idle_time_of_who_had_to_wait_begins_with_the_answer(clock: Clock) -> None:
    conversation = Watched.logged_in()
    conversation.watcher.delays = [400.0]
    conversation.at_sleep = clock.advance

    assert conversation.codes(check("a.nz")) == [1000]

    assert conversation.session.idle_since == clock.monotonic()


@settings(deadline=None, max_examples=30)
@given(
    kinds=st.lists(st.sampled_from(list(KINDS)), max_size=15),
    delays=st.lists(st.sampled_from([0.0, 1.0]), max_size=15),
    batch=st.integers(1, 5),
    queue=st.integers(1, 10),
)
def test_replies_keep_their_order_however_the_commands_are_paced(
    kinds: list[str], delays: list[float], batch: int, queue: int
) -> None:
    conversation = Watched.logged_in(backend_batch=batch, max_queue=queue)
    conversation.watcher.delays = list(delays)

    told(conversation, kinds)

    paced = [kind for kind in kinds if kind not in ("hello", "broken", "second login")]
    assert conversation.watcher.heard("pace") == [(100,)] * len(paced)
    assert conversation.slept == [delay for delay in delays[: len(paced)] if delay]


# -- what the process is told


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_is_told_of_once_with_the_code_of_its_answer(kind: str) -> None:
    conversation = Watched.logged_in()
    unit, code = KINDS[kind]

    [answer] = conversation.ask(unit.replace("MINE", "trid-1"))

    [done] = conversation.watcher.answers
    assert done.code == (code or None) == (answer.code or None)
    assert done.command.client_trid == answer.client_trid
    if code:
        assert done.server_trid == answer.server_trid


@settings(deadline=None, max_examples=30)
@given(
    kinds=st.lists(st.sampled_from(list(KINDS)), max_size=15),
    batch=st.integers(1, 5),
    queue=st.integers(1, 10),
    output=st.sampled_from([1, 1 << 20]),
)
def test_all_are_told_of_in_the_order_of_their_answers(
    kinds: list[str], batch: int, queue: int, output: int
) -> None:
    conversation = Watched.logged_in(backend_batch=batch, max_queue=queue, max_output=output)

    told(conversation, kinds)

    assert [done.code for done in conversation.watcher.answers] == [KINDS[kind][1] or None for kind in kinds]


def test_a_login_is_told_of_with_what_became_of_it_in_the_end() -> None:
    conversation = Watched.opened(login_attempts=2)

    assert conversation.codes(WRONG, WRONG) == [2200, 2501]

    assert conversation.told() == [("login", 2200), ("login", 2501)]


def test_what_the_session_does_not_come_to_is_not_told_of() -> None:
    conversation = Watched.logged_in()

    conversation.send(check("a.nz"), LOGOUT, check("b.nz"), LOGOUT)

    assert conversation.told() == [("check", 1000), ("logout", 1500)]


def test_what_the_registry_has_done_is_told_by_its_own_numbers() -> None:
    conversation = Watched.logged_in()
    conversation.registry.answers[Whois] = lambda action: Result(
        f"8,{action.name}", None, (records.domain(action.name, "Available"),)
    )
    conversation.registry.answers[DomainCreate] = lambda action: records.refused("DOMAIN_BLOCKED")

    conversation.send(check("a.nz", "b.nz"), HELLO, create(), check(*[f"n{n}.nz" for n in range(12)]))

    assert [list(done.identities) for done in conversation.watcher.answers] == [
        ["8,a.nz", "8,b.nz"],
        [],
        [records.IDENTITY],
        [f"8,n{n}.nz" for n in range(12)],
    ]


def test_the_registrys_part_of_the_time_is_told_beside_the_whole(clock: Clock) -> None:
    conversation = Watched.logged_in()
    conversation.registry.meanwhile = lambda: clock.advance(2.0)
    conversation.watcher.delays = [3.0]
    conversation.at_sleep = clock.advance

    conversation.send(check(*[f"n{n}.nz" for n in range(12)]), HELLO)

    assert [(done.seconds, done.registry_seconds) for done in conversation.watcher.answers] == [
        (7.0, 4.0),
        (7.0, 0.0),
    ]


def test_two_commands_in_one_transaction_have_both_waited_for_it(clock: Clock) -> None:
    conversation = Watched.logged_in()
    conversation.registry.meanwhile = lambda: clock.advance(2.0)

    conversation.send(check("a.nz"), check("b.nz"))

    assert conversation.registry.sizes == [2]
    assert [done.registry_seconds for done in conversation.watcher.answers] == [2.0, 2.0]


def test_the_time_to_find_an_outcome_out_is_the_registrys_too(clock: Clock) -> None:
    conversation = Watched.logged_in()
    conversation.registry.mishaps = [Unanswered("time-out")]
    conversation.registry.meanwhile = lambda: clock.advance(2.0)

    conversation.send(create())

    assert [(done.code, done.registry_seconds) for done in conversation.watcher.answers] == [(2400, 4.0)]


@pytest.mark.parametrize(
    ("mishap", "answered"),
    [
        (None, True),
        (SRSError("SYSTEM_OFFLINE", whole=True), True),
        (NotSent("refused"), False),
        (Unanswered("time-out"), False),
        (Unacceptable("not signed"), False),
        (ZeroDivisionError(), False),
    ],
    ids=str,
)
def test_each_exchange_is_told_of_and_whether_the_registry_has_answered(
    mishap: Exception | None, answered: bool, clock: Clock
) -> None:
    conversation = Watched.logged_in()
    conversation.registry.mishaps = [mishap]
    conversation.registry.meanwhile = lambda: clock.advance(2.0)

    conversation.send(check("a.nz", "b.nz"), check("c.nz"))

    assert conversation.watcher.heard("exchanged") == [(3, 2.0, answered)]


@pytest.mark.parametrize(
    ("answers", "settings_", "outcome"),
    [
        (lambda request: stored(request, CREATED), {}, "done"),
        (lambda request: records.result(), {"registry_timeout": 1}, "not done"),
        (lambda request: records.result(), {"registry_timeout": 1000}, "unknown"),
        (lambda request: records.refused("SYSTEM_OFFLINE"), {}, "unknown"),
    ],
)
def test_how_a_writes_outcome_was_found_out_is_told_once(
    answers: Callable[[Any], Result], settings_: dict[str, int], outcome: str, clock: Clock
) -> None:
    conversation = Watched.logged_in(recovery_timeout=3, **settings_)
    conversation.at_sleep = clock.advance
    conversation.registry.mishaps = [Unanswered("time-out")]
    conversation.registry.answers[ActionDetailsQry] = lambda action: answers(conversation.registry.heard[0])

    conversation.send(create())

    assert conversation.watcher.heard("recovered") == [(outcome,)]


# -- who is let in


def test_a_good_login_is_admitted_and_stays() -> None:
    conversation = Watched.opened()

    assert conversation.codes(LOGIN) == [1000]

    assert conversation.watcher.heard("admit") == [(100,)]
    assert conversation.watcher.heard("dismiss") == []
    assert conversation.watcher.heard("login refused") == []


def test_where_there_is_no_room_the_session_ends_with_a_reason_and_nothing_is_changed() -> None:
    conversation = Watched.opened()
    conversation.watcher.room = False

    [answer] = conversation.ask(CHANGING, LOGIN)

    assert answer.code == 2502
    assert "this registrar has as many sessions as it may have" in answer.message
    assert conversation.session.ended
    assert RegistrarUpdate not in map(type, conversation.registry.actions)
    assert conversation.told() == [("login", 2502)]


def test_a_wrong_password_takes_no_room() -> None:
    conversation = Watched.opened()

    assert conversation.codes(WRONG) == [2200]

    assert conversation.watcher.heard("admit") == []


@pytest.mark.parametrize(
    "mishap",
    [NotSent("x"), Unanswered("x"), Unacceptable("x"), SRSError("SYSTEM_OFFLINE"), ZeroDivisionError()],
    ids=lambda mishap: type(mishap).__name__,
)
def test_a_login_that_fails_after_it_was_admitted_gives_its_room_back(mishap: Exception) -> None:
    conversation = Watched.opened()
    conversation.registry.mishaps = [None, mishap]

    [answer] = conversation.ask(CHANGING)

    assert answer.code >= 2400
    assert conversation.watcher.heard("admit") == [(100,)]
    assert conversation.watcher.calls[-1] == ("dismiss",)
    assert conversation.session.user is None


def test_a_login_that_fails_in_us_gives_its_room_back(monkeypatch: pytest.MonkeyPatch) -> None:
    [key] = [key for key in REGISTER if key[0] == "login"]

    def admit_and_fail(command: Command, context: Context) -> Mapping:
        yield from ()
        context.overseer.admit(100)
        raise ZeroDivisionError

    monkeypatch.setitem(REGISTER, key, Handler(*key, admit_and_fail, True, frozenset()))
    conversation = Watched.opened()

    assert conversation.codes(LOGIN) == [2400]

    assert conversation.watcher.calls == [("admit", 100), ("dismiss",)]


def test_a_second_login_does_not_cost_the_session_its_room() -> None:
    conversation = Watched.logged_in()

    assert conversation.codes(LOGIN, WRONG, check("a.nz")) == [2002, 2002, 1000]

    assert [call for call in conversation.watcher.calls if call[0] in ("admit", "dismiss")] == []


REFUSALS: dict[Refusal, tuple[type[Action], Result]] = {
    Refusal.UNKNOWN: (RegistrarDetailsQry, records.refused("UNKNOWN_REGISTRAR")),
    Refusal.SIGNATURE: (RegistrarDetailsQry, records.refused("SIG_VERIFY_FAILED")),
    Refusal.SIGNATURE: (RegistrarDetailsQry, records.refused("SIG_VERIFY_FAILED")),
    Refusal.PASSWORD: (RegistrarDetailsQry, records.registrar(password_hash("another"))),
    Refusal.ADDRESS: (AccessControlListQry, records.entries(0)),
}


@pytest.mark.parametrize("why", REFUSALS, ids=lambda why: why.name)
def test_why_a_login_was_refused_is_told_to_the_process_alone(why: Refusal) -> None:
    conversation = Watched.opened()
    question, result = REFUSALS[why]
    conversation.registry.answers[question] = lambda action: result

    [answer] = conversation.ask(LOGIN)

    assert (answer.code, answer.message, answer.reason) == (2200, "Authentication error", None)
    assert conversation.watcher.heard("login refused") == [("100", why)]
    assert conversation.watcher.heard("admit") == []


def test_turns_that_nobody_has_taken_yet_are_turns() -> None:
    turns = Turns()

    assert Overseer(turns).turns is turns
    assert Overseer().turns is not Overseer().turns


def test_a_client_id_that_is_no_number_is_told_as_it_was_written() -> None:
    conversation = Watched.opened()

    assert conversation.codes(LOGIN.replace(">100<", ">someone<")) == [2200]

    assert conversation.watcher.heard("login refused") == [("someone", Refusal.CLIENT_ID)]
    assert conversation.registry.heard == []


def test_a_certificate_with_the_wrong_names_is_told_apart_from_an_address() -> None:
    conversation = Watched.opened(
        certificate_names=["epp.example.nz"], require_client_certificate=True, tls_client_ca="ca.pem"
    )
    conversation.registry.answers[AccessControlListQry] = lambda action: records.entries(
        action.type == "registrar_ip"
    )

    assert conversation.codes(LOGIN) == [2200]

    assert conversation.watcher.heard("login refused") == [("100", Refusal.CERTIFICATE_NAME)]
