"""DomainCreate."""

from __future__ import annotations

from srs_epp.registry import contacts, domains, hosts, names, records, registrars, udai
from srs_epp.registry.audit import Audit
from srs_epp.registry.fields import required, whole_number
from srs_epp.registry.months import add_months, to_seconds
from srs_epp.registry.names import Name
from srs_epp.registry.refusals import refusal
from srs_epp.registry.transaction import Answer, Transaction
from srs_epp.srs.values import Element, attribute, flag

TERM_AFTERWARDS = 1  # months of the next automatic renewal


def create(order: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """Register a name for the effective registrar."""
    name = _name(order, registrar_id, transaction)
    term = _term(order, transaction)
    servers = hosts.name_servers(order.find("NameServers"), name.text, transaction.rules)
    ds = hosts.ds_records(order.find("DNSSEC"), transaction.rules)
    hosts.check_delegation(servers, ds)
    if "Registrar" not in registrars.roles(registrar_id, transaction.database):
        raise refusal("DOMAIN_ASSIGNED_TO_NON_REGISTRAR", str(registrar_id))
    if domains.find(name.text, transaction.database) is not None:
        raise refusal("DOMAIN_ALREADY_EXISTS", name.text)

    secret = udai.make()
    domain_id = _insert(order, name, term, secret, registrar_id, transaction)
    domains.replace_servers(domain_id, servers, transaction.database)
    domains.replace_ds(domain_id, ds, transaction.database)
    [row] = transaction.database.execute("SELECT * FROM domains WHERE domain_id = ?", (domain_id,))
    made = domains.Domain(row, transaction.database)
    return Answer([records.domain(made, records.FULL, udai=secret)])


def contact_id(order: Element, tag: str, registrar_id: int, transaction: Transaction) -> int | None:
    """The contact that the child ``tag`` of an order names or gives; None where it does neither.

    SRSError: HANDLE_ID_WITH_CONTACT_FIELDS, HANDLE_DOES_NOT_EXIST, and what a contact's fields can raise.
    """
    element = order.find(tag)
    if element is None:
        return None
    handle_id = attribute(element, "HandleId")
    if handle_id is None:
        if not contacts.has_fields(element):
            return None
        return contacts.insert(contacts.new(element), Audit.of(order, transaction), transaction.database)
    if contacts.has_fields(element):
        raise refusal("HANDLE_ID_WITH_CONTACT_FIELDS")
    found = contacts.find_handle(handle_id, registrar_id, transaction.database)
    if found is None:
        raise refusal("HANDLE_DOES_NOT_EXIST", tag)
    return int(found["contact_id"])


def _name(order: Element, registrar_id: int, transaction: Transaction) -> Name:
    name = transaction.rules.zones.new_name(required(order, "DomainName"))
    in_unicode = attribute(order, "DomainNameUnicode")
    if in_unicode is not None:
        names.check_unicode(name, in_unicode)
    if name.zone in names.MODERATED and name.zone not in registrars.zones(registrar_id, transaction.database):
        raise refusal("MODERATED_DOMAIN_VIOLATION", "DomainCreate", name.text)
    return name


def _term(order: Element, transaction: Transaction) -> int:
    term = whole_number(required(order, "Term"), "Term", smallest=1)
    if term > transaction.rules.longest_term:
        raise refusal("TERM_EXCEEDS_MAX", str(transaction.rules.longest_term))
    return term


def _insert(
    order: Element, name: Name, term: int, secret: str, registrar_id: int, transaction: Transaction
) -> int:
    registrant = contact_id(order, "RegistrantContact", registrar_id, transaction)
    if registrant is None:
        raise refusal("MISSING_MANDATORY_FIELD", "RegistrantContact", "DomainCreate")
    now = transaction.seconds
    row = {
        "name": name.text,
        "language": attribute(order, "DomainNameLanguage"),
        "registrar_id": registrar_id,
        "registrant_ref": attribute(order, "RegistrantRef"),
        "delegate": flag(order, "Delegate") is not False,
        "term": TERM_AFTERWARDS,
        "registrant": registrant,
        "admin": contact_id(order, "AdminContact", registrar_id, transaction),
        "technical": contact_id(order, "TechnicalContact", registrar_id, transaction),
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
