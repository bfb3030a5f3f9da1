"""HandleDetailsQry, HandleCreate and HandleUpdate."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from srs_epp.registry import contacts, matching, records, registrars
from srs_epp.registry.audit import Audit
from srs_epp.registry.elements import make
from srs_epp.registry.fields import DateRange, filters, required
from srs_epp.registry.months import from_seconds
from srs_epp.registry.paging import Page
from srs_epp.registry.refusals import refusal
from srs_epp.registry.transaction import Answer, Transaction
from srs_epp.srs.values import Element, flag

Test: TypeAlias = Callable[[sqlite3.Row], bool]

# 3 to 16 word characters, hyphens and dots, with single blanks between them
_HANDLE_ID = re.compile(r"(?=.{3,16}\Z)[\w.-]+( [\w.-]+)*")
RESERVED = "nzrs_auto"  # how the ids begin that the registry makes itself

_DATE_FILTERS = (("SearchDateRange", "created"), ("ChangedInDateRange", "changed"))


def details(query: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """The effective registrar's own handles, or all where its roles let it see them."""
    page = Page.read(query)
    ids = filters(query, "HandleIdFilter")
    plain = not any(matching.has_wildcard(handle_id) for handle_id in ids)
    sees_all = "QueryAllDomains" in registrars.roles(registrar_id, transaction.database)
    found = _find_all(
        transaction.database,
        registrar_id=None if sees_all else registrar_id,
        ids=ids if ids and plain else None,
    )
    tests = list(_tests(query))
    if not plain:
        tests.append(_any_id(ids))
    return page.of((row for row in found if all(test(row) for test in tests)), records.handle)


def create(order: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """A new handle of the effective registrar."""
    handle_id = required(order, "HandleId")
    if not _HANDLE_ID.fullmatch(handle_id) or handle_id.lower().startswith(RESERVED):
        raise refusal("INVALID_FIELD", handle_id, "HandleId")
    values = contacts.new(order)
    if contacts.find_handle(handle_id, registrar_id, transaction.database) is not None:
        raise refusal("HANDLE_ALREADY_EXISTS", handle_id)
    made = contacts.insert(
        values,
        Audit.of(order, transaction),
        transaction.database,
        registrar_id=registrar_id,
        handle_id=handle_id,
    )
    return Answer([records.handle(contacts.find(made, transaction.database))])


def update(order: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """Change a handle for all domains that name it, or remove one that nothing names."""
    database, handle_id = transaction.database, required(order, "HandleId")
    found = contacts.find_handle(handle_id, registrar_id, database)
    if found is None:
        raise refusal("HANDLE_DOES_NOT_EXIST", handle_id)
    contact_id = found["contact_id"]
    if flag(order, "Delete"):
        if contacts.has_fields(order):
            raise refusal("DELETE_FLAG_WITH_OTHER_FIELDS")
        if contacts.in_use(contact_id, database):
            raise refusal("HANDLE_IN_USE")
        contacts.remove(contact_id, database)
        return Answer()
    values = contacts.changed(contacts.copied(found), order)
    contacts.update(contact_id, values, Audit.of(order, transaction), database)
    record = records.handle(contacts.find(contact_id, database))
    record.append(_changed_domains(contact_id, database))
    return Answer([record])


def _changed_domains(contact_id: int, database: sqlite3.Connection) -> Element:
    """The names of the domains that show the contact, their registrar's default contact included."""
    rows = database.execute(
        "SELECT name FROM domains WHERE :it IN (registrant, admin, technical) OR technical IS NULL"
        " AND registrar_id IN (SELECT registrar_id FROM registrars WHERE technical_contact = :it)"
        " ORDER BY name",
        {"it": contact_id},
    )
    element = make("ChangedDomains")
    element.extend(make("Domain", DomainName=name) for (name,) in rows)
    return element


def _find_all(
    database: sqlite3.Connection, *, registrar_id: int | None, ids: Sequence[str] | None
) -> Iterator[sqlite3.Row]:
    wanted = ["handle_id IS NOT NULL"]
    values: list[str | int] = []
    if registrar_id is not None:
        wanted.append("registrar_id = ?")
        values.append(registrar_id)
    if ids is not None:
        wanted.append(f"handle_id IN ({', '.join('?' * len(ids))})")
        values += ids
    return iter(
        database.execute(
            f"SELECT * FROM contacts WHERE {' AND '.join(wanted)} ORDER BY handle_id, registrar_id", values
        )
    )


def _tests(query: Element) -> Iterable[Test]:
    contact = query.find("ContactFilter")
    if contact is not None:
        yield matching.contact_filter(contact)
    for tag, column in _DATE_FILTERS:
        element = query.find(tag)
        if element is not None:
            yield _within(DateRange.read(element), column)


def _within(range_: DateRange, column: str) -> Test:
    return lambda row: range_.holds(from_seconds(row[column]))


def _any_id(ids: Iterable[str]) -> Test:
    patterns = [matching.pattern(handle_id) for handle_id in ids]
    return lambda row: any(matches(row["handle_id"]) for matches in patterns)
