"""Whether a service serves, and how soon again."""

from __future__ import annotations

import time

from tests.end_to_end.client import Client, Server, check

RULE = 10.0  # seconds within which the service serves again by itself


def serves(server: Server) -> bool:
    """Whether a new session gets an answer of the registry."""
    try:
        with Client(server, timeout=RULE) as client:
            client.log_in(server.registrar(100))
            return client.ask(check("served.nz")).code == 1000
    except (OSError, EOFError, AssertionError):
        return False


def seconds_until_served(server: Server) -> float | None:
    """How long it takes until it serves; None where that is longer than the rule."""
    began = time.monotonic()
    while not serves(server):
        if time.monotonic() - began > RULE:
            return None
        time.sleep(0.05)
    return round(time.monotonic() - began, 3)
