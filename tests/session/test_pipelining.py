"""Many commands in flight: replies keep their order, the registry is asked in few transactions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srs_epp.commands import REGISTER
from srs_epp.commands.mapping import Ask, Context, Mapping, handles
from srs_epp.epp.namespaces import DOMAIN
from srs_epp.epp.reader import Command
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import DomainCreate, RegistrarDetailsQry, Whois
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import Result
from tests.epp import documents
from tests.support import records
from tests.support.conversation import BROKEN, HELLO, LOGIN, LOGOUT, Conversation, check, create, framed

# what a client may send, and the code that it gets for it
KINDS = {
    "hello": (HELLO, 0),
    "check": (check("a.nz", "taken.nz", trid="MINE"), 1000),
    "long check": (check(*(f"n{n}.nz" for n in range(7)), trid="MINE"), 1000),
    "create": (create("new.nz", trid="MINE"), 1000),
    "contact check": (documents.DOCUMENTS["contact-check"].replace("TEST-0001", "MINE"), 1000),
    "broken": (BROKEN, 2001),
    "invalid": (documents.domain("check", "", cltrid="MINE"), 2003),
    "second login": (LOGIN.replace("TEST-0001", "MINE"), 2002),
    "not mapped": (
        documents.contact("transfer", documents.ID, op="query").replace("TEST-0001", "MINE"),
        2101,
    ),
}


def told(conversation: Conversation, kinds: list[str]) -> None:
    """Send one unit of each kind, and see that the answers are theirs, in order."""
    units = [KINDS[kind][0].replace("MINE", f"trid-{n}") for n, kind in enumerate(kinds)]

    answers = conversation.ask(*units)

    assert [answer.code for answer in answers] == [KINDS[kind][1] for kind in kinds]
    for number, (unit, answer) in enumerate(zip(units, answers, strict=True)):
        assert answer.client_trid == (f"trid-{number}" if "<clTRID>" in unit else None)


def test_a_hundred_and_fifty_commands_in_one_go_are_answered_in_order() -> None:
    kinds = list(KINDS)

    told(Conversation.logged_in(), [kinds[(n * n + n // 3) % len(kinds)] for n in range(150)])


@settings(deadline=None, max_examples=30)
@given(
    kinds=st.lists(st.sampled_from(list(KINDS)), max_size=25),
    batch=st.integers(1, 5),
    takes=st.sampled_from([1, 100, 1 << 30]),
    queue=st.integers(1, 10),
    output=st.sampled_from([1, 3000, 1 << 20]),
)
def test_replies_keep_their_order_whatever_the_limits(
    kinds: list[str], batch: int, takes: int, queue: int, output: int
) -> None:
    conversation = Conversation.logged_in(
        backend_batch=batch, takes=takes, max_queue=queue, max_output=output
    )

    told(conversation, kinds)

    conversation.half_close()
    assert conversation.session.ended


def test_a_stream_that_comes_octet_by_octet_is_the_same_stream() -> None:
    conversation = Conversation.logged_in()

    for octet in framed(check("a.nz"), HELLO, BROKEN, create()):
        conversation.send_octets(bytes([octet]))

    assert [answer.code for answer in conversation.hear()] == [1000, 0, 2001, 1000]


# -- transactions


@pytest.mark.parametrize(
    ("batch", "names", "sizes"),
    [
        (10, [1] * 10, [10]),
        (10, [1] * 25, [10, 10, 5]),
        (10, [4, 4, 4], [8, 4]),
        (10, [25], [10, 10, 5]),
        (10, [12, 1, 1, 1], [10, 5]),
        (10, [9, 2, 1], [9, 3]),
        (3, [1, 1, 1, 1], [3, 1]),
        (1, [2, 1], [1, 1, 1]),
        (1, [1, 1], [1, 1]),
    ],
)
def test_waiting_checks_share_transactions_of_at_most_the_batch(
    batch: int, names: list[int], sizes: list[int]
) -> None:
    conversation = Conversation.logged_in(backend_batch=batch)

    answers = conversation.ask(*(check(*(f"n{n}.nz" for n in range(count))) for count in names))

    assert [len(answer.texts("//domain:cd")) for answer in answers] == names
    assert conversation.registry.sizes == sizes


def test_each_command_gets_the_results_of_its_own_actions() -> None:
    conversation = Conversation.logged_in(backend_batch=4)

    answers = conversation.ask(
        check("taken-1.nz", "free-2.nz"),
        check("taken-3.nz"),
        create("new.nz"),
        check("free-4.nz", "taken-5.nz"),
    )

    assert [answer.texts("//domain:name") for answer in answers] == [
        ["taken-1.nz", "free-2.nz"],
        ["taken-3.nz"],
        ["new.nz"],
        ["free-4.nz", "taken-5.nz"],
    ]
    assert [answer.texts("//domain:name/@avail") for answer in answers] == [["0", "1"], ["0"], [], ["1", "0"]]


def test_a_check_of_many_names_is_cut_and_still_one_answer_in_order() -> None:
    names = [f"{'taken' if n % 3 else 'free'}-{n}.nz" for n in range(25)]
    conversation = Conversation.logged_in(backend_batch=10)

    [answer] = conversation.ask(check(*names))

    assert answer.texts("//domain:name") == names
    assert answer.texts("//domain:name/@avail") == ["0" if n % 3 else "1" for n in range(25)]
    assert conversation.registry.actions == [Whois(name, full=False) for name in names]


def test_the_registry_hears_commands_in_the_order_in_which_they_came() -> None:
    conversation = Conversation.logged_in(backend_batch=3)

    conversation.send(create("a.nz", "one"), check("b.nz"), create("c.nz", "two"), check("d.nz", "e.nz"))

    assert [
        action.name for action in conversation.registry.actions if isinstance(action, (Whois, DomainCreate))
    ] == ["a.nz", "b.nz", "c.nz", "d.nz", "e.nz"]


def test_answers_that_are_there_do_not_wait_for_the_registry() -> None:
    conversation = Conversation.logged_in()
    heard: list[int] = []
    conversation.registry.meanwhile = lambda: heard.extend(answer.code for answer in conversation.hear())

    conversation.send(HELLO, BROKEN, check("a.nz"))

    assert heard == [0, 2001]
    assert [answer.code for answer in conversation.hear()] == [1000]


def test_a_hello_behind_a_slow_check_waits() -> None:
    conversation = Conversation.logged_in()
    heard: list[int] = []
    conversation.registry.meanwhile = lambda: heard.extend(answer.code for answer in conversation.hear())

    conversation.send(check("a.nz"), HELLO, BROKEN)

    assert heard == []
    assert [answer.code for answer in conversation.hear()] == [1000, 0, 2001]


def test_while_the_registry_works_the_state_is_that_of_the_oldest_command() -> None:
    conversation = Conversation.logged_in()
    states: list[str] = []
    conversation.registry.meanwhile = lambda: states.append(str(conversation.session.state))

    conversation.send(HELLO, check("a.nz"), HELLO, LOGOUT)

    assert states == ["Processing Command"]


# -- commands that others wait for


def test_a_login_is_answered_before_anything_behind_it_is_looked_at() -> None:
    conversation = Conversation.opened()

    assert conversation.codes(LOGIN, check("a.nz"), LOGOUT) == [1000, 1000, 1500]

    assert conversation.registry.sizes == [2, 1]


def test_behind_a_refused_login_commands_are_2002() -> None:
    conversation = Conversation.opened()

    codes = conversation.codes(LOGIN.replace("se cret", "not that"), check("a.nz"), LOGIN, check("a.nz"))

    assert codes == [2200, 2002, 1000, 1000]


def test_a_login_shares_its_transaction_with_nobody() -> None:
    conversation = Conversation.opened()

    conversation.send(check("a.nz"), LOGIN, check("b.nz"), check("c.nz"))

    kinds = [{type(action) for action in transaction.actions} for transaction in conversation.registry.heard]
    assert RegistrarDetailsQry in kinds[0]
    assert kinds[1:] == [{Whois}]


def test_a_logout_behind_a_long_check_waits_for_all_of_it() -> None:
    conversation = Conversation.logged_in(backend_batch=2)

    answers = conversation.ask(check("a.nz", "b.nz", "c.nz"), LOGOUT)

    assert [answer.code for answer in answers] == [1000, 1500]
    assert answers[0].texts("//domain:name") == ["a.nz", "b.nz", "c.nz"]


# -- mappings that ask more than once


def test_a_mapping_that_asks_twice_gets_each_answer_and_the_next_command_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @handles("check", DOMAIN, stalls=True)
    def twice(_command: Command, _context: Context) -> Mapping:
        [first] = yield [Whois("first.nz")]
        [second] = yield [Whois("second.nz")]
        assert first.domain
        assert second.domain
        return Response(1000, f"{first.domain.name} {second.domain.name}")

    monkeypatch.setitem(REGISTER, ("check", DOMAIN), twice)
    conversation = Conversation.logged_in()

    answers = conversation.ask(check("a.nz"), create("c.nz"))

    assert [answer.message for answer in answers] == ["first.nz second.nz", "Command completed successfully"]
    assert conversation.registry.sizes == [1, 1, 1]


def test_after_an_error_that_a_mapping_takes_the_rest_of_what_it_asked_is_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @handles("check", DOMAIN)
    def resilient(_command: Command, _context: Context) -> Mapping:
        try:
            yield [Whois(name) for name in ("bad.nz", "b.nz", "never.nz")]
        except SRSError:
            [found] = yield [Whois("instead.nz")]
        assert found.domain
        return Response(1000, found.domain.name)

    def answer(action: Whois) -> Result:
        if action.name == "bad.nz":
            return records.refused("INVALID_FIELD")
        return records.result(records.domain(action.name))

    monkeypatch.setitem(REGISTER, ("check", DOMAIN), resilient)
    conversation = Conversation.logged_in(backend_batch=2)
    conversation.registry.answers[Whois] = answer

    [heard] = conversation.ask(check("a.nz"))

    assert heard.message == "instead.nz"
    asked = [action.name for action in conversation.registry.actions if isinstance(action, Whois)]
    assert asked == ["bad.nz", "b.nz", "instead.nz"]


def test_after_an_error_the_rest_of_what_a_command_asked_is_not_sent() -> None:
    conversation = Conversation.logged_in(backend_batch=1)
    conversation.registry.answers[Whois] = lambda action: records.refused("INVALID_FIELD")

    assert conversation.codes(documents.DOCUMENTS["domain-info"], create()) == [2306, 1000]

    assert [type(action) for action in conversation.registry.actions] == [Whois, DomainCreate]


def test_a_mapping_that_wants_to_be_alone_is(monkeypatch: pytest.MonkeyPatch) -> None:
    @handles("check", DOMAIN)
    def alone(_command: Command, _context: Context) -> Mapping:
        yield Ask([Whois("a.nz")], alone=True)
        return Response(1000)

    monkeypatch.setitem(REGISTER, ("check", DOMAIN), alone)
    conversation = Conversation.logged_in()

    conversation.send(create("a.nz", "one"), check("b.nz"), check("c.nz"), create("d.nz", "two"))

    assert [
        [type(action) for action in transaction.actions] for transaction in conversation.registry.heard
    ] == [[DomainCreate], [Whois], [Whois], [DomainCreate]]


def test_actions_for_two_registrars_never_share_a_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    @handles("check", DOMAIN)
    def for_another(_command: Command, _context: Context) -> Mapping:
        yield Ask([Whois("a.nz")], registrar=7)
        return Response(1000)

    monkeypatch.setitem(REGISTER, ("check", DOMAIN), for_another)
    conversation = Conversation.logged_in()

    assert conversation.codes(create("a.nz", "one"), check("b.nz"), create("c.nz", "two")) == [1000] * 3

    assert [(heard.registrar_id, len(heard.actions)) for heard in conversation.registry.heard] == [
        (100, 1),
        (7, 1),
        (100, 1),
    ]
