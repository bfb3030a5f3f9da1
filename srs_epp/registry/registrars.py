"""The registrars in the database: what they are, may do, and sign with."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from srs_epp.registry import contacts
from srs_epp.registry.refusals import refusal
from srs_epp.srs.openpgp import Keyring, KeyUnusable

REGISTRY = 1  # the registry itself
JOBS = 50  # its scheduled jobs

ALL_ROLES = frozenset(
    {
        "Administer",
        "CancelDomain",
        "Connect",
        "CreateDomain",
        "Query",
        "QueryACL",
        "QueryAllDomains",
        "QueryRegACL",
        "Registrar",
        "Registry",
        "ReleaseDomain",
        "Supervisor",
        "TransferDomain",
        "UncancelDomain",
        "UpdateACL",
        "UpdateAnyDomainDisclosure",
        "UpdateDomain",
        "UpdateRegistrar",
        "Whois",
    }
)
USUAL_ROLES = frozenset(
    {
        "CancelDomain",
        "Connect",
        "CreateDomain",
        "Query",
        "QueryACL",
        "Registrar",
        "TransferDomain",
        "UncancelDomain",
        "UpdateDomain",
        "UpdateRegistrar",
        "Whois",
    }
)


class Registrar:
    """A registrar; ``row`` is its row of the table."""

    def __init__(self, row: sqlite3.Row, database: sqlite3.Connection) -> None:
        self.row = row
        self._database = database

    @property
    def registrar_id(self) -> int:
        found: int = self.row["registrar_id"]
        return found

    @property
    def keys(self) -> tuple[str, ...]:
        """Its armoured certificates, in the order in which they were given."""
        return keys(self.registrar_id, self._database)

    @property
    def roles(self) -> frozenset[str]:
        return roles(self.registrar_id, self._database)

    @property
    def zones(self) -> frozenset[str]:
        """Its Allowed2LDs."""
        return zones(self.registrar_id, self._database)

    def contact(self, column: str) -> sqlite3.Row:
        """The contact in one of the columns public_contact, srs_contact, technical_contact."""
        return contacts.find(self.row[column], self._database)


def find(registrar_id: int, database: sqlite3.Connection) -> Registrar | None:
    """The registrar of that id."""
    row = database.execute("SELECT * FROM registrars WHERE registrar_id = ?", (registrar_id,)).fetchone()
    return Registrar(row, database) if row is not None else None


def find_all(database: sqlite3.Connection) -> Iterable[Registrar]:
    """All registrars, by id."""
    return (
        Registrar(row, database) for row in database.execute("SELECT * FROM registrars ORDER BY registrar_id")
    )


def insert(row: contacts.Values, database: sqlite3.Connection) -> None:
    """Store a new registrar; ``row``: values by column."""
    database.execute(
        f"INSERT INTO registrars ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
    )


def change(registrar_id: int, row: contacts.Values, database: sqlite3.Connection) -> None:
    """Change columns of a registrar."""
    columns = ", ".join(f"{column} = ?" for column in row)
    database.execute(f"UPDATE registrars SET {columns} WHERE registrar_id = ?", (*row.values(), registrar_id))


def keys(registrar_id: int, database: sqlite3.Connection) -> tuple[str, ...]:
    """The armoured certificates of a registrar."""
    rows = database.execute(
        "SELECT armoured FROM registrar_keys WHERE registrar_id = ? ORDER BY position", (registrar_id,)
    )
    return tuple(armoured for (armoured,) in rows)


def roles(registrar_id: int, database: sqlite3.Connection) -> frozenset[str]:
    """What a registrar may do."""
    rows = database.execute("SELECT role FROM registrar_roles WHERE registrar_id = ?", (registrar_id,))
    return frozenset(role for (role,) in rows)


def check_may_hold(registrar_id: int, database: sqlite3.Connection) -> None:
    """Whether it can be given a domain. SRSError DOMAIN_ASSIGNED_TO_NON_REGISTRAR."""
    if "Registrar" not in roles(registrar_id, database):
        raise refusal("DOMAIN_ASSIGNED_TO_NON_REGISTRAR", str(registrar_id))


def zones(registrar_id: int, database: sqlite3.Connection) -> frozenset[str]:
    """The second levels that a registrar is let into."""
    rows = database.execute("SELECT zone FROM registrar_zones WHERE registrar_id = ?", (registrar_id,))
    return frozenset(zone for (zone,) in rows)


def replace_keys(registrar_id: int, armoured: Iterable[str], database: sqlite3.Connection) -> None:
    """Store the whole list of certificates. SRSError PUBLIC_KEY_INVALID where one can't be used."""
    given = list(armoured)
    try:
        Keyring(given)
    except KeyUnusable:
        raise refusal("PUBLIC_KEY_INVALID") from None
    database.execute("DELETE FROM registrar_keys WHERE registrar_id = ?", (registrar_id,))
    database.executemany(
        "INSERT INTO registrar_keys VALUES (?, ?, ?)",
        [(registrar_id, place, text) for place, text in enumerate(given)],
    )


def replace_roles(registrar_id: int, given: Iterable[str], database: sqlite3.Connection) -> None:
    """Store the whole set of roles."""
    database.execute("DELETE FROM registrar_roles WHERE registrar_id = ?", (registrar_id,))
    database.executemany(
        "INSERT INTO registrar_roles VALUES (?, ?)", [(registrar_id, role) for role in sorted(set(given))]
    )


def replace_zones(registrar_id: int, given: Iterable[str], database: sqlite3.Connection) -> None:
    """Store the whole set of second levels."""
    database.execute("DELETE FROM registrar_zones WHERE registrar_id = ?", (registrar_id,))
    database.executemany(
        "INSERT INTO registrar_zones VALUES (?, ?)", [(registrar_id, zone) for zone in sorted(set(given))]
    )
