"""The actions of the SRS protocol that the proxy asks for, each of which writes its own element.

A *write* has an ActionId, by which the registry knows it for ever: the same id again is not done again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from functools import lru_cache
from typing import ClassVar

from srs_epp.escaping import quoted
from srs_epp.record import record
from srs_epp.srs.values import DS, Phone, PostalAddress, Server, Written, Xml, tag, text


class Action(Written):
    """One action element of an NZSRSRequest."""

    __slots__ = ()

    writes: ClassVar[bool] = False

    @property
    def id(self) -> str:
        """The ActionId of a write; "" of a query."""
        return ""

    def labelled(self, label: str) -> Xml:
        """A query as it is sent with a label of its own (QryId), which comes back as TransId."""
        name = type(self).__name__  # that of the element, too
        return Xml(f"<{name} QryId={quoted(label)}{self.xml().removeprefix(f'<{name}')}")


@record(kw_only=True)
class Write(Action):
    """An action that changes the register."""

    writes = True

    action_id: str

    @property
    def id(self) -> str:
        return self.action_id


@record
class Whois(Action):
    """Is a name taken? ``full``: with all that anybody may know of it."""

    name: str
    full: bool = True

    def xml(self) -> Xml:
        return tag("Whois", DomainName=self.name, FullResult=self.full)


@record
class DomainDetailsQry(Action):
    """The sender's own domain of that name, with the fields asked for."""

    name: str
    fields: tuple[str, ...]

    def xml(self) -> Xml:
        return tag("DomainDetailsQry", tag("DomainNameFilter", text(self.name)), _field_list(self.fields))


@record
class UDAIValidQry(Action):
    """Is this the UDAI of the domain?"""

    name: str
    udai: str = field(repr=False)

    def xml(self) -> Xml:
        return tag("UDAIValidQry", DomainName=self.name, UDAI=self.udai)


@record(kw_only=True)
class DomainCreate(Write):
    """Register a name for ``term`` months. Contacts are given by HandleId; None: the registry's default."""

    name: str
    term: int
    registrant: str | None
    admin: str | None = None
    tech: str | None = None
    servers: tuple[Server, ...] = ()
    ds: tuple[DS, ...] = ()

    def xml(self) -> Xml:
        content = [tag("RegistrantContact", HandleId=self.registrant)]
        if self.admin is not None:
            content.append(tag("AdminContact", HandleId=self.admin))
        if self.tech is not None:
            content.append(tag("TechnicalContact", HandleId=self.tech))
        if self.servers:
            content.append(_all_of("NameServers", self.servers))
        if self.ds:
            content.append(_all_of("DNSSEC", self.ds))
        return tag("DomainCreate", *content, ActionId=self.action_id, DomainName=self.name, Term=self.term)


@record(kw_only=True)
class DomainUpdate(Write):
    """Change, renew, cancel, restore or transfer a domain: what is None stays as it is.

    ``admin`` and ``tech`` "" give the contact back to the registry's default; ``servers`` and ``ds`` are the
    whole list, () clears it. A UDAI makes it a transfer to the sender.
    """

    name: str
    renew: bool | None = None
    term: int | None = None
    cancel: bool | None = None
    delegate: bool | None = None
    new_udai: bool | None = None
    udai: str | None = field(default=None, repr=False)
    convert_contacts: bool | None = None
    full: bool = True
    registrant: str | None = None
    admin: str | None = None
    tech: str | None = None
    servers: tuple[Server, ...] | None = None
    ds: tuple[DS, ...] | None = None

    def xml(self) -> Xml:
        content = [tag("DomainNameFilter", text(self.name))]
        for name, handle_id in (
            ("RegistrantContact", self.registrant),
            ("AdminContact", self.admin),
            ("TechnicalContact", self.tech),
        ):
            if handle_id is not None:
                content.append(tag(name, HandleId=handle_id or None))
        if self.servers is not None:
            content.append(_all_of("NameServers", self.servers))
        if self.ds is not None:
            content.append(_all_of("DNSSEC", self.ds))
        return tag(
            "DomainUpdate",
            *content,
            ActionId=self.action_id,
            UDAI=self.udai,
            NewUDAI=self.new_udai,
            Term=self.term,
            Delegate=self.delegate,
            Renew=self.renew,
            Cancel=self.cancel,
            ConvertContactsToHandles=self.convert_contacts,
            FullResult=self.full,
        )


@record
class HandleDetailsQry(Action):
    """The sender's own handles of these ids."""

    handle_ids: tuple[str, ...]

    def xml(self) -> Xml:
        filters = (tag("HandleIdFilter", text(handle_id)) for handle_id in self.handle_ids)
        return tag("HandleDetailsQry", *filters)


@record(kw_only=True)
class HandleCreate(Write):
    """A new handle (contact) of the sender's."""

    handle_id: str
    name: str
    email: str
    address: PostalAddress
    phone: Phone
    fax: Phone | None = None
    privacy: bool | None = None

    def xml(self) -> Xml:
        content = [self.address.xml(), self.phone.xml("Phone")]
        if self.fax is not None:
            content.append(self.fax.xml("Fax"))
        return tag(
            "HandleCreate",
            *content,
            ActionId=self.action_id,
            HandleId=self.handle_id,
            Name=self.name,
            Email=self.email,
            Privacy=self.privacy,
        )


@record(kw_only=True)
class HandleUpdate(Write):
    """Change a handle of the sender's, or remove it: what is None stays as it is.

    An address replaces the whole of the old one where its missing parts are "". ``clear_fax``: it has none.
    """

    handle_id: str
    delete: bool | None = None
    name: str | None = None
    email: str | None = None
    address: PostalAddress | None = None
    phone: Phone | None = None
    fax: Phone | None = None
    clear_fax: bool = False
    privacy: bool | None = None

    def xml(self) -> Xml:
        content = []
        if self.address is not None:
            content.append(self.address.xml())
        if self.phone is not None:
            content.append(self.phone.xml("Phone"))
        if self.fax is not None:
            content.append(self.fax.xml("Fax"))
        elif self.clear_fax:
            content.append(tag("Fax"))
        return tag(
            "HandleUpdate",
            *content,
            ActionId=self.action_id,
            HandleId=self.handle_id,
            Delete=self.delete,
            Name=self.name,
            Email=self.email,
            Privacy=self.privacy,
        )


@record
class GetMessages(Action):
    """The oldest message on the sender's queue; reading removes nothing."""

    def xml(self) -> Xml:
        kinds = (tag("TypeFilter", Type=kind) for kind in ("third-party", "server-generated-data"))
        return tag("GetMessages", *kinds, QueueMode=True, MaxResults=1)


@record(kw_only=True)
class AckMessage(Write):
    """Take a message off the sender's queue; it is named character for character."""

    originating_registrar_id: int
    trans_id: str

    def xml(self) -> Xml:
        return tag(
            "AckMessage",
            ActionId=self.action_id,
            OriginatingRegistrarId=self.originating_registrar_id,
            TransId=self.trans_id,
        )


@record
class ActionDetailsQry(Action):
    """The stored request and response of a write of the sender's."""

    action_id: str

    def xml(self) -> Xml:
        return tag("ActionDetailsQry", ActionId=self.action_id)


@record
class RegistrarDetailsQry(Action):
    """What the registry knows of a registrar, the hash of its EPP password included."""

    registrar_id: int

    def xml(self) -> Xml:
        return tag("RegistrarDetailsQry", RegistrarId=self.registrar_id)


@record(kw_only=True)
class RegistrarUpdate(Write):
    """A new EPP password for the sender."""

    epp_password: str = field(repr=False)

    def xml(self) -> Xml:
        return tag("RegistrarUpdate", tag("EPPAuth", Password=self.epp_password), ActionId=self.action_id)


@record(kw_only=True)
class AccessControlListQry(Action):
    """The entries of a whitelist for one registrar, and for an address or the name in a certificate."""

    resource: str
    type: str
    registrar_id: int
    address: str | None = None
    domain_name: str | None = None

    def xml(self) -> Xml:
        filters = [
            tag(name, text(value))
            for name, value in (
                ("DomainNameFilter", self.domain_name),
                ("AddressFilter", self.address),
                ("RegistrarIdFilter", str(self.registrar_id)),
            )
            if value is not None
        ]
        return tag(
            "AccessControlListQry",
            *filters,
            Resource=self.resource,
            List="whitelist",
            Type=self.type,
            FullResult=True,
        )


@lru_cache(maxsize=16)  # those that ask have two or three lists
def _field_list(fields: tuple[str, ...]) -> Xml:
    return tag("FieldList", **dict.fromkeys(fields, True))


def _all_of(name: str, members: Iterable[Written]) -> Xml:
    return tag(name, *(member.xml() for member in members))
