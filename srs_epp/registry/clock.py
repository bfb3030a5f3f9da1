"""The registry's clock: real time plus an offset that lives in the database, so that others can move it."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

from srs_epp.registry.store import Store


class Clock:
    """Tells the registry's time. Whole seconds: the protocol knows no others."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self) -> datetime:
        """The present moment, in UTC, as it is for the registry."""
        with self._store.reading() as database:
            return moment(database)

    def move(self, distance: timedelta) -> None:
        """Put the clock forward (or back, where ``distance`` is negative), for every process at once.

        ValueError where it would leave the years 2000 to 2999.
        """
        with self._store.writing() as database:
            _put(_offset(database) + distance, database)

    def set(self, present: datetime) -> None:
        """Make it ``present`` (an aware datetime) now; time goes on from there. ValueError as ``move``."""
        with self._store.writing() as database:
            _put(present - _real(), database)


def moment(database: sqlite3.Connection) -> datetime:
    """The registry's time, seen from within a transaction."""
    return _real() + _offset(database)


def _real() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _offset(database: sqlite3.Connection) -> timedelta:
    [(seconds,)] = database.execute("SELECT value FROM settings WHERE name = 'clock_offset'")
    return timedelta(seconds=seconds)


def _put(offset: timedelta, database: sqlite3.Connection) -> None:
    try:
        year = (_real() + offset).year
    except OverflowError:
        year = 0
    if not 2000 <= year <= 2999:
        raise ValueError("the clock must stay within the years 2000 to 2999")
    database.execute(
        "UPDATE settings SET value = ? WHERE name = 'clock_offset'", (int(offset.total_seconds()),)
    )
