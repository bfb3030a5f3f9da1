"""The domains in the database, as they are read out of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property

from srs_epp.registry import contacts
from srs_epp.registry.contacts import Values
from srs_epp.registry.months import from_seconds
from srs_epp.registry.names import Name
from srs_epp.srs.values import DS, Server

CONTACT_COLUMNS = ("registrant", "admin", "technical")


class Domain:
    """A registered domain. ``row`` is its row of the table; what other tables know is read when asked for."""

    def __init__(self, row: sqlite3.Row, database: sqlite3.Connection) -> None:
        self.row = row
        self._database = database

    @property
    def name(self) -> Name:
        text: str = self.row["name"]
        label, _, zone = text.partition(".")
        return Name(text, label, zone)

    @property
    def status(self) -> str:
        return "Active" if self.row["cancelled"] is None else "PendingRelease"

    @property
    def domain_id(self) -> int:
        found: int = self.row["domain_id"]
        return found

    @property
    def contact_ids(self) -> list[int | None]:
        """The contacts of its own."""
        return [self.row[column] for column in CONTACT_COLUMNS]

    def moment(self, column: str) -> datetime | None:
        """When it was registered, cancelled ...; None where it was not."""
        seconds = self.row[column]
        return from_seconds(seconds) if seconds is not None else None

    @cached_property
    def servers(self) -> list[Server]:
        rows = self._database.execute(
            "SELECT fqdn, ipv4, ipv6 FROM name_servers WHERE domain_id = ? ORDER BY position",
            (self.row["domain_id"],),
        )
        return [Server(*row) for row in rows]

    @cached_property
    def ds(self) -> list[DS]:
        rows = self._database.execute(
            "SELECT key_tag, algorithm, digest_type, digest FROM ds_records WHERE domain_id = ?"
            " ORDER BY position",
            (self.row["domain_id"],),
        )
        return [DS(*row) for row in rows]

    @cached_property
    def registrar(self) -> sqlite3.Row:
        [row] = self._database.execute(
            "SELECT * FROM registrars WHERE registrar_id = ?", (self.row["registrar_id"],)
        )
        found: sqlite3.Row = row
        return found

    @cached_property
    def registrant(self) -> sqlite3.Row:
        return contacts.find(self.row["registrant"], self._database)

    @cached_property
    def admin(self) -> sqlite3.Row:
        """The contact of its own, else the registrant."""
        own = self.row["admin"]
        return contacts.find(own, self._database) if own is not None else self.registrant

    @cached_property
    def technical(self) -> sqlite3.Row:
        """The contact of its own, else the registrar's default."""
        own = self.row["technical"]
        return contacts.find(own if own is not None else self.registrar["technical_contact"], self._database)

    def contact(self, column: str) -> sqlite3.Row:
        """What it shows as ``registrant``, ``admin`` or ``technical``."""
        found: sqlite3.Row = getattr(self, column)
        return found

    @cached_property
    def registrar_public(self) -> sqlite3.Row:
        return contacts.find(self.registrar["public_contact"], self._database)


def find(name: str, database: sqlite3.Connection) -> Domain | None:
    """The domain of that name (in lower case)."""
    row = database.execute("SELECT * FROM domains WHERE name = ?", (name,)).fetchone()
    return Domain(row, database) if row is not None else None


def get(domain_id: int, database: sqlite3.Connection) -> Domain:
    """The domain, as it is in the database now."""
    [row] = database.execute("SELECT * FROM domains WHERE domain_id = ?", (domain_id,))
    return Domain(row, database)


def change(domain_id: int, row: Values, database: sqlite3.Connection) -> None:
    """Change columns of a domain."""
    columns = ", ".join(f"{column} = ?" for column in row)
    database.execute(f"UPDATE domains SET {columns} WHERE domain_id = ?", (*row.values(), domain_id))


def remove(domain: Domain, seconds: int, database: sqlite3.Connection) -> None:
    """Make the name available again."""
    database.execute("DELETE FROM domains WHERE domain_id = ?", (domain.domain_id,))
    contacts.settle(domain.contact_ids, seconds, database)


def find_all(
    database: sqlite3.Connection, *, registrar_id: int | None, names: Sequence[str] | None
) -> Iterator[Domain]:
    """The domains of one registrar, or of all; of these names (in lower case), or of any; by name."""
    wanted = ["TRUE"]
    values: list[str | int] = []
    if registrar_id is not None:
        wanted.append("registrar_id = ?")
        values.append(registrar_id)
    if names is not None:
        wanted.append(f"name IN ({', '.join('?' * len(names))})")
        values += names
    rows = database.execute(f"SELECT * FROM domains WHERE {' AND '.join(wanted)} ORDER BY name", values)
    return (Domain(row, database) for row in rows)


def replace_servers(domain_id: int, servers: Sequence[Server], database: sqlite3.Connection) -> None:
    """Store the whole list of name servers."""
    database.execute("DELETE FROM name_servers WHERE domain_id = ?", (domain_id,))
    database.executemany(
        "INSERT INTO name_servers VALUES (?, ?, ?, ?, ?)",
        [(domain_id, place, one.name, one.ipv4, one.ipv6) for place, one in enumerate(servers)],
    )


def replace_ds(domain_id: int, records: Sequence[DS], database: sqlite3.Connection) -> None:
    """Store the whole list of DS records."""
    database.execute("DELETE FROM ds_records WHERE domain_id = ?", (domain_id,))
    database.executemany(
        "INSERT INTO ds_records VALUES (?, ?, ?, ?, ?, ?)",
        [
            (domain_id, place, one.key_tag, one.algorithm, one.digest_type, one.digest)
            for place, one in enumerate(records)
        ],
    )
