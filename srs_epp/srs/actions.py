"""The actions of the SRS protocol that the proxy asks for, each of which writes its own element.

A *write* has an ActionId, by which the registry knows it for ever: the same id again is not done again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from lxml import etree

from srs_epp.srs.values import DS, Element, Phone, PostalAddress, Server, make


class Action(ABC):
    """One action element of an NZSRSRequest."""

    __slots__ = ()

    writes: ClassVar[bool] = False

    @property
    def id(self) -> str:
        """The ActionId of a write; "" of a query."""
        return ""

    @abstractmethod
    def element(self) -> Element:
        """The action as it is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write(Action):
    """An action that changes the register."""

    writes = True

    action_id: str

    @property
    def id(self) -> str:
        return self.action_id


@dataclass(frozen=True, slots=True)
class Whois(Action):
    """Is a name taken? ``full``: with all that anybody may know of it."""

    name: str
    full: bool = True

    def element(self) -> Element:
        return make("Whois", DomainName=self.name, FullResult=self.full)


@dataclass(frozen=True, slots=True)
class DomainDetailsQry(Action):
    """The sender's own domain of that name, with the fields asked for."""

    name: str
    fields: tuple[str, ...]

    def element(self) -> Element:
        element = make("DomainDetailsQry")
        _append_text(element, "DomainNameFilter", self.name)
        element.append(make("FieldList", **dict.fromkeys(self.fields, True)))
        return element


@dataclass(frozen=True, slots=True)
class UDAIValidQry(Action):
    """Is this the UDAI of the domain?"""

    name: str
    udai: str = field(repr=False)

    def element(self) -> Element:
        return make("UDAIValidQry", DomainName=self.name, UDAI=self.udai)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCreate(Write):
    """Register a name for ``term`` months. Contacts are given by HandleId; None: the registry's default."""

    name: str
    term: int
    registrant: str | None
    admin: str | None = None
    tech: str | None = None
    servers: tuple[Server, ...] = ()
    ds: tuple[DS, ...] = ()

    def element(self) -> Element:
        element = make("DomainCreate", ActionId=self.action_id, DomainName=self.name, Term=self.term)
        element.append(make("RegistrantContact", HandleId=self.registrant))
        if self.admin is not None:
            element.append(make("AdminContact", HandleId=self.admin))
        if self.tech is not None:
            element.append(make("TechnicalContact", HandleId=self.tech))
        if self.servers:
            _append_all(element, "NameServers", (server.element() for server in self.servers))
        if self.ds:
            _append_all(element, "DNSSEC", (record.element() for record in self.ds))
        return element


@dataclass(frozen=True, slots=True, kw_only=True)
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

    def element(self) -> Element:
        element = make(
            "DomainUpdate",
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
        _append_text(element, "DomainNameFilter", self.name)
        for name, handle_id in (
            ("RegistrantContact", self.registrant),
            ("AdminContact", self.admin),
            ("TechnicalContact", self.tech),
        ):
            if handle_id is not None:
                element.append(make(name, HandleId=handle_id or None))
        if self.servers is not None:
            _append_all(element, "NameServers", (server.element() for server in self.servers))
        if self.ds is not None:
            _append_all(element, "DNSSEC", (record.element() for record in self.ds))
        return element


@dataclass(frozen=True, slots=True)
class HandleDetailsQry(Action):
    """The sender's own handles of these ids."""

    handle_ids: tuple[str, ...]

    def element(self) -> Element:
        element = make("HandleDetailsQry")
        for handle_id in self.handle_ids:
            _append_text(element, "HandleIdFilter", handle_id)
        return element


@dataclass(frozen=True, slots=True, kw_only=True)
class HandleCreate(Write):
    """A new handle (contact) of the sender's."""

    handle_id: str
    name: str
    email: str
    address: PostalAddress
    phone: Phone
    fax: Phone | None = None
    privacy: bool | None = None

    def element(self) -> Element:
        element = make(
            "HandleCreate",
            ActionId=self.action_id,
            HandleId=self.handle_id,
            Name=self.name,
            Email=self.email,
            Privacy=self.privacy,
        )
        element.append(self.address.element())
        element.append(self.phone.element("Phone"))
        if self.fax is not None:
            element.append(self.fax.element("Fax"))
        return element


@dataclass(frozen=True, slots=True, kw_only=True)
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

    def element(self) -> Element:
        element = make(
            "HandleUpdate",
            ActionId=self.action_id,
            HandleId=self.handle_id,
            Delete=self.delete,
            Name=self.name,
            Email=self.email,
            Privacy=self.privacy,
        )
        if self.address is not None:
            element.append(self.address.element())
        if self.phone is not None:
            element.append(self.phone.element("Phone"))
        if self.fax is not None:
            element.append(self.fax.element("Fax"))
        elif self.clear_fax:
            element.append(make("Fax"))
        return element


@dataclass(frozen=True, slots=True)
class GetMessages(Action):
    """The oldest message on the sender's queue; reading removes nothing."""

    def element(self) -> Element:
        element = make("GetMessages", QueueMode=True, MaxResults=1)
        for kind in ("third-party", "server-generated-data"):
            element.append(make("TypeFilter", Type=kind))
        return element


@dataclass(frozen=True, slots=True, kw_only=True)
class AckMessage(Write):
    """Take a message off the sender's queue; it is named character for character."""

    originating_registrar_id: int
    trans_id: str

    def element(self) -> Element:
        return make(
            "AckMessage",
            ActionId=self.action_id,
            OriginatingRegistrarId=self.originating_registrar_id,
            TransId=self.trans_id,
        )


@dataclass(frozen=True, slots=True)
class ActionDetailsQry(Action):
    """The stored request and response of a write of the sender's."""

    action_id: str

    def element(self) -> Element:
        return make("ActionDetailsQry", ActionId=self.action_id)


@dataclass(frozen=True, slots=True)
class RegistrarDetailsQry(Action):
    """What the registry knows of a registrar, the hash of its EPP password included."""

    registrar_id: int

    def element(self) -> Element:
        return make("RegistrarDetailsQry", RegistrarId=self.registrar_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrarUpdate(Write):
    """A new EPP password for the sender."""

    epp_password: str = field(repr=False)

    def element(self) -> Element:
        element = make("RegistrarUpdate", ActionId=self.action_id)
        element.append(make("EPPAuth", Password=self.epp_password))
        return element


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessControlListQry(Action):
    """The entries of a whitelist for one registrar, and for an address or the name in a certificate."""

    resource: str
    type: str
    registrar_id: int
    address: str | None = None
    domain_name: str | None = None

    def element(self) -> Element:
        element = make(
            "AccessControlListQry", Resource=self.resource, List="whitelist", Type=self.type, FullResult=True
        )
        if self.domain_name is not None:
            _append_text(element, "DomainNameFilter", self.domain_name)
        if self.address is not None:
            _append_text(element, "AddressFilter", self.address)
        _append_text(element, "RegistrarIdFilter", str(self.registrar_id))
        return element


def _append_text(parent: Element, name: str, text: str) -> None:
    etree.SubElement(parent, name).text = text


def _append_all(parent: Element, name: str, members: Iterable[Element]) -> None:
    etree.SubElement(parent, name).extend(members)
