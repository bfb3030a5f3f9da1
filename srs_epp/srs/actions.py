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

    @abstractmethod
    def element(self) -> Element:
        """The action as it is sent."""


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
class DomainCreate(Action):
    """Register a name for ``term`` months. Contacts are given by HandleId; None: the registry's default."""

    writes = True

    action_id: str
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
class HandleCreate(Action):
    """A new handle (contact) of the sender's."""

    writes = True

    action_id: str
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


@dataclass(frozen=True, slots=True)
class RegistrarDetailsQry(Action):
    """What the registry knows of a registrar, the hash of its EPP password included."""

    registrar_id: int

    def element(self) -> Element:
        return make("RegistrarDetailsQry", RegistrarId=self.registrar_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrarUpdate(Action):
    """A new EPP password for the sender."""

    writes = True

    action_id: str
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
