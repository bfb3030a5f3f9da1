"""An NZSRSResponse as Python values: a Result for each action, in the order of the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, Self, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

from lxml import etree

from srs_epp.record import record
from srs_epp.srs import times
from srs_epp.srs.errors import SRSError
from srs_epp.srs.values import (
    DS,
    Contact,
    Element,
    Server,
    as_written,
    attribute,
    attributes,
    flag,
    flag_of,
    text_of,
)
from srs_epp.tree import child, own_parser

AVAILABLE = "Available"
ACTIVE = "Active"
PENDING_RELEASE = "PendingRelease"


class ResponseUnreadable(ValueError):
    """The registry's document is not XML, or not a response."""


@record
class AuditDetails:
    """Who changed a record last, and when."""

    registrar_id: int | None
    action_id: str | None
    effective_from: datetime | None
    text: str

    @classmethod
    def read(cls, element: Element) -> AuditDetails:
        values = attributes(element)
        return cls(
            registrar_id=_number(values.get("RegistrarId")),
            action_id=values.get("ActionId"),
            effective_from=_moment(child(child(element, "AuditTime"), "From")),
            text=text_of(child(element, "AuditText")),
        )


@record
class Domain:
    """A Domain record; what the registry left out is None, "" or (). Contacts are known by their HandleId."""

    name: str
    status: str | None = None
    delegate: bool | None = None
    registrar_id: int | None = None
    udai: str | None = field(default=None, repr=False)
    servers: tuple[Server, ...] = ()
    ds: tuple[DS, ...] = ()
    registrant: str | None = None
    admin: str | None = None
    tech: str | None = None
    registered: datetime | None = None
    billed_until: datetime | None = None
    cancelled: datetime | None = None
    locked: datetime | None = None
    audit: AuditDetails | None = None

    @classmethod
    def read(cls, element: Element) -> Domain:
        values = attributes(element)
        parts: dict[str, Any] = {}
        for part in element:
            known = _DOMAIN_PARTS.get(part.tag)
            if known is not None and known[0] not in parts:
                parts[known[0]] = known[1](part)
        return cls(
            name=values.get("DomainName", ""),
            status=values.get("Status"),
            delegate=flag_of(values.get("Delegate")),
            registrar_id=_number(values.get("RegistrarId")),
            udai=values.get("UDAI"),
            **parts,
        )


@record
class Handle:
    """A Handle record: a contact that belongs to one registrar."""

    registrar_id: int | None
    contact: Contact
    created: datetime | None
    audit: AuditDetails | None

    @classmethod
    def read(cls, element: Element) -> Handle:
        return cls(
            registrar_id=_number(element.get("RegistrarId")),
            contact=Contact.read(element),
            created=_moment(child(element, "CreatedDate")),
            audit=_audit(child(element, "AuditDetails")),
        )


@record
class Registrar:
    """Of a Registrar record, what a login needs: the crypt(3) hash of its EPP password."""

    registrar_id: int | None
    password_hash: str | None = field(repr=False)

    @classmethod
    def read(cls, element: Element) -> Registrar:
        auth = child(element, "EPPAuth")
        return cls(
            registrar_id=_number(element.get("RegistrarId")),
            password_hash=attribute(auth, "Password") if auth is not None else None,
        )


@record
class AccessControlList:
    """How many entries of a list answered the query."""

    entries: int

    @classmethod
    def read(cls, element: Element) -> AccessControlList:
        return cls(sum(1 for _ in element.iterchildren("AccessControlListEntry")))


@record
class UDAIValid:
    """Whether the UDAI that was asked about is right."""

    valid: bool

    @classmethod
    def read(cls, element: Element) -> UDAIValid:
        return cls(flag(element, "Valid") is True)


@record
class DomainTransfer:
    """Domains that another registrar has taken over: its name, when, and theirs."""

    registrar_name: str
    time: datetime
    names: tuple[str, ...]

    @classmethod
    def read(cls, element: Element) -> DomainTransfer:
        return cls(
            registrar_name=attribute(element, "RegistrarName") or "",
            time=times.from_attributes(as_written(element)),
            names=tuple(map(text_of, element.iterchildren("TransferredDomain"))),
        )


@record
class Message:
    """A message on a registrar's queue: the result that it tells of, and how many are behind it."""

    remaining: int
    result: Result

    @classmethod
    def read(cls, element: Element) -> Message:
        response = child(element, "Response")
        if response is None:
            raise ValueError("a Message without a Response")
        return cls(_number(element.get("Remaining")) or 0, Result.read(response))


@record
class AckResponse:
    """Which message was taken off the queue."""

    originating_registrar_id: int
    trans_id: str

    @classmethod
    def read(cls, element: Element) -> AckResponse:
        return cls(int(element.get("OriginatingRegistrarId", "")), element.get("TransId", ""))


@record
class RawDocument:
    """A document as the registry has stored it. Holds whatever secrets it was sent with."""

    xml: bytes = field(repr=False)

    @classmethod
    def read(cls, element: Element) -> Self:
        return cls(unquote_to_bytes(text_of(child(element, "XML")).replace("+", " ")))


class RawRequest(RawDocument):
    """The request that an action came in."""


class RawResponse(RawDocument):
    """The response that it got."""


Record: TypeAlias = (
    Domain
    | Handle
    | Registrar
    | AccessControlList
    | UDAIValid
    | DomainTransfer
    | Message
    | AckResponse
    | RawRequest
    | RawResponse
)

_RECORDS: Mapping[str, Callable[[Element], Record]] = {
    "Domain": Domain.read,
    "Handle": Handle.read,
    "Registrar": Registrar.read,
    "AccessControlList": AccessControlList.read,
    "UDAIValid": UDAIValid.read,
    "DomainTransfer": DomainTransfer.read,
    "Message": Message.read,
    "AckResponse": AckResponse.read,
    "RawRequest": RawRequest.read,
    "RawResponse": RawResponse.read,
}

R = TypeVar("R", bound=Record)


@record
class Result:
    """The answer to one action: its records, or the error that refused it.

    ``identity`` is ``FeId,FeSeq``, under which the registry's people find the request. ``action`` and what
    follows it matter in messages: which action it was, whose, and by which id that registrar knows it,
    character for character.
    """

    identity: str
    time: datetime | None
    records: tuple[Record, ...] = ()
    error: SRSError | None = None
    action: str = ""
    originating_registrar_id: int | None = None
    trans_id: str = ""

    def all(self, kind: type[R]) -> tuple[R, ...]:
        """The records of that kind. Found is what is there, whatever Rows says."""
        return tuple(record for record in self.records if isinstance(record, kind))

    def first(self, kind: type[R]) -> R | None:
        """The first record of that kind, None where there is none."""
        for found in self.records:
            if isinstance(found, kind):
                return found
        return None

    @property
    def domain(self) -> Domain | None:
        return self.first(Domain)

    @property
    def handles(self) -> tuple[Handle, ...]:
        return self.all(Handle)

    @property
    def registrar(self) -> Registrar | None:
        return self.first(Registrar)

    @property
    def entries(self) -> int:
        """Entries in the access control lists of the answer; no list is no entry."""
        return sum(record.entries for record in self.all(AccessControlList))

    @property
    def udai_valid(self) -> bool:
        return any(record.valid for record in self.all(UDAIValid))

    @classmethod
    def read(cls, element: Element) -> Result:
        time = error = None
        records = []
        for part in element:
            if (read := _RECORDS.get(part.tag)) is not None:
                records.append(read(part))
            elif part.tag == "FeTimeStamp":
                time = time or _moment(part)
            elif part.tag == "Error":
                error = error or _error(part, whole=False)
        return cls(
            identity=f"{element.get('FeId')},{element.get('FeSeq')}",
            time=time,
            records=tuple(records),
            error=error,
            action=element.get("Action", ""),
            originating_registrar_id=_number(element.get("OrigRegistrarId")),
            trans_id=element.get("TransId", ""),
        )


def parse(document: bytes) -> list[Result]:
    """The results in a response document, in order.

    SRSError (``whole``) where the registry refused the whole request; ResponseUnreadable where this is no
    response. A DOCTYPE is tolerated; nothing it names is ever fetched.
    """
    try:
        root = etree.fromstring(document, own_parser())
        if root.tag not in ("NZSRSResponse", "SRSResponse"):
            raise ResponseUnreadable(f"the root element is {root.tag}")
        found = []
        for part in root:
            if part.tag == "Response":
                found.append(Result.read(part))
            elif part.tag == "Error":
                raise _error(part, whole=True)
        return found
    except etree.XMLSyntaxError as error:
        raise ResponseUnreadable(f"not XML (line {error.lineno}, column {error.offset})") from None
    except (ValueError, KeyError) as error:
        raise ResponseUnreadable(f"a value is not of its form: {error}") from None


def _error(element: Element, *, whole: bool) -> SRSError:
    return SRSError(
        element.get("ErrorId") or "",
        text_of(child(element, "Description")),
        tuple(text_of(detail) for detail in element.iterchildren("ErrorDetails")),
        hint=element.get("Hint") or "",
        severity=element.get("Severity") or "",
        whole=whole,
    )


def _handle_id(element: Element) -> str | None:
    return attribute(element, "HandleId")


def _servers(element: Element) -> tuple[Server, ...]:
    return tuple(map(Server.read, element.iterchildren("Server")))


def _ds(element: Element) -> tuple[DS, ...]:
    return tuple(map(DS.read, element.iterchildren("DS")))


def _audit(element: Element | None) -> AuditDetails | None:
    return AuditDetails.read(element) if element is not None else None


def _moment(element: Element | None) -> datetime | None:
    return times.from_attributes(as_written(element)) if element is not None else None


# of most answers most parts are missing: it is looked through what there is, not for what there could be
_DOMAIN_PARTS: Mapping[str, tuple[str, Callable[[Element], object]]] = {
    "NameServers": ("servers", _servers),
    "DNSSEC": ("ds", _ds),
    "RegistrantContact": ("registrant", _handle_id),
    "AdminContact": ("admin", _handle_id),
    "TechnicalContact": ("tech", _handle_id),
    "RegisteredDate": ("registered", _moment),
    "BilledUntil": ("billed_until", _moment),
    "CancelledDate": ("cancelled", _moment),
    "LockedDate": ("locked", _moment),
    "AuditDetails": ("audit", _audit),
}


def _number(text: str | None) -> int | None:
    if text is None or not text.strip():
        return None
    number = int(text)
    if not 0 <= number < 10**16:  # of more digits EPP could name no registrar
        raise ValueError(f"the number {text[:20]} is out of bounds")
    return number
