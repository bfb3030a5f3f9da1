"""A transfer: an update by a registrar that does not hold the domain, but knows its UDAI."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from srs_epp.registry import cancellation, contacts, domains, names, records, registrars, renewals, udai
from srs_epp.registry.audit import Audit
from srs_epp.registry.contacts import Values
from srs_epp.registry.domains import Domain
from srs_epp.registry.elements import make
from srs_epp.registry.handles import RESERVED
from srs_epp.registry.refusals import refusal
from srs_epp.registry.transaction import Notice, Transaction
from srs_epp.srs.times import to_attributes
from srs_epp.srs.values import Element, attribute, flag

# what a transfer of a cancelled domain may say, unless it restores the domain
_BARE = frozenset({"ActionId", "UDAI", "ConvertContactsToHandles", "FullResult", "Cancel"})


def check_names(order: Element, wanted: Iterable[str], plain: bool) -> None:
    """What has a UDAI names one domain. SRSError MULTIPLE_DOMAIN_TRANSFER, INVALID_WILDCARD_...FILTER."""
    if attribute(order, "UDAI") is None:
        return
    if len(set(wanted)) > 1:
        raise refusal("MULTIPLE_DOMAIN_TRANSFER")
    if not plain:
        raise refusal("INVALID_WILDCARD_IN_DOMAINNAMEFILTER")


def check(order: Element, domain: Domain, gainer: int, transaction: Transaction) -> None:
    """Whether the domain may go to the registrar ``gainer``.

    SRSError: MISSING_MANDATORY_FIELD, UDAI_DOMAIN_MISMATCH, DOMAIN_LOCKED, TRANSFER_WITHIN_GRACE_PERIOD,
    CANCELLED_TRANSFER_WITH_UPDATE, PERMISSION_DENIED, DOMAIN_ASSIGNED_TO_NON_REGISTRAR,
    MODERATED_DOMAIN_VIOLATION.
    """
    name, given = domain.name, attribute(order, "UDAI")
    if given is None:
        raise refusal("MISSING_MANDATORY_FIELD", "UDAI", str(order.tag))
    if not udai.matches(domain, given, transaction):
        raise refusal("UDAI_DOMAIN_MISMATCH", name.text)
    if domain.row["locked"] is not None:
        raise refusal("DOMAIN_LOCKED", name.text)
    if cancellation.in_registration_grace(domain, transaction):
        raise refusal("TRANSFER_WITHIN_GRACE_PERIOD", name.text)
    if domain.row["cancelled"] is not None and flag(order, "Cancel") is not False and _says_more(order):
        raise refusal("CANCELLED_TRANSFER_WITH_UPDATE", name.text)
    if "TransferDomain" not in transaction.roles:
        raise refusal("PERMISSION_DENIED", "TransferDomain")
    registrars.check_may_hold(gainer, transaction.database)
    names.check_open(name, str(order.tag), registrars.zones(gainer, transaction.database))


def hand_over(order: Element, domain: Domain, gainer: int, transaction: Transaction) -> Notice:
    """Make it the gainer's, with contacts that are the gainer's too; what its loser is told."""
    loser, database, audit = domain.row["registrar_id"], transaction.database, Audit.of(order, transaction)
    domains.change(domain.domain_id, {"registrar_id": gainer}, database)
    # from now on it shows the default contact of its gainer
    moved = domains.get(domain.domain_id, database)
    row: Values = {"term": renewals.USUAL_TERM, "udai_hash": None, "udai_made": None}
    if flag(order, "ConvertContactsToHandles"):
        row |= _as_handles(moved, gainer, audit, database)
    else:
        row |= _own_copies(moved, audit, database)
    domains.change(domain.domain_id, row, database)
    renewals.settle(domain, database)  # the loser paid for them
    contact_ids = [*domain.contact_ids, *domains.get(domain.domain_id, database).contact_ids]
    contacts.settle(contact_ids, transaction.seconds, database)
    record = make("DomainTransfer", RegistrarName=moved.registrar["name"], **to_attributes(transaction.now))
    records.append_text(record, "TransferredDomain", domain.name.text)
    return Notice(loser, "DomainTransfer", record)


def _says_more(order: Element) -> bool:
    attributes = {str(name) for name in order.attrib} - _BARE
    elements = {str(child.tag) for child in order} - {"DomainNameFilter", "AuditText"}
    return bool(attributes or elements or flag(order, "Cancel"))


def _as_handles(domain: Domain, gainer: int, audit: Audit, database: sqlite3.Connection) -> Values:
    """Each contact that the domain shows, default ones included, is a handle of the gainer's."""
    return {
        column: _as_handle(domain.contact(column), gainer, audit, database)
        for column in domains.CONTACT_COLUMNS
    }


def _as_handle(contact: sqlite3.Row, gainer: int, audit: Audit, database: sqlite3.Connection) -> int:
    """The gainer's handle with the contact's values: its own, or one that was made before, or a new one."""
    if contact["handle_id"] is not None and contact["registrar_id"] == gainer:
        return int(contact["contact_id"])
    values = contacts.copied(contact)
    same = contacts.find_alike(values, gainer, RESERVED, database)
    if same is not None:
        return same
    [(number,)] = database.execute("SELECT max(contact_id) + 1 FROM contacts")
    handle_id = f"{RESERVED}{number}"
    return contacts.insert(values, audit, database, registrar_id=gainer, handle_id=handle_id)


def _own_copies(domain: Domain, audit: Audit, database: sqlite3.Connection) -> Values:
    """The loser's handles stay with the loser: the domain gets contacts of its own in their place."""
    return {
        column: contacts.insert(contacts.copied(contact), audit, database)
        for column in domains.CONTACT_COLUMNS
        if domain.row[column] is not None and (contact := domain.contact(column))["handle_id"] is not None
    }
