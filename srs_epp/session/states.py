"""The server's state machine, RFC 5730 section 2 (figure 1), as one table.

A session *rests* in "Waiting for Client Authentication" until it is logged in, in "Waiting for Command"
after. What a client may send depends on that alone. Where the table has no entry, the client has sent what
may not come there: that is 2002, and no state is left by it.

Results of 2500 and above, and 1500, lead to "End Session" from wherever they are sent (section 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from srs_epp.epp.results import CommandUseError


class State(Enum):
    """The states of figure 1. It draws "Prepare Greeting" and the responses once for each resting state."""

    WAITING_FOR_CLIENT = auto()
    PREPARE_GREETING = auto()
    WAITING_FOR_CLIENT_AUTHENTICATION = auto()
    PROCESSING_LOGIN = auto()
    PREPARE_LOGIN_RESPONSE = auto()
    PREPARE_FAIL_RESPONSE = auto()
    WAITING_FOR_COMMAND = auto()
    PREPARE_GREETING_AGAIN = auto()
    PROCESSING_COMMAND = auto()
    PREPARE_RESPONSE = auto()
    END_SESSION = auto()

    __hash__ = object.__hash__  # Enum's own is not in C

    def __str__(self) -> str:
        return _NAMES[self]


S = State

_NAMES = {
    S.WAITING_FOR_CLIENT: "Waiting for Client",
    S.PREPARE_GREETING: "Prepare Greeting",
    S.WAITING_FOR_CLIENT_AUTHENTICATION: "Waiting for Client Authentication",
    S.PROCESSING_LOGIN: "Processing <login>",
    S.PREPARE_LOGIN_RESPONSE: "Prepare Response",
    S.PREPARE_FAIL_RESPONSE: "Prepare Fail Response",
    S.WAITING_FOR_COMMAND: "Waiting for Command",
    S.PREPARE_GREETING_AGAIN: "Prepare Greeting",
    S.PROCESSING_COMMAND: "Processing Command",
    S.PREPARE_RESPONSE: "Prepare Response",
    S.END_SESSION: "End Session",
}


class Event(Enum):
    """What moves a session."""

    CONNECTED = "connect"
    HELLO = "hello"
    LOGIN = "login"
    LOGOUT = "logout"
    COMMAND = "command"
    REFUSED = "refused"  # a data unit that is answered without being run
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SENT = "sent"

    __hash__ = object.__hash__


E = Event

TRANSITIONS: Mapping[State, Mapping[Event, State]] = {
    S.WAITING_FOR_CLIENT: {E.CONNECTED: S.PREPARE_GREETING},
    S.PREPARE_GREETING: {E.SENT: S.WAITING_FOR_CLIENT_AUTHENTICATION},
    S.WAITING_FOR_CLIENT_AUTHENTICATION: {
        E.HELLO: S.PREPARE_GREETING,
        E.LOGIN: S.PROCESSING_LOGIN,
        E.REFUSED: S.PREPARE_FAIL_RESPONSE,
    },
    S.PROCESSING_LOGIN: {E.SUCCEEDED: S.PREPARE_LOGIN_RESPONSE, E.FAILED: S.PREPARE_FAIL_RESPONSE},
    S.PREPARE_LOGIN_RESPONSE: {E.SENT: S.WAITING_FOR_COMMAND},
    S.PREPARE_FAIL_RESPONSE: {E.SENT: S.WAITING_FOR_CLIENT_AUTHENTICATION},
    S.WAITING_FOR_COMMAND: {
        E.HELLO: S.PREPARE_GREETING_AGAIN,
        E.COMMAND: S.PROCESSING_COMMAND,
        E.LOGOUT: S.PROCESSING_COMMAND,
        E.REFUSED: S.PREPARE_RESPONSE,
    },
    S.PREPARE_GREETING_AGAIN: {E.SENT: S.WAITING_FOR_COMMAND},
    S.PROCESSING_COMMAND: {E.SUCCEEDED: S.PREPARE_RESPONSE, E.FAILED: S.PREPARE_RESPONSE},
    S.PREPARE_RESPONSE: {E.SENT: S.WAITING_FOR_COMMAND},
    S.END_SESSION: {},
}


def after(state: State, event: Event) -> State:
    """The state once ``event`` has happened in ``state``.

    CommandUseError (2002) where the table has no entry.

    >>> str(after(State.WAITING_FOR_CLIENT_AUTHENTICATION, Event.LOGIN))
    'Processing <login>'
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise CommandUseError(f"{event.value} while {state}") from None
