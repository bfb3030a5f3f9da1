"""What is behind the proxy, as its users see it: an exchange of a Transaction for results, and its failures.

What can go wrong is told apart by what the registry may have done: NotSent (nothing), Unanswered (nobody
knows) and Unacceptable (something, but we can't believe what it says).
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from srs_epp.srs.results import Result
from srs_epp.srs.transaction import Transaction

E = TypeVar("E", bound=Exception)


class BackendError(Exception):
    """The registry gave no answer that can be used."""


class NotSent(BackendError):
    """No connection, or none free in time: the registry has seen nothing of the request."""


class Unanswered(BackendError):
    """The request went out, and no whole answer came: what the registry did is not known."""


class Unacceptable(BackendError):
    """An answer came that is no signed SRS response, or not one to this request."""


def untied(error: E) -> E:
    """The error, to be kept as a value: without the frames that it came through, and what came before it.

    The frames know it, and everything of the session. Such a ring would stay until the garbage collector
    comes by, with the connections and log files of before a reload.
    """
    error.__traceback__ = error.__context__ = error.__cause__ = None
    return error


class Backend(Protocol):
    """What a session needs of the registry."""

    def exchange(self, transaction: Transaction, *, timeout: float | None = None) -> list[Result]:
        """The results, one for each action. SRSError where the whole request was refused; BackendError.

        ``timeout``: seconds, where it is not the usual time.
        """
