"""The server's state machine against figure 1 of RFC 5730, written down once more."""

from __future__ import annotations

import itertools

import pytest

from srs_epp.epp.results import CommandUseError
from srs_epp.session.states import Event, State, after

# (from, what happens, to): the arrows of the figure, which has one "Prepare Greeting" for each resting
# state. "refused" is what the server answers without running it, a data unit of rubbish for instance.
ARROWS = """
    WAITING_FOR_CLIENT                 CONNECTED  PREPARE_GREETING
    PREPARE_GREETING                   SENT       WAITING_FOR_CLIENT_AUTHENTICATION

    WAITING_FOR_CLIENT_AUTHENTICATION  HELLO      PREPARE_GREETING
    WAITING_FOR_CLIENT_AUTHENTICATION  LOGIN      PROCESSING_LOGIN
    WAITING_FOR_CLIENT_AUTHENTICATION  REFUSED    PREPARE_FAIL_RESPONSE
    PROCESSING_LOGIN                   SUCCEEDED  PREPARE_LOGIN_RESPONSE
    PROCESSING_LOGIN                   FAILED     PREPARE_FAIL_RESPONSE
    PREPARE_FAIL_RESPONSE              SENT       WAITING_FOR_CLIENT_AUTHENTICATION
    PREPARE_LOGIN_RESPONSE             SENT       WAITING_FOR_COMMAND

    WAITING_FOR_COMMAND                HELLO      PREPARE_GREETING_AGAIN
    WAITING_FOR_COMMAND                COMMAND    PROCESSING_COMMAND
    WAITING_FOR_COMMAND                LOGOUT     PROCESSING_COMMAND
    WAITING_FOR_COMMAND                REFUSED    PREPARE_RESPONSE
    PREPARE_GREETING_AGAIN             SENT       WAITING_FOR_COMMAND
    PROCESSING_COMMAND                 SUCCEEDED  PREPARE_RESPONSE
    PROCESSING_COMMAND                 FAILED     PREPARE_RESPONSE
    PREPARE_RESPONSE                   SENT       WAITING_FOR_COMMAND
"""
EXPECTED = {
    (State[here], Event[event]): State[there]
    for here, event, there in (line.split() for line in ARROWS.split("\n") if line.strip())
}
NO_WAY = [pair for pair in itertools.product(State, Event) if pair not in EXPECTED]

NAMES = {
    State.WAITING_FOR_CLIENT: "Waiting for Client",
    State.PREPARE_GREETING: "Prepare Greeting",
    State.WAITING_FOR_CLIENT_AUTHENTICATION: "Waiting for Client Authentication",
    State.PROCESSING_LOGIN: "Processing <login>",
    State.PREPARE_LOGIN_RESPONSE: "Prepare Response",
    State.PREPARE_FAIL_RESPONSE: "Prepare Fail Response",
    State.WAITING_FOR_COMMAND: "Waiting for Command",
    State.PREPARE_GREETING_AGAIN: "Prepare Greeting",
    State.PROCESSING_COMMAND: "Processing Command",
    State.PREPARE_RESPONSE: "Prepare Response",
    State.END_SESSION: "End Session",
}


def _told(pair: tuple[State, Event]) -> str:
    return f"{pair[1].name} in {pair[0].name}"


@pytest.mark.parametrize("pair", EXPECTED, ids=_told)
def test_an_arrow_of_the_figure_leads_to_its_state(pair: tuple[State, Event]) -> None:
    assert after(*pair) is EXPECTED[pair]


@pytest.mark.parametrize("pair", NO_WAY, ids=_told)
def test_anything_else_is_a_use_error(pair: tuple[State, Event]) -> None:
    with pytest.raises(CommandUseError) as raised:
        after(*pair)

    assert raised.value.code == 2002


def test_nothing_leads_out_of_the_end_of_a_session() -> None:
    assert {event for state, event in NO_WAY if state is State.END_SESSION} == set(Event)


def test_a_use_error_says_what_came_and_when() -> None:
    with pytest.raises(CommandUseError, match="login while Waiting for Command"):
        after(State.WAITING_FOR_COMMAND, Event.LOGIN)


@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
def test_a_state_is_called_as_the_figure_calls_it(state: State) -> None:
    assert str(state) == NAMES[state]
