"""The domain mapping, RFC 5731: what its commands say, and the data of its responses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from datetime import datetime

from srs_epp.epp.markup import Markup
from srs_epp.epp.names import domain_name
from srs_epp.epp.namespaces import DOMAIN
from srs_epp.epp.results import Element
from srs_epp.epp.xml import normalized, token, utc
from srs_epp.record import record
from srs_epp.tree import child, children, first_children

MONTHS = {"y": 12, "m": 1}


@record
class NameServer:
    """A ``hostAttr``: addresses are (version, text), version "v4" or "v6"."""

    name: str
    addresses: tuple[tuple[str, str], ...] = ()
    element: Element | None = field(default=None, repr=False, compare=False)


@record
class ContactReference:
    """A contact of a domain: its type ("admin", "tech", "billing", or None) and id."""

    type: str | None
    id: str
    element: Element | None = field(default=None, repr=False, compare=False)


@record
class Info:
    """``<domain:info>``, section 3.1.2."""

    name: str
    hosts: str
    auth_info: str | None = field(repr=False)

    @classmethod
    def read(cls, payload: Element) -> Info:
        name = child(payload, DOMAIN("name"))
        assert name is not None
        return cls(domain_name(name), name.get("hosts", "all").strip(), read_auth_info(payload))


@record
class Create:
    """``<domain:create>``, section 3.2.1; ``months`` is None where the client names no period."""

    name: str
    months: int | None
    servers: tuple[NameServer, ...]
    host_objects: tuple[Element, ...]
    registrant: str | None
    contacts: tuple[ContactReference, ...]

    @classmethod
    def read(cls, payload: Element) -> Create:
        parts = first_children(payload)
        ns, registrant = parts.get(DOMAIN("ns")), parts.get(DOMAIN("registrant"))
        return cls(
            name=domain_name(parts[DOMAIN("name")]),
            months=months_of(parts.get(DOMAIN("period"))),
            servers=read_servers(ns),
            host_objects=tuple(children(ns, DOMAIN("hostObj"))),
            registrant=token(registrant) if registrant is not None else None,
            contacts=read_contacts(payload),
        )


@record
class Changes:
    """``<domain:add>`` or ``<domain:rem>``, section 3.2.5; statuses are their elements."""

    servers: tuple[NameServer, ...] = ()
    host_objects: tuple[Element, ...] = ()
    contacts: tuple[ContactReference, ...] = ()
    statuses: tuple[Element, ...] = ()

    @classmethod
    def read(cls, element: Element | None) -> Changes:
        if element is None:
            return cls()
        ns = child(element, DOMAIN("ns"))
        return cls(
            servers=read_servers(ns),
            host_objects=tuple(children(ns, DOMAIN("hostObj"))),
            contacts=read_contacts(element),
            statuses=tuple(children(element, DOMAIN("status"))),
        )

    def __bool__(self) -> bool:
        return bool(self.servers or self.host_objects or self.contacts or self.statuses)


@record
class Update:
    """``<domain:update>``, section 3.2.5; ``registrant`` is the element in chg, None where there is none."""

    name: str
    add: Changes
    rem: Changes
    registrant: Element | None
    new_auth_info: bool

    @classmethod
    def read(cls, payload: Element) -> Update:
        chg = child(payload, DOMAIN("chg"))
        return cls(
            name=read_name(payload),
            add=Changes.read(child(payload, DOMAIN("add"))),
            rem=Changes.read(child(payload, DOMAIN("rem"))),
            registrant=child(chg, DOMAIN("registrant")),
            new_auth_info=child(chg, DOMAIN("authInfo")) is not None,
        )

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return bool(self.add or self.rem or self.registrant is not None or self.new_auth_info)


@record
class Renew:
    """``<domain:renew>``, section 3.2.3; ``current_expiry`` is curExpDate's element."""

    name: str
    current_expiry: Element
    months: int | None

    @classmethod
    def read(cls, payload: Element) -> Renew:
        current = child(payload, DOMAIN("curExpDate"))
        assert current is not None
        return cls(read_name(payload), current, months_of(child(payload, DOMAIN("period"))))


@record
class Transfer:
    """``<domain:transfer>``, section 3.2.4."""

    name: str
    months: int | None
    auth_info: str | None = field(repr=False)

    @classmethod
    def read(cls, payload: Element) -> Transfer:
        months = months_of(child(payload, DOMAIN("period")))
        return cls(read_name(payload), months, read_auth_info(payload))


def read_name(payload: Element) -> str:
    """The name of a command about one domain."""
    name = child(payload, DOMAIN("name"))
    assert name is not None
    return domain_name(name)


def read_names(payload: Element) -> list[str]:
    """The names of a ``<domain:check>``, section 3.1.1, in order."""
    return [domain_name(element) for element in children(payload, DOMAIN("name"))]


def months_of(period: Element | None) -> int | None:
    """A ``period`` in months."""
    return int(token(period)) * MONTHS[period.get("unit", "").strip()] if period is not None else None


def read_servers(ns: Element | None) -> tuple[NameServer, ...]:
    """The host attributes of an ``ns``."""
    servers = []
    for element in children(ns, DOMAIN("hostAttr")):
        name = child(element, DOMAIN("hostName"))
        assert name is not None
        addresses = tuple(
            (address.get("ip", "v4").strip(), token(address))
            for address in children(element, DOMAIN("hostAddr"))
        )
        servers.append(NameServer(domain_name(name), addresses, element))
    return tuple(servers)


def read_contacts(parent: Element) -> tuple[ContactReference, ...]:
    """The ``contact`` children."""
    return tuple(
        ContactReference((element.get("type") or "").strip() or None, token(element), element)
        for element in children(parent, DOMAIN("contact"))
    )


def read_auth_info(payload: Element) -> str | None:
    """The password in ``authInfo``; "" for one of another kind, None where there is none."""
    found = child(payload, DOMAIN("authInfo"))
    return normalized(child(found, DOMAIN("pw"))) if found is not None else None


@record
class InfoData:
    """``<domain:infData>``; what is None or empty is left out."""

    name: str
    roid: str
    statuses: tuple[str, ...]
    client_id: str
    registrant: str | None = None
    contacts: tuple[ContactReference, ...] = ()
    servers: tuple[NameServer, ...] = ()
    created: datetime | None = None
    updater_id: str | None = None
    updated: datetime | None = None
    expires: datetime | None = None
    auth_info: str | None = field(default=None, repr=False)

    def markup(self) -> Markup:
        data = Markup(DOMAIN, "infData")
        data.add("name", self.name)
        data.add("roid", self.roid)
        for status in self.statuses:
            data.add("status", s=status)
        if self.registrant:
            data.add("registrant", self.registrant)
        for contact in self.contacts:
            data.add("contact", contact.id, type=contact.type or "")
        if self.servers:
            _add_servers(data, self.servers)
        data.add("clID", self.client_id)
        _add_moment(data, "crDate", self.created)
        if self.updater_id:
            data.add("upID", self.updater_id)
        _add_moment(data, "upDate", self.updated)
        _add_moment(data, "exDate", self.expires)
        if self.auth_info:
            data.open("authInfo").add("pw", self.auth_info)
        return data


def check_data(answers: Iterable[tuple[str, str | None]]) -> Markup:
    """``<domain:chkData>``: (name, why it is not available, None where it is)."""
    data = Markup(DOMAIN, "chkData")
    for name, reason in answers:
        one = data.open("cd")
        one.add("name", name, avail="1" if reason is None else "0")
        if reason:
            one.add("reason", reason)
    return data


def create_data(name: str, created: datetime, expires: datetime | None) -> Markup:
    """``<domain:creData>``."""
    data = Markup(DOMAIN, "creData")
    data.add("name", name)
    _add_moment(data, "crDate", created)
    _add_moment(data, "exDate", expires)
    return data


def renew_data(name: str, expires: datetime | None) -> Markup:
    """``<domain:renData>``."""
    data = Markup(DOMAIN, "renData")
    data.add("name", name)
    _add_moment(data, "exDate", expires)
    return data


def transfer_data(
    name: str, *, requester: str, acting: str, moment: datetime, expires: datetime | None = None
) -> Markup:
    """``<domain:trnData>`` of a transfer that the server has approved at ``moment``."""
    data = Markup(DOMAIN, "trnData")
    data.add("name", name)
    data.add("trStatus", "serverApproved")
    data.add("reID", requester)
    _add_moment(data, "reDate", moment)
    data.add("acID", acting)
    _add_moment(data, "acDate", moment)
    _add_moment(data, "exDate", expires)
    return data


def _add_servers(data: Markup, servers: Iterable[NameServer]) -> None:
    ns = data.open("ns")
    for server in servers:
        host = ns.open("hostAttr")
        host.add("hostName", server.name)
        for version, address in server.addresses:
            host.add("hostAddr", address, ip=version)


def _add_moment(data: Markup, local: str, moment: datetime | None) -> None:
    if moment is not None:
        data.add(local, utc(moment))
