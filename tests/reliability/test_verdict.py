"""The comparison of the records can fail: whatever it is to find is put into good records, and found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import etree

from srs_epp.srs.crypt import hash_password
from tests.reliability.records import (
    CLOSED,
    Action,
    Connection,
    Conversation,
    Domain,
    Message,
    Order,
    Passage,
    Register,
    Row,
    Run,
    Sent,
    Times,
    Told,
    Wish,
)
from tests.reliability.verdict import violations

FIRST, SECOND = "127.0.1.1", "127.0.1.2"
UNKNOWN = "Command failed: outcome unknown"
NOT_DONE = "Command failed: not done"
REFUSED = "Object exists"
"""What clients are told."""

CREATE = '<DomainCreate ActionId="t-1" DomainName="kea.nz" Term="3"/>'
RENEW = (
    '<DomainUpdate ActionId="t-2" Renew="1" Term="2"><DomainNameFilter>kea.nz</DomainNameFilter>'
    "</DomainUpdate>"
)
HANDLE = '<HandleCreate ActionId="t-1" HandleId="ann-1" Email="ann@example.net"/>'
PASSWORD = '<RegistrarUpdate ActionId="t-3"><EPPAuth Password="weka-by-day"/></RegistrarUpdate>'


def action(registrar: int, xml: str, *, done: bool = True) -> Action:
    element = etree.fromstring(xml)
    return Action(registrar, str(element.get("ActionId")), element, done)


def passage(registrar: int, *writes: str) -> Passage:
    return Passage("none", "write", registrar, writes, (), 10.0, 10.1, harmless=True)


def question(at: float, *, knows: bool, harmless: bool = True) -> Passage:
    return Passage("none", "question", 100, (), ("t-2",), at, at + 0.01, harmless, knows)


def answered(order: Order, code: int, server_trid: str, text: str = "", about: tuple[str, ...] = ()) -> Sent:
    told = Told(code, text, order.trid, server_trid, 10.5, about)
    return Sent(order, 10.0, told)


def row(sent: Sent, registrar: str) -> Row:
    order, told = sent.order, sent.told
    assert told is not None
    assert told.server_trid is not None
    return Row(order.verb, order.object, told.code, registrar, order.trid, told.server_trid)


CREATES = Order(
    "create domain",
    "",
    "create",
    "t-1",
    "kea.nz",
    Wish("DomainCreate", "kea.nz", {"Term": "3"}),
    ("kea.nz",),
)
RENEWS = Order(
    "renew domain",
    "",
    "renew",
    "t-2",
    "kea.nz",
    Wish("DomainUpdate", "kea.nz", {"Renew": "1", "Term": "2"}),
    ("kea.nz",),
)
ASKS = Order("info domain", "", "info", None, "kea.nz", None, ("kea.nz",))
MAKES = Order("create contact", "", "create", "t-1", "ann-1", Wish("HandleCreate", "ann-1"), ("ann-1",))
CHANGES = Order("login", "", "login", "t-3", "101", Wish("RegistrarUpdate", "weka-by-day"))


@pytest.fixture
def run() -> Run:
    """Two clients and what became of their commands; the registry had one domain before."""
    first = Conversation(
        100,
        FIRST,
        [
            answered(CREATES, 1000, "s-1", about=("kea.nz",)),
            answered(RENEWS, 1000, "s-2", about=("kea.nz",)),
            answered(ASKS, 1000, "s-3", about=("kea.nz",)),
        ],
    )
    second = Conversation(
        101, SECOND, [answered(CHANGES, 1000, "s-4"), answered(MAKES, 1000, "s-5", about=("ann-1",))]
    )
    connections = [
        Connection(one.source, [row(sent, str(one.registrar)) for sent in one.sent])
        for one in (first, second)
    ]
    old = Domain(100, 2)
    after = Register(
        [action(100, CREATE), action(100, RENEW), action(101, PASSWORD), action(101, HANDLE)],
        {"old.nz": old, "kea.nz": Domain(100, 5)},
        {(101, "ann-1"): "ann@example.net"},
        [Message(100, 100, "t-1")],
        {101: hash_password("weka-by-day")},
    )
    passages = [passage(100, "t-1"), passage(100, "t-2"), passage(101, "t-3"), passage(101, "t-1")]
    before = Register(domains={"old.nz": old})
    return Run([first, second], connections, before, after, passages, Times(1.0, 3.0, 2.0))


def tell(run: Run, code: int, text: str, *, at: float = 10.5) -> None:
    """Let the renewal be answered so; the audit log says the same."""
    sent = run.conversations[0].sent[1]
    assert sent.told is not None
    sent.told = replace(sent.told, code=code, text=text, at=at)
    run.connections[0].rows[1] = replace(run.connections[0].rows[1], code=code)


def undo(run: Run) -> None:
    """The registry has not done the renewal."""
    del run.after.actions[1]
    run.after.domains["kea.nz"] = Domain(100, 3)


def test_good_records_fit(run: Run) -> None:
    assert violations(run) == []


# -- effects


def test_a_lost_write(run: Run) -> None:
    undo(run)

    [line] = violations(run)
    assert line == "registrar 100: renew domain t-2 was told to be done, and is not: unknown to the registry"


def test_a_write_that_the_registry_has_refused_and_the_client_was_told_to_be_done(run: Run) -> None:
    undo(run)
    run.after.actions.insert(1, action(100, RENEW, done=False))

    [line] = violations(run)
    assert "renew domain t-2 was told to be done, and is not" in line


@pytest.mark.parametrize(("code", "text"), [(2400, NOT_DONE), (2304, REFUSED)])
def test_a_write_that_was_done_though_the_client_was_told_otherwise(run: Run, code: int, text: str) -> None:
    tell(run, code, text)

    [line] = violations(run)
    assert line == f"registrar 100: renew domain t-2 was told {text!r}, and is done"


def test_but_a_registry_that_took_too_long_is_not_eppds_fault(run: Run) -> None:
    tell(run, 2400, NOT_DONE)
    run.passages[1].reached = run.passages[1].at + 2.1

    assert violations(run) == []


def test_a_domain_that_was_created_twice(run: Run) -> None:
    """Under another ActionId, say."""
    run.after.actions.append(action(100, CREATE.replace("t-1", "t-9").replace("kea.nz", "kea2.nz")))
    run.after.domains["kea2.nz"] = Domain(100, 3)
    run.after.messages.append(Message(100, 100, "t-9"))

    [line] = violations(run)
    assert line.startswith("registrar 100: nobody has asked for t-9, DomainCreate")


def test_a_renewal_that_was_done_twice(run: Run) -> None:
    """By what the domain has, and not by what the registry has noted."""
    run.after.domains["kea.nz"] = Domain(100, 7)

    [line] = violations(run)
    assert "months=7" in line
    assert "months=5" in line


def test_an_action_that_is_stored_twice(run: Run) -> None:
    run.after.actions.insert(2, action(100, RENEW))
    run.after.domains["kea.nz"] = Domain(100, 7)

    [line] = violations(run)
    assert line == "registrar 100: t-2 was done twice"


def test_a_write_that_was_sent_to_the_registry_twice(run: Run) -> None:
    run.passages.append(passage(100, "t-2"))

    [line] = violations(run)
    assert line == "registrar 100: t-2 was sent to the registry 2 times"


def test_a_write_that_is_not_what_was_asked_for(run: Run) -> None:
    run.after.actions[1] = action(100, RENEW.replace('Term="2"', 'Term="4"'))
    run.after.domains["kea.nz"] = Domain(100, 7)

    lost, other = violations(run)
    assert "renew domain t-2 was told to be done, and is not" in lost
    assert "which nobody has asked for" in other


def test_a_write_of_one_registrar_that_was_done_for_another(run: Run) -> None:
    run.after.actions[3] = action(100, HANDLE.replace("t-1", "t-8"))
    run.after.contacts = {(100, "ann-1"): "ann@example.net"}

    lost, stray = violations(run)
    assert "registrar 101: create contact t-1 was told to be done, and is not" in lost
    assert "registrar 100: nobody has asked for t-8" in stray


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("domain kea.nz", lambda register: register.domains.pop("kea.nz")),
        ("domain extra.nz", lambda register: register.domains.update({"extra.nz": Domain(100, 1)})),
        ("domain old.nz", lambda register: register.domains.update({"old.nz": Domain(101, 2)})),
        ("contact", lambda register: register.contacts.clear()),
        ("messages", lambda register: register.messages.append(Message(100, 100, "t-1"))),
        ("messages", lambda register: register.messages.clear()),
        ("acknowledged", lambda register: register.messages.__setitem__(0, Message(100, 100, "t-1", True))),
        ("password", lambda register: register.passwords.update({101: hash_password("kakapo")})),
        ("not an index", lambda register: register.faults.append("row 3 not an index")),
    ],
)
def test_a_registry_that_has_what_nobody_made(
    run: Run, what: str, change: Callable[[Register], object]
) -> None:
    change(run.after)

    [line] = violations(run)
    assert what in line


# -- answers


def test_an_answer_that_came_to_the_wrong_session(run: Run) -> None:
    first, second = run.conversations
    first.sent[0].told, second.sent[1].told = second.sent[1].told, first.sent[0].told

    lines = violations(run)
    assert any("the answer is about ('ann-1',)" in line for line in lines)
    assert sum("but the audit log has" in line for line in lines) == 2


def test_an_answer_without_content_that_came_to_the_wrong_session(run: Run) -> None:
    """Its clTRID and its code are right: only the svTRID tells."""
    sent = run.conversations[0].sent[1]
    assert sent.told is not None
    sent.told = replace(sent.told, server_trid="s-77")

    [line] = violations(run)
    assert "but the audit log has" in line


def test_answers_in_the_wrong_order(run: Run) -> None:
    one, two, _ = run.conversations[0].sent
    one.told, two.told = two.told, one.told

    assert any("create domain t-1: answered with clTRID t-2" in line for line in violations(run))


def test_an_answer_that_is_missing_before_another(run: Run) -> None:
    run.conversations[0].sent[1].told = None

    assert "registrar 100: an answer is missing before another" in violations(run)


def test_a_server_trid_that_was_given_twice(run: Run) -> None:
    sent = run.conversations[1].sent[0]
    assert sent.told is not None
    sent.told = replace(sent.told, server_trid="s-1")
    run.connections[1].rows[0] = replace(run.connections[1].rows[0], server_trid="s-1")

    assert violations(run) == ["svTRID s-1 was given 2 times"]


def test_a_code_that_such_a_command_can_not_have(run: Run) -> None:
    sent = run.conversations[0].sent[2]
    assert sent.told is not None
    sent.told = replace(sent.told, code=2302)
    run.connections[0].rows[2] = replace(run.connections[0].rows[2], code=2302)

    [line] = violations(run)
    assert "info domain None: answered 2302" in line


def test_a_failure_in_eppd_itself(run: Run) -> None:
    undo(run)
    tell(run, 2400, "Command failed")

    [line] = violations(run)
    assert "renew domain t-2: answered 2400 Command failed" in line


def test_another_registrars_message(run: Run) -> None:
    sent = run.conversations[1].sent[0]
    assert sent.told is not None
    sent.told = replace(sent.told, message="0100t-1")

    [line] = violations(run)
    assert "was shown message 0100t-1 of another" in line


def test_a_connection_that_the_server_closed_without_saying_so(run: Run) -> None:
    run.conversations[0].end = CLOSED

    assert violations(run) == [f"{FIRST}: the server closed after 1000"]


# -- the audit log


def test_an_answer_that_is_not_in_the_audit_log(run: Run) -> None:
    del run.connections[0].rows[2]

    [line] = violations(run)
    assert "info domain None: the answer is not in the audit log" in line


def test_an_answer_that_is_in_the_audit_log_twice(run: Run) -> None:
    run.connections[0].rows.append(run.connections[0].rows[2])

    [line] = violations(run)
    assert "the audit log has an answer to no command" in line


@pytest.mark.parametrize(
    "change",
    [{"code": 2303}, {"client_trid": "t-7"}, {"object": "weka.nz"}, {"registrar": "101"}, {"verb": "check"}],
)
def test_a_line_of_the_audit_log_that_says_something_else(run: Run, change: dict[str, object]) -> None:
    run.connections[0].rows[2] = replace(run.connections[0].rows[2], **change)  # type: ignore[arg-type]

    [line] = violations(run)
    assert "but the audit log has" in line


def test_connections_that_only_one_side_knows(run: Run) -> None:
    run.connections.append(Connection("127.0.1.9"))
    run.conversations.append(Conversation(100, "127.0.1.8"))

    one, other = sorted(violations(run))
    assert one == "a connection of 127.0.1.8 is not in the audit log"
    assert other == "a connection of 127.0.1.9 is not in the clients' records"


# -- what is not known


def unheard(run: Run) -> None:
    """The client has left without the answer to its renewal, and nothing of it is in the audit log."""
    del run.conversations[0].sent[2], run.connections[0].rows[1:]
    run.conversations[0].sent[1].told = None


@pytest.mark.parametrize("done", [True, False])
def test_a_client_that_left_can_not_know(run: Run, done: bool) -> None:
    unheard(run)
    if not done:
        undo(run)

    assert violations(run) == []


def test_nothing_is_done_that_waited_behind_an_answer_that_closes(run: Run) -> None:
    unheard(run)
    sent = run.conversations[0].sent
    sent.insert(1, answered(ASKS, 2500, "s-3", "The result is not known"))
    run.connections[0].rows.append(row(sent[1], "100"))
    run.conversations[0].end = CLOSED

    [line] = violations(run)
    assert line == "registrar 100: renew domain t-2 was told 'nothing', and is done"


def test_what_the_audit_log_says_of_an_answer_that_was_not_read_counts(run: Run) -> None:
    unheard(run)
    run.connections[0].rows.append(Row("renew", "kea.nz", 1000, "100", "t-2", "s-2"))
    undo(run)

    [line] = violations(run)
    assert "renew domain t-2 was told to be done, and is not" in line


def test_the_action_of_a_command_without_a_client_trid_is_found_by_what_it_does(run: Run) -> None:
    unheard(run)
    run.conversations[0].sent[1] = Sent(replace(RENEWS, trid=None), 10.0)
    run.after.actions[1] = action(100, RENEW.replace("t-2", "s-2"))

    assert violations(run) == []

    run.after.actions.insert(2, action(100, RENEW.replace("t-2", "s-9")))
    run.after.domains["kea.nz"] = Domain(100, 7)
    [line] = violations(run)
    assert "nobody has asked for s-9" in line


def test_a_command_that_was_sent_again_is_done_once_whatever_its_answers(run: Run) -> None:
    again = Conversation(100, FIRST, [answered(RENEWS, 2304, "s-6", REFUSED)])
    run.conversations.append(again)
    run.connections.append(Connection(FIRST, [row(again.sent[0], "100")]))

    assert violations(run) == []

    tell(run, 2304, REFUSED)
    assert violations(run) == [f"registrar 100: renew domain t-2 was told {REFUSED!r}, and is done"] * 2


# -- outcomes that could not be found out


@pytest.mark.parametrize("done", [True, False])
def test_unknown_is_told_where_the_registry_was_silent_until_the_end(run: Run, done: bool) -> None:
    tell(run, 2400, UNKNOWN, at=14.2)
    run.passages += [question(11.0 + number, knows=True, harmless=False) for number in range(4)]
    if not done:
        undo(run)

    assert violations(run) == []


def test_unknown_is_told_too_early(run: Run) -> None:
    tell(run, 2400, UNKNOWN, at=12.9)

    [line] = violations(run)
    assert "told outcome unknown after 2.90 s" in line


def test_unknown_is_told_though_the_registry_has_told_the_outcome(run: Run) -> None:
    tell(run, 2400, UNKNOWN, at=14.2)
    run.passages += [question(11.0, knows=True), question(14.0, knows=True, harmless=False)]

    [line] = violations(run)
    assert "though the registry had told the outcome" in line


def test_unknown_is_told_though_the_registry_can_not_be_at_work_on_it_any_more(run: Run) -> None:
    tell(run, 2400, UNKNOWN, at=14.2)
    undo(run)
    run.passages.append(question(14.15, knows=False))

    [line] = violations(run)
    assert "though the registry had said in the end that it does not know it" in line


def test_but_it_may_have_told_it_to_a_session_that_sent_the_same_before(run: Run) -> None:
    tell(run, 2400, UNKNOWN, at=14.2)
    undo(run)
    run.passages.append(question(14.15, knows=False))
    lost = Sent(run.conversations[0].sent[1].order, 9.0, None)
    run.conversations.append(Conversation(100, FIRST, [lost]))

    assert not any("in the end" in line for line in violations(run))


def test_but_after_a_question_there_may_be_one_that_finds_no_registry(run: Run) -> None:
    tell(run, 2400, UNKNOWN, at=14.2)
    undo(run)
    run.passages.append(question(14.0, knows=False))

    assert violations(run) == []


# -- processes and clients


def test_what_went_wrong_with_a_process_or_a_client(run: Run) -> None:
    run.troubles = ["eppd exited with 1"]

    assert violations(run) == ["eppd exited with 1"]
