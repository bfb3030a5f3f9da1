"""A client that does not read is not read from; nothing grows without a bound; nothing is lost."""

from __future__ import annotations

import pytest

from srs_epp.session.session import READ_SIZE
from tests.support.conversation import HELLO, Conversation, check, framed

MAX_OUTPUT = 5000
ONE_ANSWER = 2000  # octets: more than a greeting, or the answer to a check, has


def stuck(**settings: object) -> Conversation:
    """Logged in, then reading nothing."""
    conversation = Conversation.logged_in(max_output=MAX_OUTPUT, **settings)
    conversation.stream.takes = 0
    return conversation


def unread(conversation: Conversation) -> int:
    """Octets of answers that wait for the client, which takes them now."""
    conversation.stream.takes = 1 << 30
    return conversation.session.output_event()


@pytest.mark.parametrize("unit", [HELLO, check("a.nz")], ids=["hello", "check"])
def test_answers_that_nobody_takes_stay_near_their_limit(unit: str) -> None:
    conversation = stuck(backend_batch=1)

    conversation.send(*[unit] * 500)

    assert not conversation.session.wants_input
    assert MAX_OUTPUT < unread(conversation) < MAX_OUTPUT + ONE_ANSWER


def test_a_batch_more_than_the_limit_is_all_that_can_wait() -> None:
    conversation = stuck(backend_batch=10)

    conversation.send(*[HELLO] * 500)

    assert unread(conversation) < MAX_OUTPUT + 10 * ONE_ANSWER


def test_a_client_that_does_not_read_is_not_read_from() -> None:
    conversation = stuck()
    everything = framed(*[HELLO] * 2000)

    conversation.send_octets(everything)

    assert len(conversation.stream.coming) >= len(everything) - READ_SIZE


def test_the_registry_is_not_asked_for_a_client_that_does_not_read() -> None:
    conversation = stuck(backend_batch=1)

    conversation.send(*[check("a.nz")] * 200)

    assert len(conversation.registry.heard) <= MAX_OUTPUT // 300 + 1


def test_when_the_client_reads_again_everything_is_answered_in_order() -> None:
    conversation = stuck()
    conversation.send(*(check("a.nz", trid=f"trid-{n}") for n in range(300)))
    assert not conversation.session.wants_input

    conversation.stream.takes = 1 << 30
    conversation.run()

    assert [answer.client_trid for answer in conversation.hear()] == [f"trid-{n}" for n in range(300)]
    assert conversation.session.wants_input


def test_a_client_that_reads_now_and_then_gets_everything_too() -> None:
    conversation = stuck(backend_batch=3)
    conversation.send(*(check("a.nz", trid=f"trid-{n}") for n in range(100)))

    answers = []
    for turn in range(2000):
        conversation.stream.takes = (turn * 37) % 200
        if conversation.session.wants_output:
            conversation.session.output_event()
        conversation.stream.takes = 0
        conversation.run()
        answers += conversation.hear()

    assert [answer.client_trid for answer in answers] == [f"trid-{n}" for n in range(100)]


def test_a_client_that_takes_one_octet_at_a_time_gets_every_answer() -> None:
    conversation = Conversation.logged_in(takes=1)

    assert conversation.codes(HELLO, check("a.nz"), HELLO) == [0, 1000, 0]


def test_no_write_is_larger_than_a_tls_record() -> None:
    conversation = stuck()
    conversation.send(*[HELLO] * 50)

    unread(conversation)

    assert conversation.stream.largest_write <= READ_SIZE


def test_no_more_commands_are_queued_than_the_limit() -> None:
    conversation = Conversation.logged_in(max_queue=7, backend_batch=2)
    queued: list[int] = []
    conversation.registry.meanwhile = lambda: queued.append(len(conversation.session._commands))

    assert conversation.codes(*[check("a.nz")] * 60) == [1000] * 60

    assert max(queued) == 7


def test_a_session_with_a_full_queue_wants_no_input() -> None:
    conversation = Conversation.logged_in(max_queue=3, backend_batch=1)
    wanted: list[bool] = []
    conversation.registry.meanwhile = lambda: wanted.append(conversation.session.wants_input)

    conversation.send(*[check("a.nz")] * 4)

    assert wanted == [False, False, True, True]
    assert conversation.session.wants_input


def test_a_client_that_half_closes_before_it_reads_gets_everything() -> None:
    conversation = stuck(backend_batch=2)
    conversation.stream.coming += framed(*[check("a.nz")] * 60)
    conversation.half_close()
    assert not conversation.session.ended

    conversation.stream.takes = 1 << 30
    conversation.run()

    assert len(conversation.hear()) == 60
    assert conversation.session.ended


def test_a_bad_length_behind_a_full_output_is_answered_when_its_turn_comes() -> None:
    conversation = stuck(backend_batch=1)
    conversation.send_octets(framed(*[HELLO] * 15) + b"\x00\x00\x00\x01")
    assert not conversation.session.wants_input

    conversation.stream.takes = 1 << 30
    conversation.run()

    assert [answer.code for answer in conversation.hear()] == [0] * 15 + [2001]
    assert conversation.session.ended
