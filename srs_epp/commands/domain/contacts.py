"""The contacts of a domain: EPP has any number of three types, the SRS one admin and one tech."""

from __future__ import annotations

from collections.abc import Iterable

from srs_epp.epp.domain import ContactReference
from srs_epp.epp.results import CommandUseError, Element, PolicyError, UnimplementedOption
from srs_epp.srs.results import Domain

FIELDS = {"admin": "AdminContact", "tech": "TechnicalContact"}  # type to the field of a Domain


def one_of_each(contacts: Iterable[ContactReference]) -> dict[str, str]:
    """Contact type to id. 2306 for a second contact of a type, 2102 for a type that the SRS does not have."""
    found: dict[str | None, list[ContactReference]] = {}
    for contact in contacts:
        found.setdefault(contact.type, []).append(contact)
    for kind in FIELDS:
        if len(found.get(kind, ())) > 1:
            raise _only_one(kind, _value(found[kind][1]))
    for other, others in found.items():
        if other not in FIELDS:
            text = "Only contacts of type 'admin' or 'tech' are supported"
            raise UnimplementedOption(text, value=_value(others[0]))
    return {kind: contact.id for kind, [contact] in found.items() if kind}


def changed(
    removed: Iterable[ContactReference], added: Iterable[ContactReference], present: Domain
) -> dict[str, str]:
    """Contact type to the id that it changes to, "" for the registry's default.

    2002 for one to remove that is not there; 2306 for one more where there is one by handle already. (One
    without a HandleId is the registry's default, and is replaced.)
    """
    old, new = one_of_each(removed), one_of_each(added)
    holders = {"admin": present.admin, "tech": present.tech}
    result: dict[str, str] = {}
    for kind, handle_id in holders.items():
        if kind in old:
            if old[kind] != handle_id:
                text = f"Attempting to remove {kind} contact which does not exist on the domain"
                raise CommandUseError(text, value=old[kind])
            result[kind] = ""
        elif kind in new and handle_id:
            raise _only_one(kind, new[kind])
        if kind in new:
            result[kind] = new[kind]
    return result


def _only_one(kind: str, value: Element | str) -> PolicyError:
    return PolicyError(f"Only one {kind} contact per domain supported", value=value)


def _value(contact: ContactReference) -> Element | str:
    return contact.element if contact.element is not None else contact.id
