"""Name servers: EPP's host attributes (RFC 5731 section 1.1) and the SRS's Server elements."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from srs_epp.commands.identifiers import NAME_LENGTH
from srs_epp.epp.domain import NameServer
from srs_epp.epp.results import CommandUseError, Element, UnimplementedOption
from srs_epp.srs.values import Server

log = logging.getLogger("eppd.mapping")

ADDRESS_LENGTH = range(3, 46)  # host:addrStringType


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
    """Addresses verbatim, as the registry has them; servers whose name EPP can't carry are left out."""
    found = []
    for server in servers:
        if len(server.name) in NAME_LENGTH:
            found.append(NameServer(server.name, tuple(_addresses(server))))
        else:
            log.warning("a name server's name of %d characters is left out", len(server.name))
    return tuple(found)


def _addresses(server: Server) -> Iterable[tuple[str, str]]:
    for version, address in (("v4", server.ipv4), ("v6", server.ipv6)):
        if address and len(address) in ADDRESS_LENGTH:
            yield version, address
        elif address:
            log.warning("an address of %d characters is left out", len(address))


def changed(
    present: Iterable[Server], removed: Iterable[NameServer], added: Iterable[NameServer]
) -> tuple[Server, ...]:
    """The whole list after the removals and the additions; names compare without case.

    2002 for one to remove that is not there, and for one to add that is. The addresses of those that stay are
    kept: to change one's address it is removed and added.
    """
    servers = {server.name.lower(): server for server in present}
    for server in removed:
        if servers.pop(server.name.lower(), None) is None:
            text = "Attempting to remove name server which does not exist on the domain"
            raise CommandUseError(text, value=server.name)
    for server in added:
        if server.name.lower() in servers:
            raise CommandUseError("already exists on the domain", value=server.name)
        servers[server.name.lower()] = _server(server)
    return tuple(servers.values())
