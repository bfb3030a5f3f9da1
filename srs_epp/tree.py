"""Trees of XML: how octets of others become one, and children found by name."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from lxml import etree


class _Parsers(threading.local):
    """A parser for each thread.

    One that several use carries names from one thread's dictionary into another's, and two threads that write
    to one dictionary crash the process.
    """

    def __init__(self) -> None:
        self.own = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )


_parsers = _Parsers()


def own_parser() -> etree.XMLParser:
    """This thread's parser of what others have written: it resolves no entity, and fetches nothing."""
    return _parsers.own


def child(parent: etree._Element | None, name: str) -> etree._Element | None:
    """The first child of that qualified name. find() takes twice as long: it has a path to read first."""
    return next(parent.iterchildren(name), None) if parent is not None else None


def children(parent: etree._Element | None, name: str) -> Iterator[etree._Element]:
    """All children of that qualified name; none where there is no parent."""
    return parent.iterchildren(name) if parent is not None else iter(())


def first_children(parent: etree._Element) -> dict[str, etree._Element]:
    """The children by their qualified names; of several of one name the first."""
    found: dict[str, etree._Element] = {}
    for one in parent:
        found.setdefault(one.tag, one)
    return found
