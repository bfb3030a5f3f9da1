"""Contacts: the parts that they have, what is checked of them, and how they get into the database and out.

A contact in memory is a mapping of the columns of PARTS, and ``privacy``, to their values.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from srs_epp.registry.audit import Audit
from srs_epp.registry.names import is_host_name
from srs_epp.registry.refusals import refusal
from srs_epp.srs.values import Element, attribute

Values: TypeAlias = dict[str, str | int | None]

PARTS = (  # child element ("" for the contact itself), attribute, column
    ("", "Name", "name"),
    ("", "Email", "email"),
    ("PostalAddress", "Address1", "address1"),
    ("PostalAddress", "Address2", "address2"),
    ("PostalAddress", "City", "city"),
    ("PostalAddress", "Province", "province"),
    ("PostalAddress", "CountryCode", "country_code"),
    ("PostalAddress", "PostalCode", "postal_code"),
    ("Phone", "CountryCode", "phone_country_code"),
    ("Phone", "AreaCode", "phone_area_code"),
    ("Phone", "LocalNumber", "phone_local_number"),
    ("Fax", "CountryCode", "fax_country_code"),
    ("Fax", "AreaCode", "fax_area_code"),
    ("Fax", "LocalNumber", "fax_local_number"),
)

_MANDATORY = frozenset(
    {"name", "email", "address1", "city", "country_code", "phone_country_code", "phone_local_number"}
)
_MANDATORY_IN_FAX = frozenset({"fax_country_code", "fax_local_number"})

_COUNTRY = re.compile(r"[A-Za-z]{2}")
_CALLING_CODE = re.compile(r"[0-9]{1,3}")
_AREA_CODE = re.compile(r"[0-9 ()-]{1,16}")
_FORMS = {
    "country_code": _COUNTRY,
    "phone_country_code": _CALLING_CODE,
    "fax_country_code": _CALLING_CODE,
    "phone_area_code": _AREA_CODE,
    "fax_area_code": _AREA_CODE,
}


def changed(old: Mapping[str, str | int | None], element: Element) -> Values:
    """``old`` with what the element gives: what it leaves out stays, what it gives empty is cleared.

    SRSError MISSING_MANDATORY_FIELD, INVALID_FIELD where the outcome can't be a contact.
    """
    values: Values = {column: old.get(column) for _, _, column in PARTS}
    for part, name, column in PARTS:
        holder = element.find(part) if part else element
        # an empty <Fax/> clears the whole number
        if holder is not None and (name in holder.attrib or (part == "Fax" and not holder.attrib)):
            values[column] = attribute(holder, name)
    given = attribute(element, "Privacy")
    values["privacy"] = int(given) if given is not None else old.get("privacy") or 0
    _check(values, str(element.tag))
    return values


def new(element: Element) -> Values:
    """The contact that the element gives in full. SRSError as ``changed``."""
    return changed({}, element)


def has_fields(element: Element) -> bool:
    """Whether the element gives any part of a contact, however empty; a HandleId is none."""
    return any(element.find(part) is not None for part in ("PostalAddress", "Phone", "Fax")) or any(
        name in element.attrib for name in ("Name", "Email", "Privacy")
    )


def insert(
    values: Values,
    audit: Audit,
    database: sqlite3.Connection,
    *,
    registrar_id: int | None = None,
    handle_id: str | None = None,
) -> int:
    """Store a contact, as a handle of ``registrar_id`` where a ``handle_id`` is given; its contact_id."""
    row: Values = {
        **values,
        "registrar_id": registrar_id,
        "handle_id": handle_id,
        "created": audit.changed,
        "unused": audit.changed if handle_id is not None else None,
        **audit.columns(),
    }
    [(contact_id,)] = database.execute(
        f"INSERT INTO contacts ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) RETURNING contact_id",
        tuple(row.values()),
    )
    return int(contact_id)


def update(contact_id: int, values: Values, audit: Audit, database: sqlite3.Connection) -> None:
    """Store a changed contact in its place. A handle that nothing names is unused from now on."""
    row = values | audit.columns()
    columns = ", ".join(f"{column} = ?" for column in row)
    database.execute(
        f"UPDATE contacts SET {columns}, unused = CASE WHEN unused IS NOT NULL THEN ? END"
        " WHERE contact_id = ?",
        (*row.values(), audit.changed, contact_id),
    )


def find(contact_id: int, database: sqlite3.Connection) -> sqlite3.Row:
    """The stored contact."""
    [row] = database.execute("SELECT * FROM contacts WHERE contact_id = ?", (contact_id,))
    found: sqlite3.Row = row
    return found


def find_handle(handle_id: str, registrar_id: int, database: sqlite3.Connection) -> sqlite3.Row | None:
    """The registrar's handle of that id."""
    found: sqlite3.Row | None = database.execute(
        "SELECT * FROM contacts WHERE registrar_id = ? AND handle_id = ?", (registrar_id, handle_id)
    ).fetchone()
    return found


def copied(contact: sqlite3.Row) -> Values:
    """The values of a stored contact, for another one that is to be like it."""
    return {column: contact[column] for column in (*(column for _, _, column in PARTS), "privacy")}


def find_alike(values: Values, registrar_id: int, prefix: str, database: sqlite3.Connection) -> int | None:
    """The registrar's handle with an id that begins so and exactly these values."""
    same = " AND ".join(f"{column} IS ?" for column in values)
    row = database.execute(
        f"SELECT contact_id FROM contacts WHERE registrar_id = ? AND handle_id GLOB ? AND {same}",
        (registrar_id, f"{prefix}*", *values.values()),
    ).fetchone()
    return int(row["contact_id"]) if row is not None else None


def in_use(contact_id: int, database: sqlite3.Connection) -> bool:
    """Whether a domain or a registrar names the contact."""
    [(used,)] = database.execute(
        "SELECT EXISTS (SELECT 1 FROM domains WHERE registrant = :it)"
        " OR EXISTS (SELECT 1 FROM domains WHERE admin = :it)"
        " OR EXISTS (SELECT 1 FROM domains WHERE technical = :it)"
        " OR EXISTS (SELECT 1 FROM registrars WHERE :it IN (public_contact, srs_contact, technical_contact))",
        {"it": contact_id},
    )
    return bool(used)


def settle(contact_ids: Iterable[int | None], seconds: int, database: sqlite3.Connection) -> None:
    """Look after contacts that have come into use or may have gone out of it at a moment.

    A handle that nothing names any more is unused from now on; any other contact goes with its owner.
    """
    for contact_id in {one for one in contact_ids if one is not None}:
        if in_use(contact_id, database):
            database.execute(
                "UPDATE contacts SET unused = NULL WHERE contact_id = ? AND unused IS NOT NULL", (contact_id,)
            )
        else:
            database.execute(
                "UPDATE contacts SET unused = ? WHERE contact_id = ? AND handle_id IS NOT NULL",
                (seconds, contact_id),
            )
            remove(contact_id, database, only_inline=True)


def remove(contact_id: int, database: sqlite3.Connection, *, only_inline: bool = False) -> None:
    """Take a contact that nothing names out of the database; ``only_inline``: unless it is a handle."""
    condition = " AND handle_id IS NULL" if only_inline else ""
    database.execute(f"DELETE FROM contacts WHERE contact_id = ?{condition}", (contact_id,))


def _check(values: Values, tag: str) -> None:
    has_fax = any(values[column] is not None for _, _, column in PARTS if column.startswith("fax_"))
    mandatory = _MANDATORY | _MANDATORY_IN_FAX if has_fax else _MANDATORY
    for part, name, column in PARTS:
        value = values[column]
        if value is None:
            if column in mandatory:
                raise refusal("MISSING_MANDATORY_FIELD", name, part or tag)
        elif not _well_formed(column, str(value)):
            raise refusal("INVALID_FIELD", str(value), name)


def _well_formed(column: str, value: str) -> bool:
    if column == "email":
        local, at, host = value.rpartition("@")
        return bool(local and at) and not re.search(r"[\s@]", local) and is_host_name(host.lower())
    form = _FORMS.get(column)
    return form is None or form.fullmatch(value) is not None
