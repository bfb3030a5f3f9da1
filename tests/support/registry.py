"""A back end that answers from a script, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from srs_epp.srs.actions import (
    AccessControlListQry,
    Action,
    ActionDetailsQry,
    DomainCreate,
    HandleCreate,
    HandleDetailsQry,
    RegistrarDetailsQry,
    Whois,
)
from srs_epp.srs.crypt import hash_password
from srs_epp.srs.results import Result
from srs_epp.srs.transaction import Transaction
from tests.support import records

PASSWORD = "se cret"  # of documents.login()
Answerer = Callable[[Any], Result]


class ScriptedRegistry:
    """Answers each kind of action as ``answers`` says; what is in ``mishaps`` comes first.

    ``mishaps``: what the next exchanges raise, None for one that goes well. ``meanwhile`` is called in every
    exchange: a look at the world while the registry works.
    """

    def __init__(self) -> None:
        self.heard: list[Transaction] = []
        self.mishaps: list[Exception | None] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.answers: dict[type[Action], Answerer] = {
            RegistrarDetailsQry: lambda action: records.registrar(
                password_hash(PASSWORD), action.registrar_id
            ),
            AccessControlListQry: lambda action: records.entries(1),
            Whois: lambda action: records.result(records.domain(action.name, status_of(action.name))),
            DomainCreate: lambda action: records.result(records.domain(action.name)),
            HandleCreate: lambda action: records.result(records.handle(action.handle_id)),
            HandleDetailsQry: lambda action: records.result(),
            ActionDetailsQry: lambda action: records.result(),  # it knows nothing
        }

    def exchange(self, transaction: Transaction, *, timeout: float | None = None) -> list[Result]:
        self.heard.append(transaction)
        self.meanwhile()
        mishap = self.mishaps.pop(0) if self.mishaps else None
        if mishap is not None:
            raise mishap
        return [self.answers[type(action)](action) for action in transaction.actions]

    @property
    def sizes(self) -> list[int]:
        """How many actions each transaction had."""
        return [len(transaction.actions) for transaction in self.heard]

    @property
    def actions(self) -> list[Action]:
        """Everything asked, in order."""
        return [action for transaction in self.heard for action in transaction.actions]


def status_of(name: str) -> str:
    """In the script, names that start with "taken" are."""
    return "Active" if name.startswith("taken") else "Available"


@cache
def password_hash(password: str) -> str:
    """A crypt(3) hash, made once."""
    return hash_password(password)
