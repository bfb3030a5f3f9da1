"""Filters of queries: texts with wildcards, contacts, name servers, DS records."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable
from typing import TypeAlias

from srs_epp.registry.contacts import PARTS
from srs_epp.srs.values import DS, Element, Server, attribute, text_of

Matches: TypeAlias = Callable[[str | None], bool]


def has_wildcard(text: str) -> bool:
    """Whether the text names more than itself."""
    return "*" in text or "?" in text


def pattern(text: str) -> Matches:
    """A test for texts: ``?`` is one character, ``*`` any number; neither crosses a dot, but a leading ``*``
    does. Case is ignored. A value that is missing never matches.
    """
    head, rest = (".*", text[1:]) if text.startswith("*") else ("", text)
    parts = ({"?": r"[^.]", "*": r"[^.]*"}.get(character, re.escape(character)) for character in rest)
    # runs of stars would make the search slow, and mean no more than one
    expression = re.sub(r"(\[\^\.\]\*)+", r"[^.]*", "".join(parts))
    compiled = re.compile(head + expression, re.IGNORECASE | re.DOTALL)
    return lambda value: value is not None and compiled.fullmatch(value) is not None


def contact_filter(element: Element) -> Callable[[sqlite3.Row], bool]:
    """A test for stored contacts: each attribute that the filter gives must match."""
    wanted = [(column, pattern(value)) for column, value in _given(element)]
    privacy = attribute(element, "Privacy")

    def matches(contact: sqlite3.Row) -> bool:
        if privacy is not None and int(privacy) != contact["privacy"]:
            return False
        return all(test(contact[column]) for column, test in wanted)

    return matches


def _given(element: Element) -> Iterable[tuple[str, str]]:
    handle_id = attribute(element, "HandleId")
    if handle_id is not None:
        yield "handle_id", handle_id
    for part, name, column in PARTS:
        tag = {"PostalAddress": "PostalAddressFilter"}.get(part, part)
        holder = element.find(tag) if tag else element
        value = attribute(holder, name) if holder is not None else None
        if value is not None:
            yield column, value


def server_filter(element: Element) -> Callable[[Iterable[Server]], bool]:
    """A test for name servers: each ServerFilter must match one of them."""
    wanted = [
        tuple(_optional(attribute(one, name)) for name in ("FQDN", "IP4Addr", "IP6Addr"))
        for one in element.iterchildren("ServerFilter")
    ]

    def one_of(servers: list[Server], name: Matches, ipv4: Matches, ipv6: Matches) -> bool:
        return any(name(server.name) and ipv4(server.ipv4) and ipv6(server.ipv6) for server in servers)

    def matches(servers: Iterable[Server]) -> bool:
        held = list(servers)
        return all(one_of(held, *tests) for tests in wanted)

    return matches


def ds_filter(element: Element) -> Callable[[Iterable[DS]], bool]:
    """A test for DS records: each DSFilter must match one of them."""
    wanted = [
        (
            _optional(attribute(one, "KeyTag")),
            _optional(attribute(one, "Algorithm")),
            _optional(attribute(one, "DigestType")),
            _optional(text_of(one.find("Digest")) or None),
        )
        for one in element.iterchildren("DSFilter")
    ]

    def matches(records: Iterable[DS]) -> bool:
        held = [(str(one.key_tag), str(one.algorithm), str(one.digest_type), one.digest) for one in records]
        return all(
            any(all(test(value) for test, value in zip(tests, one, strict=True)) for one in held)
            for tests in wanted
        )

    return matches


def _optional(text: str | None) -> Matches:
    return pattern(text) if text is not None else lambda _: True
