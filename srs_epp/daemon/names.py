"""Names of processes and threads, as ps and top show them: fifteen octets."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass

from srs_epp.commands.mapping import registrar_name
from srs_epp.daemon.table import Table
from srs_epp.session.states import State

_LONGEST = 15

_SHORT = {
    State.WAITING_FOR_CLIENT: "connect",
    State.PREPARE_GREETING: "greet",
    State.WAITING_FOR_CLIENT_AUTHENTICATION: "login?",
    State.PROCESSING_LOGIN: "login",
    State.PREPARE_LOGIN_RESPONSE: "respond",
    State.PREPARE_FAIL_RESPONSE: "respond",
    State.WAITING_FOR_COMMAND: "idle",
    State.PREPARE_GREETING_AGAIN: "greet",
    State.PROCESSING_COMMAND: "command",
    State.PREPARE_RESPONSE: "respond",
    State.END_SESSION: "end",
}
_BY_NUMBER = [_SHORT[state] for state in State]  # as the table has them


@dataclass(slots=True)
class _Thread:
    number: int
    shown: tuple[int | None, int] | None = None


class ThreadNames:
    """The names of a worker's threads that serve connections: who is logged in, and the session's state.

    They are what the table says when they are brought up to date. To name a thread with each state would be
    a part of every command's cost, and be seen by nobody: who looks, looks once in a second.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._threads: dict[int, _Thread] = {}

    def enter(self, slot: int) -> None:
        """The thread that calls serves the connection that has this slot of the table."""
        self._threads[slot] = thread = _Thread(threading.get_native_id())
        _show(thread, self._table.session(slot))

    def leave(self, slot: int) -> None:
        """The slot's connection is over."""
        self._threads.pop(slot, None)

    def bring_up_to_date(self) -> None:
        """Name those whose name has changed."""
        sessions = self._table.sessions()
        for slot, thread in list(self._threads.items()):
            # of those that have come since we looked there may be no more than their beginning
            if slot < len(sessions) and sessions[slot] != thread.shown:
                _show(thread, sessions[slot])


def name_process(name: str) -> None:
    """The name of this process, which is that of its first thread; called in that."""
    name_this(f"eppd {name}")


def name_this(text: str) -> None:
    """The name of the thread that calls."""
    _call(threading.get_native_id(), text)


def _show(thread: _Thread, session: tuple[int | None, int]) -> None:
    registrar, state = thread.shown = session
    _call(thread.number, f"{'-' if registrar is None else registrar_name(registrar)} {_BY_NUMBER[state]}")


def _call(thread: int, text: str) -> None:
    name = text.encode("ascii", "replace")[:_LONGEST]
    # as pthread_setname_np(3) does it; the thread may have ended, and nothing depends on its name
    with suppress(OSError):
        comm = os.open(f"/proc/self/task/{thread}/comm", os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(comm, name)
        finally:
            os.close(comm)
