"""DomainCreate."""

from __future__ import annotations

from srs_epp.registry import (
    contacts,
    domain_contacts,
    domains,
    hosts,
    names,
    records,
    registrars,
    renewals,
    udai,
)
from srs_epp.registry.audit import Audit
from srs_epp.registry.fields import required
from srs_epp.registry.months import add_months, to_seconds
from srs_epp.registry.names import Name
from srs_epp.registry.refusals import refusal
from srs_epp.registry.transaction import Answer, Transaction
from srs_epp.srs.values import Element, attribute, flag


def create(order: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """Register a name for the effective registrar."""
    name = _name(order, registrar_id, transaction)
    term = renewals.term(required(order, "Term"), transaction.rules, smallest=1)
    servers = hosts.name_servers(order.find("NameServers"), name.text, transaction.rules)
    ds = hosts.ds_records(order.find("DNSSEC"), transaction.rules)
    hosts.check_delegation(servers, ds)
    registrars.check_may_hold(registrar_id, transaction.database)
    if domains.find(name.text, transaction.database) is not None:
        raise refusal("DOMAIN_ALREADY_EXISTS", name.text)

    secret = udai.make()
    domain_id = _insert(order, name, term, secret, registrar_id, transaction)
    domains.replace_servers(domain_id, servers, transaction.database)
    domains.replace_ds(domain_id, ds, transaction.database)
    made = domains.get(domain_id, transaction.database)
    contacts.settle(made.contact_ids, transaction.seconds, transaction.database)
    return Answer([records.domain(made, records.FULL, udai=secret)])


def _name(order: Element, registrar_id: int, transaction: Transaction) -> Name:
    name = transaction.rules.zones.new_name(required(order, "DomainName"))
    in_unicode = attribute(order, "DomainNameUnicode")
    if in_unicode is not None:
        names.check_unicode(name, in_unicode)
    names.check_open(name, str(order.tag), registrars.zones(registrar_id, transaction.database))
    return name


def _insert(
    order: Element, name: Name, term: int, secret: str, registrar_id: int, transaction: Transaction
) -> int:
    registrant = domain_contacts.named(order, "RegistrantContact", registrar_id, transaction)
    if registrant is None:
        raise refusal("MISSING_MANDATORY_FIELD", "RegistrantContact", "DomainCreate")
    now = transaction.seconds
    row = {
        "name": name.text,
        "language": attribute(order, "DomainNameLanguage"),
        "registrar_id": registrar_id,
        "registrant_ref": attribute(order, "RegistrantRef"),
        "delegate": flag(order, "Delegate") is not False,
        "term": renewals.USUAL_TERM,
        "registrant": registrant,
        "admin": domain_contacts.named(order, "AdminContact", registrar_id, transaction),
        "technical": domain_contacts.named(order, "TechnicalContact", registrar_id, transaction),
        "udai_hash": udai.hashed(secret, name.text),
        "udai_made": now,
        "registered": now,
        "billed_until": to_seconds(add_months(transaction.now, term)),
        **Audit.of(order, transaction).columns(),
    }
    [(domain_id,)] = transaction.database.execute(
        f"INSERT INTO domains ({', '.join(row)}) VALUES ({', '.join('?' * len(row))}) RETURNING domain_id",
        tuple(row.values()),
    )
    return int(domain_id)
