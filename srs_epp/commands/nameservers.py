"""Name servers: EPP's host attributes (RFC 5731 section 1.1) and the SRS's Server elements."""

from __future__ import annotations

from collections.abc import Iterable

from srs_epp.epp.domain import NameServer
from srs_epp.epp.results import Element, UnimplementedOption
from srs_epp.srs.values import Server


def to_srs(servers: Iterable[NameServer], host_objects: Iterable[Element] = ()) -> tuple[Server, ...]:
    """2102 for host objects, and for a server with two addresses of one version: the SRS has neither."""
    for element in host_objects:
        raise UnimplementedOption("hostObj not supported", value=element)
    return tuple(map(_server, servers))


def _server(server: NameServer) -> Server:
    addresses: dict[str, str] = {}
    for version, address in server.addresses:
        if version in addresses:
            raise UnimplementedOption(
                "multiple addresses of one IP version not supported",
                value=server.element if server.element is not None else server.name,
            )
        addresses[version] = address
    return Server(server.name, addresses.get("v4"), addresses.get("v6"))


def to_epp(servers: Iterable[Server]) -> tuple[NameServer, ...]:
    """Addresses verbatim, as the registry has them."""
    return tuple(NameServer(server.name, tuple(_addresses(server))) for server in servers)


def _addresses(server: Server) -> Iterable[tuple[str, str]]:
    if server.ipv4:
        yield "v4", server.ipv4
    if server.ipv6:
        yield "v6", server.ipv6
