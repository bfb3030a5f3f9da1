"""From the database to XML: the elements that a Response holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from lxml import etree

from srs_epp.registry.contacts import PARTS
from srs_epp.registry.domains import Domain
from srs_epp.registry.elements import make
from srs_epp.registry.months import from_seconds
from srs_epp.srs import times
from srs_epp.srs.errors import SRSError
from srs_epp.srs.values import Element

SHORT = frozenset({"Status"})
_CONTACTS = frozenset({"RegistrantContact", "AdminContact", "TechnicalContact"})
_DATES = frozenset({"BilledUntil", "RegisteredDate", "CancelledDate", "LockedDate"})
_SHOWN_TO_ALL = _CONTACTS | _DATES | {"DomainNameUnicode", "Status", "Delegate", "NameServers", "DNSSEC"}
# what anybody may see of a domain
PUBLIC = _SHOWN_TO_ALL | {"RegistrarPublicContact", "EffectiveFrom"}
# what its registrar sees of it
FULL = _SHOWN_TO_ALL | {
    "Term",
    "RegistrarId",
    "RegistrantRef",
    "LastActionId",
    "ChangedByRegistrarId",
    "EffectiveFrom",
    "AuditText",
}

_MOMENTS = (  # element, column
    ("BilledUntil", "billed_until"),
    ("RegisteredDate", "registered"),
    ("CancelledDate", "cancelled"),
    ("LockedDate", "locked"),
)


def moment(tag: str, when: datetime) -> Element:
    """A time stamp."""
    return make(tag, **times.to_attributes(when))


def error(refused: SRSError) -> Element:
    """An Error, of an action or of the whole request."""
    element = make("Error", ErrorId=refused.error_id, Severity=refused.severity, Hint=xml_text(refused.hint))
    append_text(element, "Description", refused.description)
    for detail in refused.details:
        append_text(element, "ErrorDetails", detail)
    return element


def domain(
    found: Domain,
    fields: frozenset[str],
    *,
    udai: str | None = None,
    public: bool = False,
    empty_dnssec: bool = False,
) -> Element:
    """A Domain with these fields: names of a FieldList, and RegistrarPublicContact and DomainNameUnicode.

    ``public``: contacts without what is nobody else's business. ``empty_dnssec``: DNSSEC even where there is
    no DS record.
    """
    element = make("Domain", **_domain_attributes(found, fields), UDAI=udai)
    _append_delegation(element, found, fields, empty_dnssec=empty_dnssec)
    _append_contacts(element, found, fields, public=public)
    for tag, column in _MOMENTS:
        when = found.moment(column) if tag in fields else None
        if when is not None:
            element.append(moment(tag, when))
    if "DefaultContacts" in fields:
        element.append(
            make(
                "DefaultContacts",
                AdminContact=found.row["admin"] is None,
                TechnicalContact=found.row["technical"] is None,
            )
        )
    if fields & {"LastActionId", "ChangedByRegistrarId", "EffectiveFrom", "AuditText"}:
        element.append(_audit_details(found.row, fields))
    return element


def available(name: str) -> Element:
    """The Domain that is not there."""
    return make("Domain", DomainName=name, Status="Available")


def contact(tag: str, row: sqlite3.Row, *, public: bool = False, default: bool = False) -> Element:
    """A contact, from its row. ``public``: without its handle, and no more than its privacy allows.

    ``default``: it stands in for one that the domain does not have, so that no handle is named either.
    """
    element = make(tag)
    if row["handle_id"] is not None and not public and not default:
        element.set("HandleId", row["handle_id"])
        element.set("ActionId", row["action_id"])
    if row["privacy"]:
        element.set("Privacy", "1")
    _append_parts(element, row, only_own=public and bool(row["privacy"]))
    return element


def handle(row: sqlite3.Row) -> Element:
    """A Handle, from its row."""
    element = make("Handle", RegistrarId=row["registrar_id"], HandleId=row["handle_id"])
    if row["privacy"]:
        element.set("Privacy", "1")
    _append_parts(element, row)
    element.append(moment("CreatedDate", from_seconds(row["created"])))
    element.append(_audit_details(row, FULL))
    return element


def response(
    action: str,
    number: tuple[int, int],
    when: datetime,
    parties: tuple[int, int],
    trans_id: str | None,
    children: Iterable[Element],
) -> Element:
    """A Response. ``number``: FeId and FeSeq; ``parties``: by whom, and for whom."""
    element = make(
        "Response",
        Action=action,
        FeId=number[0],
        FeSeq=number[1],
        OrigRegistrarId=parties[0],
        RecipientRegistrarId=parties[1],
        TransId=trans_id,
    )
    element.append(moment("FeTimeStamp", when))
    element.extend(children)
    return element


def audit_details(row: sqlite3.Row) -> Element:
    """Who changed it last, when, by which action, and what was said about it."""
    return _audit_details(row, FULL)


def xml_text(text: str) -> str:
    """The text with every character that XML can't hold replaced."""
    return "".join(character if _is_xml(ord(character)) else "\ufffd" for character in text)


def append_text(parent: Element, tag: str, text: str) -> None:
    """A child that holds a text."""
    etree.SubElement(parent, tag).text = xml_text(text)


def _is_xml(code: int) -> bool:
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


def _domain_attributes(found: Domain, fields: frozenset[str]) -> dict[str, str | int | bool | None]:
    row, name = found.row, found.name
    values = {
        "Status": found.status,
        "Delegate": bool(row["delegate"]),
        "Term": row["term"],
        "RegistrarId": row["registrar_id"],
        "RegistrarName": found.registrar["name"],
        "RegistrantRef": row["registrant_ref"],
    }
    shown = {key: value for key, value in values.items() if key in fields}
    if "DomainNameUnicode" in fields and name.unicode is not None:
        shown |= {
            "DomainNameUnicode": name.unicode,
            "DomainNameUnicodeHex": _in_hex(name.unicode),
            "DomainNameLanguage": row["language"],
        }
    return {"DomainName": name.text, **shown}


def _in_hex(name: str) -> str:
    return "".join(character if character.isascii() else f"<U+{ord(character):04X}>" for character in name)


def _append_delegation(
    element: Element, found: Domain, fields: frozenset[str], *, empty_dnssec: bool
) -> None:
    if "NameServers" in fields and found.servers:
        etree.SubElement(element, "NameServers").extend(server.element() for server in found.servers)
    if "DNSSEC" in fields and (found.ds or empty_dnssec):
        etree.SubElement(element, "DNSSEC").extend(record.element() for record in found.ds)


def _append_contacts(element: Element, found: Domain, fields: frozenset[str], *, public: bool) -> None:
    if "RegistrantContact" in fields:
        element.append(contact("RegistrantContact", found.registrant, public=public))
    if "RegistrarPublicContact" in fields:
        element.append(contact("RegistrarPublicContact", found.registrar_public, public=public))
    if "AdminContact" in fields:
        element.append(
            contact("AdminContact", found.admin, public=public, default=found.row["admin"] is None)
        )
    if "TechnicalContact" in fields:
        element.append(contact("TechnicalContact", found.technical, public=public))


def _append_parts(element: Element, row: sqlite3.Row, *, only_own: bool = False) -> None:
    """Name and e-mail as attributes, the other parts as children; ``only_own``: without children."""
    for part, name, column in PARTS:
        value = row[column]
        if value is None or (part and only_own):
            continue
        holder = element
        if part:
            known = element.find(part)
            holder = known if known is not None else etree.SubElement(element, part)
        holder.set(name, value)


def _audit_details(row: sqlite3.Row, fields: frozenset[str]) -> Element:
    element = make("AuditDetails")
    if "ChangedByRegistrarId" in fields:
        element.set("RegistrarId", str(row["changed_by"]))
    if "LastActionId" in fields:
        element.set("ActionId", row["action_id"])
    if "EffectiveFrom" in fields:
        etree.SubElement(element, "AuditTime").append(moment("From", from_seconds(row["changed"])))
    if "AuditText" in fields:
        append_text(element, "AuditText", row["audit_text"])
    return element
