"""Server transaction identifiers (RFC 5730 section 2.6): no two alike, across restarts, workers, machines."""

from __future__ import annotations

import itertools
import uuid


class TransactionIds:
    """Made once in each worker process; any number of threads take from it.

    >>> ids = TransactionIds()
    >>> first, second = ids.next(), ids.next()
    >>> first != second and 3 <= len(first) <= 64
    True
    """

    def __init__(self) -> None:
        self._process = uuid.uuid4().hex
        self._counter = itertools.count(1)

    def next(self) -> str:
        return f"{self._process}-{next(self._counter):x}"
