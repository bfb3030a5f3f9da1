"""A session from connect to close: what it answers to which data unit, and when it is over."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from srs_epp.epp import reader
from srs_epp.session.framing import frame
from tests.epp import documents
from tests.support.conversation import BROKEN, HELLO, LOGIN, LOGOUT, Conversation, check, create, framed

WRONG_LOGIN = LOGIN.replace("se cret", "not that")
NO_COMMANDS = {
    "empty": b"",
    "blank": b" \n",
    "no XML": b"hello",
    "not closed": BROKEN.encode(),
    "NUL": b"\0\0\0\0",
    "invalid UTF-8": b"<epp>\xff</epp>",
    "DOCTYPE": b"<!DOCTYPE epp>" + HELLO.encode(),
    "no namespace": b"<epp><hello/></epp>",
    "another root": b'<hello xmlns="urn:ietf:params:xml:ns:epp-1.0"/>',
    "a greeting": documents.DOCUMENTS["epp-greeting"].encode(),
    "a response": documents.DOCUMENTS["epp-response"].encode(),
    "two commands": documents.epp("<hello/><hello/>").encode(),
}
UNKNOWN = documents.epp("<command><frobnicate/><clTRID>odd-1</clTRID></command>")
POLL = documents.DOCUMENTS["epp-poll-req"]
BAD_LENGTH = b"\x00\x00\x00\x02"


# -- the way through the states


def test_a_client_is_greeted_when_it_connects() -> None:
    conversation = Conversation()
    assert str(conversation.session.state) == "Waiting for Client"

    conversation.session.connected()
    [greeting] = conversation.hear()

    assert greeting.text("//epp:svID") == "eppd.example.nz"
    assert str(conversation.session.state) == "Waiting for Client Authentication"


def test_a_whole_session_goes_through_the_states_of_the_rfc() -> None:
    conversation = Conversation()
    session, states = conversation.session, []
    conversation.registry.meanwhile = lambda: states.append(str(session.state))

    session.connected()
    for unit in (LOGIN, check("a.nz"), LOGOUT):
        states.append(str(session.state))
        conversation.send(unit)

    assert states == [
        "Waiting for Client Authentication",
        "Processing <login>",
        "Waiting for Command",
        "Processing Command",
        "Waiting for Command",
    ]
    assert str(session.state) == "End Session"
    assert session.ended


def test_a_refused_login_leaves_the_session_where_it_was() -> None:
    conversation = Conversation.opened()

    assert conversation.codes(WRONG_LOGIN) == [2200]

    assert str(conversation.session.state) == "Waiting for Client Authentication"
    assert conversation.session.user is None


def test_the_user_is_known_once_the_login_is_answered() -> None:
    conversation = Conversation.opened()
    seen: list[str | None] = []
    conversation.registry.meanwhile = lambda: seen.append(conversation.session.user)

    conversation.send(LOGIN)

    assert seen == [None]
    assert conversation.session.user == "100"


def test_the_registry_is_asked_on_behalf_of_who_logged_in() -> None:
    conversation = Conversation.opened()

    conversation.send(LOGIN.replace("<clID>100<", "<clID>0057<"), check("a.nz"))

    assert [transaction.registrar_id for transaction in conversation.registry.heard] == [57, 57]


def test_a_second_login_is_2002_and_changes_nothing() -> None:
    conversation = Conversation.logged_in()

    assert conversation.codes(LOGIN.replace("<clID>100<", "<clID>200<"), check("a.nz")) == [2002, 1000]

    assert conversation.session.user == "100"
    assert [transaction.registrar_id for transaction in conversation.registry.heard] == [100]


@pytest.mark.parametrize(
    "unit", [check("a.nz"), create(), LOGOUT, POLL, UNKNOWN, documents.epp("<command/>")]
)
def test_before_login_a_command_is_2002_whatever_else_it_is(unit: str) -> None:
    conversation = Conversation.opened()

    assert conversation.codes(unit, LOGIN) == [2002, 1000]


@pytest.mark.parametrize("open_session", [Conversation.opened, Conversation.logged_in])
def test_a_hello_is_greeted_before_login_and_after(open_session: Callable[[], Conversation]) -> None:
    conversation = open_session()
    state = conversation.session.state

    assert conversation.codes(HELLO) == [0]

    assert conversation.session.state is state


def test_a_service_that_login_did_not_choose_is_2307() -> None:
    conversation = Conversation.opened()

    codes = conversation.codes(
        documents.login(services=f"<objURI>{documents.DOMAIN}</objURI>"),
        documents.DOCUMENTS["contact-check"],
        check("a.nz"),
    )

    assert codes == [1000, 2307, 1000]


# -- bad data units


@pytest.mark.parametrize("unit", NO_COMMANDS.values(), ids=NO_COMMANDS)
@pytest.mark.parametrize("open_session", [Conversation.opened, Conversation.logged_in])
def test_what_is_no_command_is_2001_and_the_session_goes_on(
    unit: bytes, open_session: Callable[[], Conversation]
) -> None:
    conversation = open_session()
    state = conversation.session.state

    assert conversation.codes(unit, HELLO) == [2001, 0]

    assert conversation.session.state is state
    assert conversation.session.wants_input


def test_an_unknown_command_is_2000_and_names_its_client() -> None:
    [answer] = Conversation.logged_in().ask(UNKNOWN)

    assert (answer.code, answer.client_trid) == (2000, "odd-1")


def test_an_invalid_command_does_not_reach_the_registry() -> None:
    conversation = Conversation.logged_in()

    assert conversation.codes(documents.domain("check", "")) == [2003]

    assert conversation.registry.heard == []


@pytest.mark.parametrize("length", [0, 1, 2, 3, 1024 * 1024 + 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_bad_length_is_2001_in_its_turn_and_the_end(length: int) -> None:
    conversation = Conversation.logged_in()

    conversation.send_octets(framed(check("a.nz")) + length.to_bytes(4, "big") + framed(check("b.nz")))

    assert [answer.code for answer in conversation.hear()] == [1000, 2001]
    assert conversation.session.ended
    assert str(conversation.session.state) == "End Session"
    assert not conversation.session.wants_input
    assert len(conversation.registry.heard) == 1


def test_a_bad_length_before_login_ends_the_session_too() -> None:
    conversation = Conversation.opened()

    conversation.send_octets(BAD_LENGTH)

    assert [answer.code for answer in conversation.hear()] == [2001]
    assert conversation.session.ended


def test_a_data_unit_as_long_as_the_limit_is_read() -> None:
    limit = 4096
    conversation = Conversation.opened(max_frame=limit)

    assert conversation.codes(HELLO.ljust(limit - 4)) == [0]
    assert conversation.codes(HELLO.ljust(limit - 3)) == [2001]
    assert conversation.session.ended


# -- what the owner of the connection sees


def test_an_input_event_is_true_when_a_data_unit_is_whole() -> None:
    conversation = Conversation.opened()
    octets = frame(HELLO.encode())

    said = []
    for piece in (octets[:3], octets[3:10], octets[10:-1], octets[-1:], b""):
        conversation.stream.coming += piece
        said.append(conversation.session.input_event())

    assert said == [False, False, False, True, False]


def test_the_time_of_a_data_unit_runs_from_its_first_octet() -> None:
    conversation = Conversation.opened()
    session, octets = conversation.session, framed(HELLO)
    assert session.unit_since is None

    conversation.send_octets(octets[:1])
    began = session.unit_since
    conversation.send_octets(octets[1:9])

    assert began is not None
    assert session.unit_since == began
    conversation.send_octets(octets[9:])
    assert session.unit_since is None


def test_the_next_data_unit_has_a_time_of_its_own() -> None:
    conversation = Conversation.opened()
    conversation.send_octets(framed(HELLO)[:9])
    began = conversation.session.unit_since
    assert began is not None

    conversation.send_octets(framed(HELLO)[9:] + framed(HELLO)[:9])

    assert conversation.session.unit_since is not None
    assert conversation.session.unit_since > began


def test_a_drip_of_octets_does_not_make_a_session_less_idle() -> None:
    conversation = Conversation.opened()
    idle_since = conversation.session.idle_since

    conversation.send_octets(framed(HELLO)[:-1])
    assert conversation.session.idle_since == idle_since
    conversation.send_octets(framed(HELLO)[-1:])

    assert conversation.session.idle_since > idle_since


def test_processing_says_how_many_commands_are_left() -> None:
    conversation = Conversation.logged_in()
    session = conversation.session
    for name in ("a.nz", "b.nz", "c.nz"):
        session.queue_command(reader.read(check(name).encode()))
    assert conversation.registry.heard == []

    assert session.process_queue(2) == 1
    assert session.process_queue(2) == 0

    assert conversation.registry.sizes == [2, 1]


def test_sending_counts_the_octets_that_wait_and_output_those_that_went() -> None:
    conversation = Conversation.logged_in()
    conversation.stream.takes = 0
    conversation.send(check("a.nz"))
    assert conversation.session.wants_output

    conversation.stream.takes = 10
    written = conversation.session.output_event()

    [unit] = conversation.stream.replies()
    assert written == len(frame(unit))
    assert not conversation.session.wants_output


# -- identifiers


def test_every_answer_has_an_svtrid_of_its_own() -> None:
    conversation = Conversation.logged_in()
    answers = conversation.ask(*[check("a.nz"), BROKEN, UNKNOWN] * 20)
    answers += Conversation.logged_in().ask(check("a.nz"))

    assert len({answer.server_trid for answer in answers}) == 61


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        (check("a.nz", trid="mine-1"), 1000),
        (documents.domain("check", "", cltrid="mine-1"), 2003),
        (check("no good", trid="mine-1"), 2005),
        (documents.command("frobnicate", "", cltrid="mine-1"), 2000),
        (documents.command("check", "<x xmlns='urn:x'/>", cltrid="mine-1"), 2307),
        (documents.command("delete", documents.payload("domain", "delete", ""), cltrid="mine-1"), 2003),
        (LOGIN.replace("TEST-0001", "mine-1"), 2002),
        (LOGOUT.replace("bye", "mine-1"), 1500),
    ],
)
def test_a_cltrid_is_echoed_whatever_the_answer(unit: str, code: int) -> None:
    [answer] = Conversation.logged_in().ask(unit)

    assert (answer.code, answer.client_trid) == (code, "mine-1")


@pytest.mark.parametrize("trid", ["ab", "x" * 65])
def test_a_cltrid_of_illegal_length_is_2005_and_not_echoed(trid: str) -> None:
    [answer] = Conversation.logged_in().ask(check("a.nz", trid=trid))

    assert (answer.code, answer.client_trid) == (2005, None)


def test_a_command_without_cltrid_gets_none_back() -> None:
    [answer] = Conversation.logged_in().ask(check("a.nz", trid=""))

    assert (answer.code, answer.client_trid) == (1000, None)


def test_the_log_joins_an_svtrid_with_the_registrys_own(caplog: pytest.LogCaptureFixture) -> None:
    conversation = Conversation.logged_in()
    caplog.set_level(logging.DEBUG)

    [answer] = conversation.ask(check("a.nz", "b.nz"))

    assert f"check: 1000, svTRID {answer.server_trid}, SRS 8,4717426" in caplog.messages


# -- the end


def test_a_logout_is_the_last_answer_whatever_follows_it() -> None:
    conversation = Conversation.logged_in()

    codes = conversation.codes(check("a.nz"), HELLO, create(), LOGOUT, check("b.nz"), HELLO, BROKEN, LOGOUT)

    assert codes == [1000, 0, 1000, 1500]
    assert conversation.session.ended
    assert len(conversation.registry.actions) == 2
    assert str(conversation.session.state) == "End Session"


def test_nothing_is_read_after_a_logout() -> None:
    conversation = Conversation.logged_in()
    conversation.send(LOGOUT)

    conversation.send(check("b.nz"))

    assert not conversation.session.wants_input
    assert conversation.registry.heard == []


def test_a_client_that_half_closes_gets_every_answer() -> None:
    conversation = Conversation.logged_in(backend_batch=2)
    conversation.stream.coming += framed(check("a.nz"), HELLO, create(), check("b.nz"), BROKEN)

    conversation.half_close()

    assert [answer.code for answer in conversation.hear()] == [1000, 0, 1000, 1000, 2001]
    assert conversation.session.ended


def test_a_stream_that_ends_inside_a_data_unit_ends_the_session_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    conversation = Conversation.logged_in()
    conversation.stream.coming += framed(check("a.nz")) + framed(HELLO)[:-2]

    conversation.half_close()

    assert [answer.code for answer in conversation.hear()] == [1000]
    assert conversation.session.ended
    assert f"ended inside a data unit; {len(framed(HELLO)) - 2} octets are lost" in caplog.text


def test_a_stream_that_ends_between_data_units_is_nothing_to_log(caplog: pytest.LogCaptureFixture) -> None:
    conversation = Conversation.logged_in()

    conversation.half_close()

    assert conversation.session.ended
    assert "inside a data unit" not in caplog.text


def test_an_idle_session_ends_at_once_when_drained() -> None:
    conversation = Conversation.logged_in()

    conversation.session.drain()

    assert conversation.session.ended
    assert not conversation.session.wants_input


def test_a_drained_session_answers_first_what_it_has_read() -> None:
    conversation = Conversation.logged_in(backend_batch=1, max_output=1)
    conversation.stream.takes = 0
    conversation.send(check("a.nz"), check("b.nz"), HELLO, check("c.nz"))
    assert len(conversation.registry.heard) == 1

    conversation.session.drain()
    assert not conversation.session.ended
    conversation.stream.takes = 1 << 30
    conversation.send(check("too-late.nz"))

    assert [answer.code for answer in conversation.hear()] == [1000, 1000, 0, 1000]
    assert conversation.session.ended


# -- refused logins


def test_the_third_refused_login_is_2501_and_the_end() -> None:
    conversation = Conversation.opened()

    codes = conversation.codes(WRONG_LOGIN, WRONG_LOGIN, WRONG_LOGIN, LOGIN)

    assert codes == [2200, 2200, 2501]
    assert conversation.session.ended


def test_how_many_logins_may_be_refused_is_an_option() -> None:
    assert Conversation.opened(login_attempts=1).codes(WRONG_LOGIN, LOGIN) == [2501]


def test_a_login_that_is_refused_for_another_reason_does_not_count() -> None:
    conversation = Conversation.opened()

    codes = conversation.codes(*[LOGIN.replace("<lang>en<", "<lang>mi<")] * 5, *[WRONG_LOGIN] * 2, LOGIN)

    assert codes == [2102] * 5 + [2200] * 2 + [1000]


def test_a_2200_waits_for_its_second_to_be_over() -> None:
    conversation = Conversation.opened()

    conversation.send(WRONG_LOGIN)

    [delay] = conversation.slept
    assert 0.5 < delay <= 1


def test_a_login_that_succeeds_does_not_wait() -> None:
    conversation = Conversation.opened()

    conversation.send(LOGIN)

    assert conversation.slept == []
