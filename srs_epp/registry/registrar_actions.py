"""RegistrarDetailsQry, RegistrarCreate and RegistrarUpdate."""

from __future__ import annotations

from lxml import etree

from srs_epp.registry import contacts, domains, matching, passwords, records, registrars
from srs_epp.registry.audit import Audit
from srs_epp.registry.contacts import Values
from srs_epp.registry.elements import make
from srs_epp.registry.fields import DateRange, required, whole_number
from srs_epp.registry.months import from_seconds
from srs_epp.registry.refusals import refusal
from srs_epp.registry.registrars import REGISTRY, Registrar
from srs_epp.registry.transaction import Answer, Transaction
from srs_epp.srs.values import Element, attribute, text_of
from srs_epp.tree import children

CONTACTS = (  # element, column
    ("RegistrarPublicContact", "public_contact"),
    ("RegistrarSRSContact", "srs_contact"),
    ("DefaultTechnicalContact", "technical_contact"),
)
_NAMES = (("Name", "name"), ("AccRef", "acc_ref"), ("URL", "url"))  # attribute, column


def details(query: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """A registrar sees itself, the registry sees any; without a filter, the registry sees all."""
    wanted, name = attribute(query, "RegistrarId"), attribute(query, "NameFilter")
    is_registry = "Registry" in registrars.roles(registrar_id, transaction.database)
    if name is not None and not is_registry:
        raise refusal("NOT_PERMITTED_TO_FILTER_REGISTRAR_BY_NAME")
    if wanted is not None and not is_registry and _id(wanted) != registrar_id:
        raise refusal("PERMISSION_DENIED", "Registry")
    if not is_registry:
        wanted = str(registrar_id)
    found = registrars.find_all(transaction.database)
    if wanted is not None:
        found = (one for one in found if one.registrar_id == _id(wanted))
    if name is not None:
        matches = matching.pattern(name)
        found = (one for one in found if matches(one.row["name"]))
    range_ = query.find("ResultDateRange")
    if range_ is not None:
        dates = DateRange.read(range_)
        found = (one for one in found if dates.holds(from_seconds(one.row["changed"])))
    return Answer([record(one) for one in found])


def create(order: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """A new registrar, by the registry as itself."""
    new_id = _new_id(order, transaction)
    if registrar_id != REGISTRY:
        raise refusal("INVALID_EFFECTIVE_REGISTRAR_ID_IN_CreateRegistrar", str(registrar_id), str(new_id))
    row: Values = {"registrar_id": new_id}
    row |= {column: required(order, name) for name, column in _NAMES[:2]}
    row["url"] = attribute(order, "URL")
    for tag, column in CONTACTS:
        row[column] = _new_contact(order, tag, transaction)
    registrars.insert(row | _changed_by(order, transaction), transaction.database)
    _set_lists(order, new_id, transaction)
    if order.find("Roles") is None:
        registrars.replace_roles(new_id, registrars.USUAL_ROLES, transaction.database)
    return Answer([record(_found(new_id, transaction))])


def update(order: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """Change the effective registrar. What it may do is for the registry to say, not for itself."""
    if transaction.sender != REGISTRY:
        _check_own_change(order)
    _check_keeps_role(order, registrar_id, transaction)
    old = _found(registrar_id, transaction)
    row = _changed_by(order, transaction)
    for name, column in _NAMES:
        if name in order.attrib:
            row[column] = attribute(order, name) if name == "URL" else required(order, name)
    for tag, column in CONTACTS:
        element = order.find(tag)
        if element is not None:
            row[column] = _changed_contact(old, column, element, order, transaction)
    registrars.change(registrar_id, row, transaction.database)
    updated = _found(registrar_id, transaction)
    touched = [one.row[column] for one in (old, updated) for _, column in CONTACTS]
    contacts.settle(touched, transaction.seconds, transaction.database)
    _set_lists(order, registrar_id, transaction)
    return Answer([record(_found(registrar_id, transaction))])


def record(registrar: Registrar) -> Element:
    """The Registrar element, with the hash of its password: for itself or the registry only."""
    row = registrar.row
    element = make(
        "Registrar", RegistrarId=row["registrar_id"], Name=row["name"], AccRef=row["acc_ref"], URL=row["url"]
    )
    for tag, column in CONTACTS:
        element.append(records.contact(tag, registrar.contact(column)))
    keys = etree.SubElement(element, "EncryptKeys")
    for armoured in registrar.keys:
        etree.SubElement(keys, "EncryptKey").text = armoured
    if row["password_hash"] is not None:
        element.append(make("EPPAuth", Password=row["password_hash"]))
    etree.SubElement(element, "Allowed2LDs").extend(
        make("SecondLD", DomainName=zone) for zone in sorted(registrar.zones)
    )
    etree.SubElement(element, "Roles").extend(make("Role", RoleName=role) for role in sorted(registrar.roles))
    element.append(records.audit_details(row))
    return element


def _id(text: str) -> int:
    return whole_number(text, "RegistrarId", smallest=1)


def _new_id(order: Element, transaction: Transaction) -> int:
    wanted = required(order, "RegistrarId")
    usable = wanted.isascii() and wanted.isdigit() and len(wanted) <= 9 and int(wanted) > 0
    if not usable or registrars.find(int(wanted), transaction.database) is not None:
        raise refusal("INVALID_EXPLICIT_REGISTRAR_ID", wanted)
    return int(wanted)


def _found(registrar_id: int, transaction: Transaction) -> Registrar:
    found = registrars.find(registrar_id, transaction.database)
    if found is None:
        raise refusal("EFFECTIVE_REGISTRAR_DOES_NOT_EXIST", str(registrar_id))
    return found


def _changed_by(order: Element, transaction: Transaction) -> Values:
    """The columns of a change, with the password's hash where the order gives a password."""
    row = Audit.of(order, transaction).columns()
    auth = order.find("EPPAuth")
    if auth is not None:
        # not trimmed: blanks are part of a password
        row["password_hash"] = passwords.to_store(auth.get("Password", ""))
    return row


def _new_contact(order: Element, tag: str, transaction: Transaction) -> int:
    element = order.find(tag)
    if element is None:
        raise refusal("MISSING_MANDATORY_FIELD", tag, str(order.tag))
    if attribute(element, "HandleId") is not None:
        raise refusal("HANDLE_ID_ON_REGISTRAR_CREATE")
    return contacts.insert(contacts.new(element), Audit.of(order, transaction), transaction.database)


def _changed_contact(
    registrar: Registrar, column: str, element: Element, order: Element, transaction: Transaction
) -> int:
    """A contact of a registrar is a handle of its own, or fields that are changed in their place."""
    handle_id = attribute(element, "HandleId")
    old = registrar.contact(column)
    if handle_id is not None:
        if contacts.has_fields(element):
            raise refusal("HANDLE_ID_WITH_CONTACT_FIELDS")
        handle = contacts.find_handle(handle_id, registrar.registrar_id, transaction.database)
        if handle is None:
            raise refusal("HANDLE_DOES_NOT_EXIST", str(element.tag))
        return int(handle["contact_id"])
    values, audit = contacts.changed(dict(old), element), Audit.of(order, transaction)
    if old["handle_id"] is not None:
        return contacts.insert(values, audit, transaction.database)
    contacts.update(old["contact_id"], values, audit, transaction.database)
    return int(old["contact_id"])


def _check_own_change(order: Element) -> None:
    if order.find("Roles") is not None or order.find("Allowed2LDs") is not None:
        raise refusal("PERMISSION_DENIED", "Registry")
    keys = order.find("EncryptKeys")
    if keys is not None and len(keys) == 0:
        # nobody could sign for the registrar any more
        raise refusal("MISSING_MANDATORY_FIELD", "EncryptKey", "EncryptKeys")


def _check_keeps_role(order: Element, registrar_id: int, transaction: Transaction) -> None:
    roles = order.find("Roles")
    if roles is None or any(role.get("RoleName") == "Registrar" for role in roles):
        return
    held = domains.find_all(transaction.database, registrar_id=registrar_id, names=None)
    if next(held, None) is not None:
        raise refusal("REMOVING_REGISTRAR_ROLE")


def _set_lists(order: Element, registrar_id: int, transaction: Transaction) -> None:
    """Keys, second levels and roles: each list that the order gives replaces the old one."""
    database = transaction.database
    keys, zones, roles = order.find("EncryptKeys"), order.find("Allowed2LDs"), order.find("Roles")
    if keys is not None:
        armoured = (text_of(key) for key in children(keys, "EncryptKey"))
        registrars.replace_keys(registrar_id, armoured, database)
    if zones is not None:
        names = (required(zone, "DomainName").lower() for zone in children(zones, "SecondLD"))
        registrars.replace_zones(registrar_id, names, database)
    if roles is not None:
        registrars.replace_roles(registrar_id, (role.get("RoleName", "") for role in roles), database)
