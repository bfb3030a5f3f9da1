"""Names of processes and threads, as ps and top show them: fifteen octets, by prctl(2)."""

from __future__ import annotations

import ctypes
from functools import lru_cache

_PR_SET_NAME = 15
_LONGEST = 15

# PyDLL keeps the interpreter's lock: the call takes less time than giving the lock away
_prctl = ctypes.PyDLL(None).prctl
_prctl.argtypes = (ctypes.c_int, ctypes.c_char_p)

_SHORT = {
    "Waiting for Client": "connect",
    "Prepare Greeting": "greet",
    "Waiting for Client Authentication": "login?",
    "Processing <login>": "login",
    "Prepare Fail Response": "respond",
    "Prepare Response": "respond",
    "Waiting for Command": "idle",
    "Processing Command": "command",
    "End Session": "end",
}


def name_process(name: str) -> None:
    """The name of this process, which is that of its first thread; called in that."""
    name_this(f"eppd {name}")


def name_thread(registrar: str | None, state: str) -> None:
    """The name of a connection's thread: who is logged in, and the session's state (RFC 5730)."""
    _prctl(_PR_SET_NAME, _name_of_thread(registrar, state))


def name_this(text: str) -> None:
    """The name of the thread that calls."""
    _prctl(_PR_SET_NAME, _octets(text))


@lru_cache(maxsize=4096)  # every command changes it twice
def _name_of_thread(registrar: str | None, state: str) -> bytes:
    return _octets(f"{registrar or '-'} {_SHORT.get(state, state)}")


def _octets(text: str) -> bytes:
    return text.encode("ascii", "replace")[:_LONGEST]
