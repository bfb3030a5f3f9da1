"""The values that SRS requests and results share: contacts, addresses, phones, name servers, DS records.

Each knows its element and reads itself from one. Text is trimmed (the registry wraps text in white space, and
that is XML's: a no-break space is text); unknown attributes and elements are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

Element = etree._Element

_BLANKS = " \t\r\n"


def make(name: str, **attributes: str | bool | int | None) -> Element:
    """An element with these attributes; None leaves one out, True and False become 1 and 0."""
    element = etree.Element(name)
    for key, value in attributes.items():
        if value is not None:
            element.set(key, str(int(value)) if isinstance(value, bool) else str(value))
    return element


def text_of(element: Element | None) -> str:
    """The element's text, trimmed; "" where there is none."""
    return (element.text or "").strip(_BLANKS) if element is not None else ""


def attribute(element: Element, name: str) -> str | None:
    """The attribute, trimmed; None where it is missing or empty (the SRS does not tell them apart)."""
    return (element.get(name) or "").strip(_BLANKS) or None


def flag(element: Element, name: str) -> bool | None:
    """A boolean attribute: True for 1, False for 0, None for anything else."""
    return {"1": True, "0": False}.get((element.get(name) or "").strip())


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """``Address1`` .. ``PostalCode``: country_code is ISO 3166-1 alpha-2."""

    address1: str | None
    city: str | None
    country_code: str | None
    address2: str | None = None
    province: str | None = None
    postal_code: str | None = None

    def element(self) -> Element:
        return make(
            "PostalAddress",
            Address1=self.address1,
            Address2=self.address2,
            City=self.city,
            Province=self.province,
            CountryCode=self.country_code,
            PostalCode=self.postal_code,
        )

    @classmethod
    def read(cls, element: Element) -> PostalAddress:
        return cls(
            address1=attribute(element, "Address1"),
            address2=attribute(element, "Address2"),
            city=attribute(element, "City"),
            province=attribute(element, "Province"),
            country_code=attribute(element, "CountryCode"),
            postal_code=attribute(element, "PostalCode"),
        )


@dataclass(frozen=True, slots=True)
class Phone:
    """A telephone or fax number: country code without +, area code (often ""), and free text."""

    country_code: str
    area_code: str
    local_number: str

    def element(self, name: str) -> Element:
        return make(
            name, CountryCode=self.country_code, AreaCode=self.area_code, LocalNumber=self.local_number
        )

    @classmethod
    def read(cls, element: Element) -> Phone:
        return cls(
            attribute(element, "CountryCode") or "",
            attribute(element, "AreaCode") or "",
            attribute(element, "LocalNumber") or "",
        )


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact in a Domain, and what a Handle has in common with it."""

    handle_id: str | None
    name: str | None
    email: str | None
    address: PostalAddress | None
    phone: Phone | None
    fax: Phone | None
    privacy: bool | None

    @classmethod
    def read(cls, element: Element) -> Contact:
        address, phone, fax = element.find("PostalAddress"), element.find("Phone"), element.find("Fax")
        return cls(
            handle_id=attribute(element, "HandleId"),
            name=attribute(element, "Name"),
            email=attribute(element, "Email"),
            address=PostalAddress.read(address) if address is not None else None,
            phone=Phone.read(phone) if phone is not None else None,
            fax=Phone.read(fax) if fax is not None else None,
            privacy=flag(element, "Privacy"),
        )


@dataclass(frozen=True, slots=True)
class Server:
    """A name server; addresses are text as the registry has them."""

    name: str
    ipv4: str | None = None
    ipv6: str | None = None

    def element(self) -> Element:
        return make("Server", FQDN=self.name, IP4Addr=self.ipv4, IP6Addr=self.ipv6)

    @classmethod
    def read(cls, element: Element) -> Server:
        return cls(
            attribute(element, "FQDN") or "", attribute(element, "IP4Addr"), attribute(element, "IP6Addr")
        )


@dataclass(frozen=True, slots=True)
class DS:
    """A delegation signer record; the digest is hexadecimal."""

    key_tag: int
    algorithm: int
    digest_type: int
    digest: str

    def element(self) -> Element:
        element = make("DS", KeyTag=self.key_tag, Algorithm=self.algorithm, DigestType=self.digest_type)
        etree.SubElement(element, "Digest").text = self.digest
        return element

    @classmethod
    def read(cls, element: Element) -> DS:
        return cls(
            int(element.get("KeyTag", "")),
            int(element.get("Algorithm", "")),
            int(element.get("DigestType", "")),
            text_of(element.find("Digest")),
        )


def children(parent: Element | None, name: str) -> Iterator[Element]:
    """The children of that name; none where there is no parent."""
    return parent.iterchildren(name) if parent is not None else iter(())
