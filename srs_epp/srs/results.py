"""An NZSRSResponse as Python values: a Result for each action, in the order of the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from lxml import etree

from srs_epp.srs import times
from srs_epp.srs.errors import SRSError
from srs_epp.srs.values import DS, Contact, Element, Server, attribute, children, flag, text_of

AVAILABLE = "Available"
ACTIVE = "Active"
PENDING_RELEASE = "PendingRelease"


class ResponseUnreadable(ValueError):
    """The registry's document is not XML, or not a response."""


@dataclass(frozen=True, slots=True)
class AuditDetails:
    """Who changed a record last, and when."""

    registrar_id: int | None
    action_id: str | None
    effective_from: datetime | None
    text: str

    @classmethod
    def read(cls, element: Element) -> AuditDetails:
        return cls(
            registrar_id=_number(element, "RegistrarId"),
            action_id=attribute(element, "ActionId"),
            effective_from=_moment(element.find("AuditTime/From")),
            text=text_of(element.find("AuditText")),
        )


@dataclass(frozen=True, slots=True)
class Domain:
    """A Domain record; what the registry left out is None, "" or ()."""

    name: str
    status: str | None
    delegate: bool | None
    registrar_id: int | None
    udai: str | None = field(repr=False)
    servers: tuple[Server, ...]
    ds: tuple[DS, ...]
    registrant: Contact | None
    admin: Contact | None
    tech: Contact | None
    registered: datetime | None
    billed_until: datetime | None
    cancelled: datetime | None
    locked: datetime | None
    audit: AuditDetails | None

    @classmethod
    def read(cls, element: Element) -> Domain:
        return cls(
            name=attribute(element, "DomainName") or "",
            status=attribute(element, "Status"),
            delegate=flag(element, "Delegate"),
            registrar_id=_number(element, "RegistrarId"),
            udai=attribute(element, "UDAI"),
            servers=tuple(map(Server.read, children(element.find("NameServers"), "Server"))),
            ds=tuple(map(DS.read, children(element.find("DNSSEC"), "DS"))),
            registrant=_contact(element.find("RegistrantContact")),
            admin=_contact(element.find("AdminContact")),
            tech=_contact(element.find("TechnicalContact")),
            registered=_moment(element.find("RegisteredDate")),
            billed_until=_moment(element.find("BilledUntil")),
            cancelled=_moment(element.find("CancelledDate")),
            locked=_moment(element.find("LockedDate")),
            audit=_audit(element),
        )


@dataclass(frozen=True, slots=True)
class Handle:
    """A Handle record: a contact that belongs to one registrar."""

    registrar_id: int | None
    contact: Contact
    created: datetime | None
    audit: AuditDetails | None

    @classmethod
    def read(cls, element: Element) -> Handle:
        return cls(
            registrar_id=_number(element, "RegistrarId"),
            contact=Contact.read(element),
            created=_moment(element.find("CreatedDate")),
            audit=_audit(element),
        )


@dataclass(frozen=True, slots=True)
class Registrar:
    """Of a Registrar record, what a login needs: the crypt(3) hash of its EPP password."""

    registrar_id: int | None
    password_hash: str | None = field(repr=False)

    @classmethod
    def read(cls, element: Element) -> Registrar:
        auth = element.find("EPPAuth")
        return cls(
            registrar_id=_number(element, "RegistrarId"),
            password_hash=attribute(auth, "Password") if auth is not None else None,
        )


@dataclass(frozen=True, slots=True)
class AccessControlList:
    """How many entries of a list answered the query."""

    entries: int

    @classmethod
    def read(cls, element: Element) -> AccessControlList:
        return cls(sum(1 for _ in element.iterchildren("AccessControlListEntry")))


@dataclass(frozen=True, slots=True)
class UDAIValid:
    """Whether the UDAI that was asked about is right."""

    valid: bool

    @classmethod
    def read(cls, element: Element) -> UDAIValid:
        return cls(flag(element, "Valid") is True)


Record: TypeAlias = Domain | Handle | Registrar | AccessControlList | UDAIValid

_RECORDS: Mapping[str, Callable[[Element], Record]] = {
    "Domain": Domain.read,
    "Handle": Handle.read,
    "Registrar": Registrar.read,
    "AccessControlList": AccessControlList.read,
    "UDAIValid": UDAIValid.read,
}


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to one action: its records, or the error that refused it.

    ``identity`` is ``FeId,FeSeq``, under which the registry's people find the request.
    """

    identity: str
    time: datetime | None
    records: tuple[Record, ...] = ()
    error: SRSError | None = None

    @property
    def domain(self) -> Domain | None:
        """The first Domain record, None where there is none: found is what is there, whatever Rows says."""
        return next((record for record in self.records if isinstance(record, Domain)), None)

    @property
    def handles(self) -> tuple[Handle, ...]:
        return tuple(record for record in self.records if isinstance(record, Handle))

    @property
    def registrar(self) -> Registrar | None:
        return next((record for record in self.records if isinstance(record, Registrar)), None)

    @property
    def entries(self) -> int:
        """Entries in the access control lists of the answer; no list is no entry."""
        return sum(record.entries for record in self.records if isinstance(record, AccessControlList))

    @property
    def udai_valid(self) -> bool:
        return any(record.valid for record in self.records if isinstance(record, UDAIValid))

    @classmethod
    def read(cls, element: Element) -> Result:
        refusal = element.find("Error")
        return cls(
            identity=f"{element.get('FeId')},{element.get('FeSeq')}",
            time=_moment(element.find("FeTimeStamp")),
            records=tuple(_RECORDS[child.tag](child) for child in element if child.tag in _RECORDS),
            error=_error(refusal, whole=False) if refusal is not None else None,
        )


def parse(document: bytes) -> list[Result]:
    """The results in a response document, in order.

    SRSError (``whole``) where the registry refused the whole request; ResponseUnreadable where this is no
    response. A DOCTYPE is tolerated; nothing it names is ever fetched.
    """
    try:
        root = etree.fromstring(document, _parser())
        if root.tag not in ("NZSRSResponse", "SRSResponse"):
            raise ResponseUnreadable(f"the root element is {root.tag}")
        refusal = root.find("Error")
        if refusal is not None:
            raise _error(refusal, whole=True)
        return [Result.read(response) for response in root.iterchildren("Response")]
    except etree.XMLSyntaxError as error:
        raise ResponseUnreadable(f"not XML (line {error.lineno}, column {error.offset})") from None
    except (ValueError, KeyError) as error:
        raise ResponseUnreadable(f"a value is not of its form: {error}") from None


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )


def _error(element: Element, *, whole: bool) -> SRSError:
    return SRSError(
        element.get("ErrorId") or "",
        text_of(element.find("Description")),
        tuple(text_of(detail) for detail in element.iterchildren("ErrorDetails")),
        hint=element.get("Hint") or "",
        severity=element.get("Severity") or "",
        whole=whole,
    )


def _contact(element: Element | None) -> Contact | None:
    return Contact.read(element) if element is not None else None


def _audit(element: Element) -> AuditDetails | None:
    details = element.find("AuditDetails")
    return AuditDetails.read(details) if details is not None else None


def _moment(element: Element | None) -> datetime | None:
    return (
        times.from_attributes({str(k): str(v) for k, v in element.items()}) if element is not None else None
    )


def _number(element: Element, name: str) -> int | None:
    value = attribute(element, name)
    return int(value) if value is not None else None
