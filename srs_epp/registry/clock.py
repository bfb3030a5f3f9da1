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
        """Put the clock forward (or back, where ``distance`` is negative), for every process at once."""
        with self._store.writing() as database:
            database.execute(
                "UPDATE settings SET value = value + ? WHERE name = 'clock_offset'",
                (int(distance.total_seconds()),),
            )

    def set(self, present: datetime) -> None:
        """Make it ``present`` (an aware datetime) now; time goes on from there."""
        with self._store.writing() as database:
            distance = present - datetime.now(UTC).replace(microsecond=0)
            database.execute(
                "UPDATE settings SET value = ? WHERE name = 'clock_offset'",
                (int(distance.total_seconds()),),
            )


def moment(database: sqlite3.Connection) -> datetime:
    """The registry's time, seen from within a transaction."""
    [(offset,)] = database.execute("SELECT value FROM settings WHERE name = 'clock_offset'")
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=offset)
