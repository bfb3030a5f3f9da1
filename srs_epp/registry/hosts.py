"""Name servers and DS records of a domain: what is checked of them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from srs_epp.registry.fields import required, whole_number
from srs_epp.registry.names import is_host_name
from srs_epp.registry.refusals import refusal
from srs_epp.registry.rules import Rules
from srs_epp.srs.values import DS, Element, Server, attribute, text_of
from srs_epp.tree import children

_ALGORITHMS = frozenset({5, 6, 7, 8, 10, 13})
_DIGEST_LENGTHS = {1: 40, 2: 64}  # digest type (SHA-1, SHA-256): hexadecimal digits
_DIGEST = re.compile(r"[0-9A-Fa-f]+")


def name_servers(element: Element | None, domain: str, rules: Rules) -> list[Server]:
    """The servers in a NameServers element, for the domain of that name; none where there is no element.

    SRSError: NAMESERVERS_EXCEEDED_MAX, NAME_SERVER_DUPLICATION, IP4ADDR_NOT_ALLOWED, IP6ADDR_NOT_ALLOWED,
    SELF_SERVING_DNS_VIOLATION, INVALID_FIELD.
    """
    servers = [_server(child) for child in children(element, "Server")]
    if len(servers) > rules.most_servers:
        raise refusal("NAMESERVERS_EXCEEDED_MAX", str(rules.most_servers))
    seen: set[str] = set()
    for server in servers:
        if server.name in seen:
            raise refusal("NAME_SERVER_DUPLICATION", server.name, domain)
        seen.add(server.name)
        _check_addresses(server, domain)
    return servers


def ds_records(element: Element | None, rules: Rules) -> list[DS]:
    """The records in a DNSSEC element; none where there is no element.

    SRSError: DNSSEC_KEYS_EXCEEDED_MAX, INVALID_FIELD.
    """
    found = list(children(element, "DS"))
    if len(found) > rules.most_ds:
        raise refusal("DNSSEC_KEYS_EXCEEDED_MAX", str(rules.most_ds))
    return [_ds(child) for child in found]


def check_delegation(servers: list[Server], records: list[DS]) -> None:
    """DS records say nothing without name servers. SRSError MISSING_MANDATORY_FIELD."""
    if records and not servers:
        raise refusal("MISSING_MANDATORY_FIELD", "NameServers", "DNSSEC")


def _server(element: Element) -> Server:
    name = required(element, "FQDN").lower()
    if not is_host_name(name) or "." not in name:
        raise refusal("INVALID_FIELD", name, "FQDN")
    return Server(
        name,
        _address(element, "IP4Addr", ipaddress.IPv4Address),
        _address(element, "IP6Addr", ipaddress.IPv6Address),
    )


def _address(element: Element, name: str, kind: Callable[[str], object]) -> str | None:
    """The address, in the spelling that was given."""
    value = attribute(element, name)
    if value is None:
        return None
    try:
        kind(value)
    except ValueError:
        raise refusal("INVALID_FIELD", value, name) from None
    if "%" in value:  # a scope has no meaning outside one machine
        raise refusal("INVALID_FIELD", value, name)
    return value


def _check_addresses(server: Server, domain: str) -> None:
    inside = server.name == domain or server.name.endswith("." + domain)
    if inside and server.ipv4 is None and server.ipv6 is None:
        raise refusal("SELF_SERVING_DNS_VIOLATION", domain, server.name)
    if not inside and server.ipv4 is not None:
        raise refusal("IP4ADDR_NOT_ALLOWED", server.ipv4, server.name, domain)
    if not inside and server.ipv6 is not None:
        raise refusal("IP6ADDR_NOT_ALLOWED", server.ipv6, server.name, domain)


def _ds(element: Element) -> DS:
    key_tag = whole_number(required(element, "KeyTag"), "KeyTag")
    algorithm = whole_number(required(element, "Algorithm"), "Algorithm")
    digest_type = whole_number(required(element, "DigestType"), "DigestType")
    digest = text_of(element.find("Digest"))
    if key_tag > 65535:
        raise refusal("INVALID_FIELD", str(key_tag), "KeyTag")
    if algorithm not in _ALGORITHMS:
        raise refusal("INVALID_FIELD", str(algorithm), "Algorithm")
    if digest_type not in _DIGEST_LENGTHS:
        raise refusal("INVALID_FIELD", str(digest_type), "DigestType")
    if len(digest) != _DIGEST_LENGTHS[digest_type] or not _DIGEST.fullmatch(digest):
        raise refusal("INVALID_FIELD", digest, "Digest")
    return DS(key_tag, algorithm, digest_type, digest)
