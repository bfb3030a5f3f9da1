"""What is behind the proxy, as its users see it: an exchange of a Transaction for results, and its failures.

What can go wrong is told apart by what the registry may have done: NotSent (nothing), Unanswered (nobody
knows) and Unacceptable (something, but we can't believe what it says).
"""

from __future__ import annotations

from typing import Protocol

from srs_epp.srs.results import Result
from srs_epp.srs.transaction import Transaction


class BackendError(Exception):
    """The registry gave no answer that can be used."""


class NotSent(BackendError):
    """No connection, or none free in time: the registry has seen nothing of the request."""


class Unanswered(BackendError):
    """The request went out, and no whole answer came: what the registry did is not known."""


class Unacceptable(BackendError):
    """An answer came that is no signed SRS response, or not one to this request."""


class Backend(Protocol):
    """What a session needs of the registry."""

    def exchange(self, transaction: Transaction, *, timeout: float | None = None) -> list[Result]:
        """The results, one for each action. SRSError where the whole request was refused; BackendError.

        ``timeout``: seconds, where it is not the usual time.
        """
