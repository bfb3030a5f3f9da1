"""The contacts that an order gives to a domain: by HandleId, by fields, or back to the default."""

from __future__ import annotations

from srs_epp.registry import contacts
from srs_epp.registry.audit import Audit
from srs_epp.registry.contacts import Values
from srs_epp.registry.domains import Domain
from srs_epp.registry.refusals import refusal
from srs_epp.registry.transaction import Transaction
from srs_epp.srs.values import Element, attribute

TAGS = (  # element, column
    ("RegistrantContact", "registrant"),
    ("AdminContact", "admin"),
    ("TechnicalContact", "technical"),
)


def named(order: Element, tag: str, registrar_id: int, transaction: Transaction) -> int | None:
    """The contact that the child ``tag`` of an order names or gives in full; None where it does neither.

    SRSError: HANDLE_ID_WITH_CONTACT_FIELDS, HANDLE_DOES_NOT_EXIST, and what a contact's fields can raise.
    """
    element = order.find(tag)
    if element is None:
        return None
    handle = _handle(element, registrar_id, transaction)
    if handle is not None or not contacts.has_fields(element):
        return handle
    return contacts.insert(contacts.new(element), Audit.of(order, transaction), transaction.database)


def changed(order: Element, domain: Domain, registrar_id: int, transaction: Transaction) -> Values:
    """The columns of a domain that an update's contacts change. SRSError as ``named``."""
    row: Values = {}
    for tag, column in TAGS:
        element = order.find(tag)
        if element is None:
            continue
        handle = _handle(element, registrar_id, transaction)
        if handle is not None:
            row[column] = handle
        elif contacts.has_fields(element):
            row[column] = _with_fields(element, column, domain, Audit.of(order, transaction), transaction)
        elif column != "registrant":  # which has no default
            row[column] = None
    return row


def _handle(element: Element, registrar_id: int, transaction: Transaction) -> int | None:
    handle_id = attribute(element, "HandleId")
    if handle_id is None:
        return None
    if contacts.has_fields(element):
        raise refusal("HANDLE_ID_WITH_CONTACT_FIELDS")
    found = contacts.find_handle(handle_id, registrar_id, transaction.database)
    if found is None:
        raise refusal("HANDLE_DOES_NOT_EXIST", str(element.tag))
    return int(found["contact_id"])


def _with_fields(
    element: Element, column: str, domain: Domain, audit: Audit, transaction: Transaction
) -> int:
    """What the domain shows now, changed: in its place, unless that belongs to others too."""
    shown = domain.contact(column)
    values = contacts.changed(contacts.copied(shown), element)
    if domain.row[column] is None or shown["handle_id"] is not None:
        return contacts.insert(values, audit, transaction.database)
    contacts.update(shown["contact_id"], values, audit, transaction.database)
    return int(shown["contact_id"])
