"""The values that SRS requests and results share: contacts, addresses, phones, name servers, DS records.

Each knows its element and reads itself from one. Text is trimmed (the registry wraps text in white space, and
that is XML's: a no-break space is text); unknown attributes and elements are passed over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NewType

from lxml import etree

from srs_epp.escaping import escaped, quoted
from srs_epp.record import record
from srs_epp.tree import child

Element = etree._Element

_BLANKS = " \t\r\n"


Xml = NewType("Xml", str)
"""An element, or several, as it is written."""


class Written(ABC):
    """What knows how it is written."""

    __slots__ = ()

    @abstractmethod
    def xml(self) -> Xml:
        """Its element, as it is sent."""

    def element(self) -> Element:
        """The same, to be looked into."""
        return etree.fromstring(self.xml())


def tag(name: str, *content: Xml, **attributes: str | bool | int | None) -> Xml:
    """An element with these attributes and this content; None leaves one out, True and False are 1 and 0.

    >>> tag("Whois", DomainName="a.nz", FullResult=False)
    '<Whois DomainName="a.nz" FullResult="0"/>'
    """
    written = [
        f" {key}={quoted(value)}" if isinstance(value, str) else f' {key}="{int(value)}"'
        for key, value in attributes.items()
        if value is not None
    ]
    start = f"<{name}{''.join(written)}"
    return Xml(f"{start}>{''.join(content)}</{name}>" if content else f"{start}/>")


def text(value: str) -> Xml:
    """The content of an element that is text."""
    return Xml(escaped(value))


def text_of(element: Element | None) -> str:
    """The element's text, trimmed; "" where there is none."""
    return (element.text or "").strip(_BLANKS) if element is not None else ""


def attribute(element: Element, name: str) -> str | None:
    """The attribute, trimmed; None where it is missing or empty (the SRS does not tell them apart)."""
    return (element.get(name) or "").strip(_BLANKS) or None


def attributes(element: Element) -> dict[str, str]:
    """All of them that are not empty, trimmed: of several, one by one takes twice as long."""
    items: list[tuple[str, str]] = element.items()  # type: ignore[assignment]  # octets: with a DTD only
    return {name: trimmed for name, value in items if (trimmed := value.strip(_BLANKS))}


def as_written(element: Element) -> dict[str, str]:
    """All of them, character for character."""
    return dict(element.items())  # type: ignore[arg-type]


def flag(element: Element, name: str) -> bool | None:
    """A boolean attribute: True for 1, False for 0, None for anything else."""
    return flag_of((element.get(name) or "").strip())


def flag_of(text: str | None) -> bool | None:
    """The same of its text."""
    return True if text == "1" else False if text == "0" else None


@record
class PostalAddress(Written):
    """``Address1`` .. ``PostalCode``: country_code is ISO 3166-1 alpha-2."""

    address1: str | None
    city: str | None
    country_code: str | None
    address2: str | None = None
    province: str | None = None
    postal_code: str | None = None

    def xml(self) -> Xml:
        return tag(
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
        values = attributes(element)
        return cls(
            address1=values.get("Address1"),
            address2=values.get("Address2"),
            city=values.get("City"),
            province=values.get("Province"),
            country_code=values.get("CountryCode"),
            postal_code=values.get("PostalCode"),
        )


@record
class Phone:
    """A telephone or fax number: country code without +, area code (often ""), and free text."""

    country_code: str
    area_code: str
    local_number: str

    def xml(self, name: str) -> Xml:
        return tag(
            name, CountryCode=self.country_code, AreaCode=self.area_code, LocalNumber=self.local_number
        )

    @classmethod
    def read(cls, element: Element) -> Phone:
        values = attributes(element)
        return cls(values.get("CountryCode", ""), values.get("AreaCode", ""), values.get("LocalNumber", ""))


@record
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
        values = attributes(element)
        address, phone, fax = (child(element, name) for name in ("PostalAddress", "Phone", "Fax"))
        return cls(
            handle_id=values.get("HandleId"),
            name=values.get("Name"),
            email=values.get("Email"),
            address=PostalAddress.read(address) if address is not None else None,
            phone=Phone.read(phone) if phone is not None else None,
            fax=Phone.read(fax) if fax is not None else None,
            privacy=flag_of(values.get("Privacy")),
        )


@record
class Server(Written):
    """A name server; addresses are text as the registry has them."""

    name: str
    ipv4: str | None = None
    ipv6: str | None = None

    def xml(self) -> Xml:
        return tag("Server", FQDN=self.name, IP4Addr=self.ipv4, IP6Addr=self.ipv6)

    @classmethod
    def read(cls, element: Element) -> Server:
        values = attributes(element)
        return cls(values.get("FQDN", ""), values.get("IP4Addr"), values.get("IP6Addr"))


@record
class DS(Written):
    """A delegation signer record; the digest is hexadecimal."""

    key_tag: int
    algorithm: int
    digest_type: int
    digest: str

    def xml(self) -> Xml:
        digest = tag("Digest", text(self.digest))
        return tag("DS", digest, KeyTag=self.key_tag, Algorithm=self.algorithm, DigestType=self.digest_type)

    @classmethod
    def read(cls, element: Element) -> DS:
        return cls(
            int(element.get("KeyTag", "")),
            int(element.get("Algorithm", "")),
            int(element.get("DigestType", "")),
            text_of(child(element, "Digest")),
        )
