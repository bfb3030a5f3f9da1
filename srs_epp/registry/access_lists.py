"""AccessControlListQry, AccessControlListAdd and AccessControlListRemove."""

from __future__ import annotations

import ipaddress
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from srs_epp.registry import records, registrars
from srs_epp.registry.elements import make
from srs_epp.registry.fields import filters, required, whole_number
from srs_epp.registry.months import from_seconds
from srs_epp.registry.refusals import refusal
from srs_epp.registry.transaction import Answer, Transaction
from srs_epp.srs.errors import SRSError
from srs_epp.srs.values import Element, attribute, flag
from srs_epp.tree import children

RESOURCES = frozenset({"epp_connect", "epp_client_certs", "whoisd"})
LISTS = frozenset({"whitelist", "blacklist"})
_TYPES = {  # which of Address, DomainName and RegistrarId an entry has
    (True, False, False): "ip",
    (False, True, False): "domain",
    (False, False, True): "registrar",
    (True, False, True): "registrar_ip",
    (False, True, True): "registrar_domain",
}

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Entry(NamedTuple):
    """An entry of a list, in the spelling in which it is stored."""

    type: str
    address: str | None
    domain_name: str | None
    registrar_id: int | None
    comment: str | None = None


class Filters(NamedTuple):
    """What a query looks for: one of each kind that it names must fit."""

    networks: list[Network]
    names: frozenset[str]
    registrar_ids: frozenset[int]

    @classmethod
    def read(cls, query: Element) -> Filters:
        return cls(
            [_network(text, refusal("INVALID_ADDRESS_FILTER")) for text in filters(query, "AddressFilter")],
            # no wildcards: the name may come from a certificate that its owner made up
            frozenset(text.lower() for text in filters(query, "DomainNameFilter")),
            frozenset(_registrar_id(text) for text in filters(query, "RegistrarIdFilter")),
        )

    def fit(self, entry: sqlite3.Row) -> bool:
        """Whether the entry is one that is looked for."""
        if self.networks and not _holds_one(entry["address"], self.networks):
            return False
        if self.names and entry["domain_name"] not in self.names:
            return False
        return not self.registrar_ids or entry["registrar_id"] in self.registrar_ids


def query(request: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """The entries of the lists asked for. With QueryRegACL only, a registrar sees its own entries."""
    found = Filters.read(request)
    own = None if "QueryACL" in registrars.roles(registrar_id, transaction.database) else registrar_id
    resource = _one_of(request, "Resource", RESOURCES)
    list_ = _one_of(request, "List", LISTS)
    type_ = _one_of(request, "Type", frozenset(_TYPES.values()))
    # the entries are shown where they are asked for, be it by a filter
    with_entries = flag(request, "FullResult") is True or any(found)
    shown = []
    for one_resource, one_list in _lists(resource, list_, transaction.database):
        entries = _entries(one_resource, one_list, type_, own, transaction.database)
        if entries or (resource and list_):
            element = make("AccessControlList", Resource=one_resource, List=one_list, Type=type_)
            element.set("Size", str(len(entries)))
            element.extend(_record(entry) for entry in entries if with_entries and found.fit(entry))
            shown.append(element)
    return Answer(shown)


def add(order: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """Put entries on a list, all of them or none."""
    resource, list_ = _named_list(order)
    added = []
    for element in children(order, "AccessControlListEntry"):
        entry = _read(element, transaction.database)
        row = insert(resource, list_, entry, transaction.seconds, transaction.database)
        if row is None:
            raise refusal("LIST_ENTRY_ALREADY_EXISTS")
        added.append(row)
    return _changed(order, len(added), added)


def remove(order: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """Take entries off a list; one that is not on it is gone already."""
    resource, list_ = _named_list(order)
    elements = list(children(order, "AccessControlListEntry"))
    if not elements:
        raise refusal("MISSING_MANDATORY_FIELD", "AccessControlListEntry", "AccessControlListRemove")
    gone: list[sqlite3.Row] = []
    for element in elements:
        entry = _read(element, transaction.database)
        gone += transaction.database.execute(
            "DELETE FROM access_entries WHERE resource = ? AND list = ? AND type = ?"
            " AND address IS ? AND domain_name IS ? AND registrar_id IS ? RETURNING *",
            (resource, list_, entry.type, entry.address, entry.domain_name, entry.registrar_id),
        ).fetchall()
    return _changed(order, -len(gone), gone)


def insert(
    resource: str, list_: str, entry: Entry, effective: int, database: sqlite3.Connection
) -> sqlite3.Row | None:
    """Put one entry on a list; None where it is on it already. ``effective``: since when, in seconds."""
    [*inserted] = database.execute(
        "INSERT INTO access_entries"
        " (resource, list, type, address, domain_name, registrar_id, comment, effective)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING *",
        (resource, list_, *entry, effective),
    )
    return inserted[0] if inserted else None


def spelt(network: str) -> str:
    """A network, or one address, as it is stored. SRSError INVALID_ADDRESS."""
    found = _network(network, refusal("INVALID_ADDRESS"))
    return str(found.network_address) if found.prefixlen == found.max_prefixlen else str(found)


def _network(text: str, otherwise: SRSError) -> Network:
    try:
        if "%" in text:  # a scope has no meaning outside one machine
            raise otherwise
        network = ipaddress.ip_network(text)
    except ValueError:
        raise otherwise from None
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is not None and network.prefixlen >= 96:
        return ipaddress.IPv4Network((mapped, network.prefixlen - 96))
    return network


def _holds_one(address: str | None, wanted: Iterable[Network]) -> bool:
    if address is None:
        return False
    held = ipaddress.ip_network(address)
    return any(_contains(held, network) for network in wanted)


def _contains(outer: Network, inner: Network) -> bool:
    if isinstance(outer, ipaddress.IPv4Network) and isinstance(inner, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(outer, ipaddress.IPv6Network) and isinstance(inner, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def _registrar_id(text: str) -> int:
    try:
        return whole_number(text, "RegistrarIdFilter", smallest=1)
    except SRSError:
        raise refusal("INVALID_REGISTRAR_ID_FILTER") from None


def _one_of(element: Element, name: str, known: frozenset[str]) -> str | None:
    value = attribute(element, name)
    if value is not None and value not in known:
        raise refusal("INVALID_FIELD", value, name)
    return value


def _named_list(order: Element) -> tuple[str, str]:
    required(order, "Resource")
    required(order, "List")
    return _one_of(order, "Resource", RESOURCES) or "", _one_of(order, "List", LISTS) or ""


def _lists(resource: str | None, list_: str | None, database: sqlite3.Connection) -> list[tuple[str, str]]:
    if resource and list_:
        return [(resource, list_)]
    rows = database.execute("SELECT DISTINCT resource, list FROM access_entries ORDER BY resource, list")
    return [(row[0], row[1]) for row in rows if resource in (None, row[0]) and list_ in (None, row[1])]


def _entries(
    resource: str, list_: str, type_: str | None, own: int | None, database: sqlite3.Connection
) -> list[sqlite3.Row]:
    return database.execute(
        "SELECT * FROM access_entries WHERE resource = ? AND list = ? AND type = ifnull(?, type)"
        " AND (? IS NULL OR registrar_id = ?) ORDER BY entry_id",
        (resource, list_, type_, own, own),
    ).fetchall()


def _read(element: Element, database: sqlite3.Connection) -> Entry:
    """SRSError INVALID_ADDRESS, INVALID_FIELD, INVALID_FIELDSET."""
    address, name = attribute(element, "Address"), attribute(element, "DomainName")
    registrar = attribute(element, "RegistrarId")
    type_ = _TYPES.get((address is not None, name is not None, registrar is not None))
    if type_ is None:
        raise refusal("INVALID_FIELDSET")
    registrar_id = whole_number(registrar, "RegistrarId", smallest=1) if registrar is not None else None
    if registrar_id is not None and registrars.find(registrar_id, database) is None:
        raise refusal("INVALID_FIELD", str(registrar_id), "RegistrarId")
    return Entry(
        type_,
        spelt(address) if address is not None else None,
        name.lower() if name is not None else None,
        registrar_id,
        attribute(element, "Comment"),
    )


def _record(entry: sqlite3.Row) -> Element:
    element = make(
        "AccessControlListEntry",
        Address=entry["address"],
        DomainName=entry["domain_name"],
        RegistrarId=entry["registrar_id"],
        Comment=entry["comment"],
    )
    element.append(records.moment("EffectiveDate", from_seconds(entry["effective"])))
    return element


def _changed(order: Element, size_change: int, entries: Iterable[sqlite3.Row]) -> Answer:
    resource, list_ = _named_list(order)
    element = make("AccessControlList", Resource=resource, List=list_, SizeChange=size_change)
    if flag(order, "FullResult") is not False:
        element.extend(_record(entry) for entry in entries)
    return Answer([element])
