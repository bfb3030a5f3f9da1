"""Whois, DomainDetailsQry and UDAIValidQry."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import TypeAlias

from srs_epp.registry import domains, matching, records, registrars, udai
from srs_epp.registry.domains import Domain
from srs_epp.registry.elements import make
from srs_epp.registry.fields import DateRange, filters
from srs_epp.registry.paging import Page
from srs_epp.registry.transaction import Answer, Transaction
from srs_epp.srs.values import Element, attribute, flag, text_of

Test: TypeAlias = Callable[[Domain], bool]

_CONTACT_FILTERS: tuple[tuple[str, Callable[[Domain], sqlite3.Row]], ...] = (
    ("RegistrantContactFilter", lambda domain: domain.registrant),
    ("AdminContactFilter", lambda domain: domain.admin),
    ("TechnicalContactFilter", lambda domain: domain.technical),
)
_DATE_FILTERS = (  # element, column
    ("RegisteredDateRange", "registered"),
    ("LockedDateRange", "locked"),
    ("CancelledDateRange", "cancelled"),
    ("BilledUntilDateRange", "billed_until"),
)
_TEXT_FILTERS = (("AuditTextFilter", "audit_text"), ("ActionIdFilter", "action_id"))
_VALUE_FILTERS = (("Delegate", "delegate"), ("Term", "term"), ("RegistrantRef", "registrant_ref"))


def whois(query: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """Any registrar may ask about any name."""
    name = transaction.rules.zones.name(query.get("DomainName", ""))
    found = domains.find(name.text, transaction.database)
    if found is None:
        return Answer([records.available(name.text)])
    fields = records.SHORT if flag(query, "FullResult") is False else records.PUBLIC
    return Answer([records.domain(found, fields, public=True)])


def udai_valid(query: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """Any registrar may ask; of a name that is not registered, no UDAI is valid."""
    name = transaction.rules.zones.name(query.get("DomainName", ""))
    found = domains.find(name.text, transaction.database)
    valid = found is not None and udai.matches(found, query.get("UDAI", ""), transaction)
    return Answer([make("UDAIValid", Valid=valid)])


def details(query: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """The effective registrar's own domains, or all where its roles let it see them."""
    page = Page.read(query)
    names = [text.lower() for text in filters(query, "DomainNameFilter")]
    plain = not any(matching.has_wildcard(name) for name in names)
    sees_all = "QueryAllDomains" in registrars.roles(registrar_id, transaction.database)
    found = domains.find_all(
        transaction.database,
        registrar_id=None if sees_all else registrar_id,
        names=names if names and plain else None,
    )
    tests = _tests(query)
    if not plain:
        tests.append(_any_name(names))
    fields, empty_dnssec = _fields(query)
    return page.of(
        (domain for domain in found if all(test(domain) for test in tests)),
        lambda domain: records.domain(domain, fields, empty_dnssec=empty_dnssec),
    )


def _fields(query: Element) -> tuple[frozenset[str], bool]:
    wanted = query.find("FieldList")
    if wanted is None:
        return records.SHORT, False
    return frozenset(str(name) for name, value in wanted.attrib.items() if value == "1"), True


def _any_name(names: Iterable[str]) -> Test:
    patterns = [matching.pattern(name) for name in names]
    return lambda domain: any(matches(domain.name.text) for matches in patterns)


def _tests(query: Element) -> list[Test]:
    """One test for each filter but that of the names."""
    return [*_value_tests(query), *_text_tests(query), *_list_tests(query), *_date_tests(query)]


def _value_tests(query: Element) -> Iterable[Test]:
    status = attribute(query, "Status")
    if status is not None:
        yield lambda domain: domain.status == status
    for name, column in _VALUE_FILTERS:
        value = attribute(query, name)
        if value is not None:
            yield _equals(column, value)


def _text_tests(query: Element) -> Iterable[Test]:
    for tag, column in _TEXT_FILTERS:
        element = query.find(tag)
        if element is not None:
            yield _like(column, text_of(element))


def _list_tests(query: Element) -> Iterable[Test]:
    servers, ds = query.find("NameServerFilter"), query.find("DNSSECFilter")
    if servers is not None:
        servers_match = matching.server_filter(servers)
        yield lambda domain: servers_match(domain.servers)
    if ds is not None:
        ds_match = matching.ds_filter(ds)
        yield lambda domain: ds_match(domain.ds)
    for tag, contact_of in _CONTACT_FILTERS:
        element = query.find(tag)
        if element is not None:
            yield _contact_matches(element, contact_of)


def _date_tests(query: Element) -> Iterable[Test]:
    for tag, column in _DATE_FILTERS:
        element = query.find(tag)
        if element is not None:
            yield _within(DateRange.read(element), column)


def _equals(column: str, value: str) -> Test:
    return lambda domain: str(domain.row[column]) == value


def _like(column: str, text: str) -> Test:
    matches = matching.pattern(text)
    return lambda domain: matches(domain.row[column])


def _within(range_: DateRange, column: str) -> Test:
    return lambda domain: range_.holds(domain.moment(column))


def _contact_matches(element: Element, contact_of: Callable[[Domain], sqlite3.Row]) -> Test:
    matches = matching.contact_filter(element)
    return lambda domain: matches(contact_of(domain))
