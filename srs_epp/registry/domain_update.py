"""DomainUpdate: change, renewal, cancel and restore, lock, new UDAI, and the way into a transfer."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from srs_epp.registry import (
    cancellation,
    contacts,
    domain_contacts,
    domains,
    hosts,
    matching,
    records,
    renewals,
    transfers,
    udai,
)
from srs_epp.registry.audit import Audit
from srs_epp.registry.contacts import Values
from srs_epp.registry.domains import Domain
from srs_epp.registry.fields import filters
from srs_epp.registry.refusals import refusal
from srs_epp.registry.registrars import REGISTRY
from srs_epp.registry.transaction import Answer, Notice, Transaction
from srs_epp.srs.values import Element, attribute, flag

_NOT_SERVED = ("Release", "NoAutoRenew", "DisclosureMask")

_SHOWN = (  # attribute or element of an update, and what an answer that is not full shows because of it
    ("UDAI", ("RegistrarId",)),
    ("RegistrantRef", ("RegistrantRef",)),
    ("Term", ("Term",)),
    ("Delegate", ("Delegate",)),
    ("Renew", ("BilledUntil", "Term")),
    ("Lock", ("LockedDate",)),
    ("Cancel", ("Status",)),
    ("RegistrantContact", ("RegistrantContact",)),
    ("AdminContact", ("AdminContact",)),
    ("TechnicalContact", ("TechnicalContact",)),
    ("NameServers", ("NameServers",)),
    ("DNSSEC", ("DNSSEC",)),
)


def update(order: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """Change what the effective registrar holds of the domains that are named, or bring one to it."""
    _check(order, transaction)
    answered: list[Element] = []
    notices: list[Notice] = []
    for domain in _found(order, registrar_id, transaction):
        if domain.row["registrar_id"] != registrar_id:
            transfers.check(order, domain, registrar_id, transaction)
            notices.append(transfers.hand_over(order, domain, registrar_id, transaction))
        elif flag(order, "ConvertContactsToHandles"):
            raise refusal("CONVERT_TO_HANDLES_ONLY_FOR_TRANSFER")
        else:
            _check_open(order, domain)
        answered.append(_changed(order, domain, registrar_id, transaction))
    return Answer(answered, notices=notices)


def _check(order: Element, transaction: Transaction) -> None:
    """What can be said without looking at a domain."""
    for name in _NOT_SERVED:
        if name in order.attrib:
            raise refusal("UNEXPECTED_FIELD", name)
    if flag(order, "Lock") is not None and transaction.sender != REGISTRY:
        raise refusal("LOCK_ATTEMPT")
    if flag(order, "Cancel") and flag(order, "Renew"):
        raise refusal("DOMAIN_CANCEL_AND_RENEW")
    if flag(order, "Cancel") and "CancelDomain" not in transaction.roles:
        raise refusal("PERMISSION_DENIED", "CancelDomain")


def _found(order: Element, registrar_id: int, transaction: Transaction) -> list[Domain]:
    """The domains that are named: any by their names, the registrar's own by patterns."""
    wanted = [text.lower() for text in filters(order, "DomainNameFilter")]
    patterns = [matching.pattern(text) for text in wanted if matching.has_wildcard(text)]
    transfers.check_names(order, wanted, plain=not patterns)
    found = {one.domain_id: one for one in _by_name(wanted, transaction)}
    if patterns:
        for one in domains.find_all(transaction.database, registrar_id=registrar_id, names=None):
            if any(matches(one.name.text) for matches in patterns):
                found[one.domain_id] = one
    return sorted(found.values(), key=lambda one: one.name.text)


def _by_name(wanted: Iterable[str], transaction: Transaction) -> Iterable[Domain]:
    names = [name for name in wanted if not matching.has_wildcard(name)]
    return domains.find_all(transaction.database, registrar_id=None, names=names)


def _check_open(order: Element, domain: Domain) -> None:
    """Whether the domain can be changed by its holder."""
    if domain.row["locked"] is not None and flag(order, "Lock") is None:
        raise refusal("DOMAIN_LOCKED", domain.name.text)
    if domain.row["cancelled"] is not None and flag(order, "Cancel") is not False:
        raise refusal("DOMAIN_INACTIVE", domain.name.text)


def _changed(order: Element, before: Domain, registrar_id: int, transaction: Transaction) -> Element:
    """Change a domain that is the registrar's (now); the record that answers it."""
    database = transaction.database
    if flag(order, "Cancel") is False:
        _restore(before, transaction)
    _replace_lists(order, domains.get(before.domain_id, database), transaction)
    secret = _change_columns(order, domains.get(before.domain_id, database), registrar_id, transaction)
    after = domains.get(before.domain_id, database)
    if flag(order, "Renew"):
        term = attribute(order, "Term")
        months = renewals.term(term, transaction.rules) if term is not None else None
        renewals.renew(after, months, transaction)
    if flag(order, "Cancel"):
        cancellation.cancel(after, transaction)
        if domains.find(after.name.text, database) is None:
            return _given_back(order, after)
    return _record(order, domains.get(after.domain_id, database), secret)


def _restore(domain: Domain, transaction: Transaction) -> None:
    if domain.row["cancelled"] is None:
        return
    if "UncancelDomain" not in transaction.roles:
        raise refusal("PERMISSION_DENIED", "UncancelDomain")
    cancellation.restore(domain, transaction)


def _replace_lists(order: Element, domain: Domain, transaction: Transaction) -> None:
    """Name servers and DS records: each list that is given replaces the old one."""
    given_servers, given_ds = order.find("NameServers"), order.find("DNSSEC")
    if given_servers is None and given_ds is None:
        return
    servers, ds, rules = domain.servers, domain.ds, transaction.rules
    if given_servers is not None:
        servers = hosts.name_servers(given_servers, domain.name.text, rules)
    if given_ds is not None:
        ds = hosts.ds_records(given_ds, rules)
    hosts.check_delegation(servers, ds)
    domains.replace_servers(domain.domain_id, servers, transaction.database)
    domains.replace_ds(domain.domain_id, ds, transaction.database)


def _change_columns(
    order: Element, domain: Domain, registrar_id: int, transaction: Transaction
) -> str | None:
    """What is in the domain's own row; the new UDAI, where one was asked for."""
    row: Values = dict(Audit.of(order, transaction).columns())
    row |= domain_contacts.changed(order, domain, registrar_id, transaction)
    delegate, lock, term = flag(order, "Delegate"), flag(order, "Lock"), attribute(order, "Term")
    if delegate is not None:
        row["delegate"] = delegate
    if "RegistrantRef" in order.attrib:
        row["registrant_ref"] = attribute(order, "RegistrantRef")
    if term is not None:
        row["term"] = renewals.term(term, transaction.rules)
    if lock is not None:
        row["locked"] = (domain.row["locked"] or transaction.seconds) if lock else None
    secret = None
    if flag(order, "NewUDAI"):
        secret = udai.make()
        row["udai_hash"], row["udai_made"] = udai.hashed(secret, domain.name.text), transaction.seconds
    domains.change(domain.domain_id, row, transaction.database)
    after = domains.get(domain.domain_id, transaction.database)
    contacts.settle([*domain.contact_ids, *after.contact_ids], transaction.seconds, transaction.database)
    return secret


def _record(order: Element, domain: Domain, secret: str | None) -> Element:
    if flag(order, "FullResult") is not False:
        return records.domain(domain, records.FULL, udai=secret)
    fields = {field for name, fields in _SHOWN if _mentions(order, name) for field in fields}
    return records.domain(domain, frozenset(fields | {"AuditText"}), udai=secret, empty_dnssec=True)


def _mentions(order: Element, name: str) -> bool:
    return name in order.attrib or order.find(name) is not None


def _given_back(order: Element, domain: Domain) -> Element:
    """The name is free; who has made it so is the last that is known of it."""
    record = records.available(domain.name.text)
    if flag(order, "FullResult") is not False:
        record.append(records.audit_details(domain.row))
    else:
        audit = etree.SubElement(record, "AuditDetails")
        records.append_text(audit, "AuditText", domain.row["audit_text"])
    return record
