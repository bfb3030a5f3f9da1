"""The database: SQLite, with one connection a thread.

What has been committed survives a crash of the process and of the machine (WAL, synchronous=FULL).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from srs_epp.registry.tables import MIGRATIONS

_PATIENCE = 30.0  # seconds that a writer waits for one of another process


class StoreTooNew(RuntimeError):
    """The database was written by a newer version of this program."""


class Store:
    """Transactions on the database, from any thread."""

    def __init__(self, path: Path) -> None:
        """Opens or creates the database. OSError or sqlite3.Error where that fails, StoreTooNew."""
        # it holds passwords and UDAIs of stored requests: nobody else may read it
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._path = path
        self._mine = threading.local()
        self._open: set[sqlite3.Connection] = set()
        self._guard = threading.Lock()
        # SQLite's own lock makes waiters sleep and try again; this one wakes them in turn
        self._writers = threading.Lock()
        try:
            with self.reading() as database:
                version = _version(database)
            if version < len(MIGRATIONS):
                with self.writing() as database:
                    _migrate(database)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A transaction that sees one state of the database throughout, and must not write."""
        database = self._connection()
        database.execute("BEGIN")
        try:
            yield database
        finally:
            if database.in_transaction:
                database.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is committed at the end, or undone where an exception leaves the block.

        sqlite3.OperationalError where another process holds the database for too long.
        """
        with self._writers:
            database = self._connection()
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    def release(self) -> None:
        """Close the connection of the calling thread, which has done its work."""
        database = getattr(self._mine, "database", None)
        if database is not None:
            del self._mine.database
            with self._guard:
                self._open.discard(database)
            database.close()

    def close(self) -> None:
        """Close the connections of all threads; none of them may be at work."""
        with self._guard:
            databases, self._open = self._open, set()
        for database in databases:
            database.close()
        self._mine = threading.local()

    def _connection(self) -> sqlite3.Connection:
        database: sqlite3.Connection | None = getattr(self._mine, "database", None)
        if database is None:
            database = self._mine.database = _connect(self._path)
            with self._guard:
                self._open.add(database)
        return database


@contextmanager
def savepoint(database: sqlite3.Connection) -> Iterator[None]:
    """Part of a transaction that is undone, by itself, where an exception leaves the block."""
    database.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK TO part")
        raise
    finally:
        database.execute("RELEASE part")


def _connect(path: Path) -> sqlite3.Connection:
    # another thread may close it: close() does, when all is over
    database = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA foreign_keys = ON")
    return database


def _version(database: sqlite3.Connection) -> int:
    [(version,)] = database.execute("PRAGMA user_version")
    if version > len(MIGRATIONS):
        raise StoreTooNew(f"the database has version {version}, this program knows {len(MIGRATIONS)}")
    return int(version)


def _migrate(database: sqlite3.Connection) -> None:
    # asked again: another process may have done it in the meantime
    for migration in MIGRATIONS[_version(database) :]:
        for statement in migration:
            database.execute(statement)
    database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
