"""What a handler of an action gets, and what it gives back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from srs_epp.registry.rules import Rules
from srs_epp.srs.values import Element


@dataclass(frozen=True, slots=True)
class Transaction:
    """The transaction in which the actions of one request run.

    ``now`` is the moment of all of them; ``sender`` is who signed the request, and answers for the change in
    the audit details, whoever the effective registrar is; ``roles`` are the sender's.
    """

    database: sqlite3.Connection
    now: datetime
    sender: int
    roles: frozenset[str]
    rules: Rules

    @property
    def seconds(self) -> int:
        """``now`` as it is stored."""
        return int(self.now.timestamp())


@dataclass(frozen=True, slots=True)
class Notice:
    """What another registrar learns of an action: the name and the record of a Response on its queue."""

    recipient: int
    action: str
    record: Element


@dataclass(frozen=True, slots=True)
class Answer:
    """The records that answer an action, or only their number, ``count``. ``more``: these are not all."""

    records: Sequence[Element] = field(default=())
    count: int | None = None
    more: bool = False
    notices: Sequence[Notice] = field(default=())


# (action element, effective registrar, transaction) -> Answer; SRSError where the action is refused
Handler: TypeAlias = Callable[[Element, int, Transaction], Answer]
