"""What a registry begins with: the registrars 1 and 50, and those that are put in from outside."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from srs_epp.registry import clock, contacts, passwords, registrars
from srs_epp.registry.audit import Audit
from srs_epp.registry.contacts import Values
from srs_epp.registry.refusals import refusal
from srs_epp.registry.registrars import ALL_ROLES, JOBS, REGISTRY

_JOB_ROLES = frozenset({"Connect", "Query", "QueryAllDomains", "ReleaseDomain", "Whois"})


def is_new(database: sqlite3.Connection) -> bool:
    """Whether the registry's own registrars have yet to be made."""
    return any(registrars.find(one, database) is None for one in (REGISTRY, JOBS))


def found(database: sqlite3.Connection) -> None:
    """Make the registry's own registrars, unless they are there."""
    for registrar_id, name, roles in (
        (REGISTRY, "Registry", ALL_ROLES),
        (JOBS, "Registry jobs", _JOB_ROLES),
    ):
        if registrars.find(registrar_id, database) is None:
            _insert(registrar_id, name, _audit(database), database)
            registrars.replace_roles(registrar_id, roles, database)


def put_registrar(
    registrar_id: int,
    name: str,
    password: str,
    keys: Sequence[str],
    roles: frozenset[str],
    database: sqlite3.Connection,
) -> None:
    """Create a registrar, or change it. SRSError INVALID_PASSWORD, PUBLIC_KEY_INVALID, INVALID_FIELD."""
    for role in roles - ALL_ROLES:
        raise refusal("INVALID_FIELD", role, "RoleName")
    audit = _audit(database)
    if registrars.find(registrar_id, database) is None:
        _insert(registrar_id, name, audit, database)
    registrars.change(
        registrar_id,
        {"name": name, "password_hash": passwords.to_store(password), **audit.columns()},
        database,
    )
    registrars.replace_keys(registrar_id, keys, database)
    registrars.replace_roles(registrar_id, roles, database)


def _audit(database: sqlite3.Connection) -> Audit:
    return Audit(int(clock.moment(database).timestamp()), REGISTRY, "bootstrap")


def _insert(registrar_id: int, name: str, audit: Audit, database: sqlite3.Connection) -> None:
    values = _contact(registrar_id, name)
    row: Values = {"registrar_id": registrar_id, "name": name, "acc_ref": "n/a", **audit.columns()}
    for column in ("public_contact", "srs_contact", "technical_contact"):
        row[column] = contacts.insert(values, audit, database)
    registrars.insert(row, database)


def _contact(registrar_id: int, name: str) -> Values:
    """A contact to begin with: every registrar has three."""
    values: Values = dict.fromkeys((column for _, _, column in contacts.PARTS), None)
    return values | {
        "name": name,
        "email": f"registrar-{registrar_id}@example.net",
        "address1": "1 Example Street",
        "city": "Wellington",
        "country_code": "NZ",
        "phone_country_code": "64",
        "phone_area_code": "4",
        "phone_local_number": "5550100",
        "privacy": 0,
    }
