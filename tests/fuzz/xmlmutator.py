"""Mutations that keep XML well-formed, most of the time: octets alone seldom get past a parser."""

from __future__ import annotations

import random
from collections.abc import Sequence
from copy import deepcopy

from lxml import etree

Element = etree._Element

_MOST_STEPS = 4
_OF_OCTETS = 0.2  # of the mutations, how many are of octets and not of elements
_OF_FORM = 0.1  # and how many are of what stands around the elements
# values at the edges of what XML Schema, EPP and the SRS allow
_TEXTS = (
    "", " ", "\t", "\n", "0", "1", "-1", "+1", "2", "99", "100", "255", "256", "65535", "65536",
    "2147483648", "18446744073709551616", "9" * 40, "1e9", "1_0", "٣", "nan", "true", "false", "0x1F",
    "a", "ab", "abc", "x" * 16, "x" * 17, "x" * 64, "x" * 65, "x" * 255, "x" * 256, "é", "ā.nz",
    "xn--0ca.nz", "a.nz", "a..nz", ".", "-a.nz", "a.nz.", "192.0.2.1", "::1", "2001:db8::1",
    "+64.4123", "+64.", "+1.12345678901234", "NZ", "nz", "a@b.nz", "%", "%zz", "%25", "+", "&", "<",
    ">", "\"", "'", "]]>", "\u2028", "\ufeff", "\ufffd", "\U0001f984", "2024-02-29", "2024-02-30",
    "2024-02-29T00:00:00Z", "0001-01-01", "9999-12-31T23:59:59-14:00", "ok", "request", "y", "m", "v4",
    "v6", "all", "AB", "ABC", "req", "ack", "  inner  blanks  ",
)  # fmt: skip
_PROLOGS = (
    b"", b"\xef\xbb\xbf", b"<?xml version='1.0'?>", b"<?xml version='1.0' encoding='UTF-8'?>\n",
    b"<?xml version='1.1'?>", b"<?xml version='1.0' encoding='ISO-8859-1'?>",
    b"<?xml version='1.0' encoding='x'?>", b"<!-- -->", b"<?p i?>", b"<!DOCTYPE epp>",
    b"<!DOCTYPE a [<!ENTITY e 'x'>]>", b"<!DOCTYPE a [<!ATTLIST epp b CDATA 'c'>]>", b"\n ",
)  # fmt: skip
_OCTETS = (
    b"<", b">", b"</", b"/>", b"&", b"&#0;", b"&#x10FFFF;", b"&amp;", b"&e;", b'"', b"'", b"]]>",
    b"<![CDATA[", b"<!--", b"-->", b"<?", b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf",
    b"xmlns=''", b" xmlns:a='urn:x'", b"a:", b":",
)  # fmt: skip
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp037")


class XMLMutator:
    """A mutator for documents; ``donors`` are those from which elements, names and values are taken too."""

    def __init__(self, donors: Sequence[bytes], texts: Sequence[str] = ()) -> None:
        roots = [etree.fromstring(donor) for donor in donors]
        self._elements = [element for root in roots for element in root.iter(etree.Element)]
        self._tags = sorted({element.tag for element in self._elements})
        self._attributes = sorted({str(name) for element in self._elements for name in element.attrib})
        known = {str(value) for element in self._elements for value in element.attrib.values()}
        known |= {element.text for element in self._elements if element.text}
        self._texts = [*_TEXTS, *texts, *sorted(known)]
        self._steps = (
            self._double, self._drop, self._swap, self._move, self._graft, self._replace, self._rename,
            self._text, self._text, self._attribute, self._attribute, self._no_attribute, self._unwrap,
            self._wrap, self._comment, self._tail, self._many,
        )  # fmt: skip

    def __call__(self, octets: bytes, most: int, seed: int) -> bytes:
        """Another document made of this one; the same for the same seed."""
        chance = random.Random(seed)
        root = _root(octets) if chance.random() >= _OF_OCTETS else None
        if root is None:
            return self._spoilt(octets, chance)[:most]
        for _ in range(chance.randint(1, _MOST_STEPS)):
            chance.choice(self._steps)(root, chance)
        return self._written(root, chance)[:most]

    def _spoilt(self, octets: bytes, chance: random.Random) -> bytes:
        """With a few octets taken away, doubled, or made others."""
        for _ in range(chance.randint(1, _MOST_STEPS)):
            start = chance.randint(0, len(octets))
            end = min(len(octets), start + chance.choice((0, 1, 1, 2, 4, 16, 64)))
            instead = chance.choice(
                (b"", octets[start:end] * 2, chance.randbytes(end - start), chance.choice(_OCTETS))
            )
            octets = octets[:start] + instead + octets[end:]
        return octets

    def _written(self, root: Element, chance: random.Random) -> bytes:
        if chance.random() >= _OF_FORM:
            return etree.tostring(root)
        if chance.random() < 0.5:
            return chance.choice(_PROLOGS) + etree.tostring(root, encoding="UTF-8")
        return etree.tostring(root, encoding="unicode").encode(chance.choice(_ENCODINGS), "xmlcharrefreplace")

    def _any(self, root: Element, chance: random.Random) -> Element:
        return chance.choice(list(root.iter(etree.Element)))

    def _inner(self, root: Element, chance: random.Random) -> Element | None:
        """Any element that has a parent."""
        found = list(root.iterdescendants(etree.Element))
        return chance.choice(found) if found else None

    def _double(self, root: Element, chance: random.Random) -> None:
        element = self._inner(root, chance)
        if element is not None:
            element.addnext(deepcopy(element))

    def _drop(self, root: Element, chance: random.Random) -> None:
        element = self._inner(root, chance)
        if element is not None:
            _parent(element).remove(element)

    def _swap(self, root: Element, chance: random.Random) -> None:
        element = self._inner(root, chance)
        if element is not None and (other := element.getnext()) is not None:
            other.addnext(element)

    def _move(self, root: Element, chance: random.Random) -> None:
        element, goal = self._inner(root, chance), self._any(root, chance)
        if element is not None and element not in (goal, *goal.iterancestors()):
            goal.insert(chance.randint(0, len(goal)), element)

    def _graft(self, root: Element, chance: random.Random) -> None:
        goal = self._any(root, chance)
        goal.insert(chance.randint(0, len(goal)), deepcopy(chance.choice(self._elements)))

    def _replace(self, root: Element, chance: random.Random) -> None:
        """By a donor's element of the same name, where there is one: its content is of the right kind."""
        element = self._inner(root, chance)
        if element is not None:
            alike = [donor for donor in self._elements if donor.tag == element.tag]
            _parent(element).replace(element, deepcopy(chance.choice(alike or self._elements)))

    def _rename(self, root: Element, chance: random.Random) -> None:
        self._any(root, chance).tag = chance.choice([*self._tags, "x", "{urn:x}x"])

    def _text(self, root: Element, chance: random.Random) -> None:
        leaves = [element for element in root.iter(etree.Element) if not len(element)]
        chance.choice(leaves or [root]).text = self._value(chance)

    def _attribute(self, root: Element, chance: random.Random) -> None:
        element = self._any(root, chance)
        names = [str(name) for name in element.attrib] or self._attributes
        if chance.random() < 0.2 or not names:
            names = [*self._attributes, "x", "{urn:x}x", "{http://www.w3.org/2001/XMLSchema-instance}type"]
        element.set(chance.choice(names), self._value(chance))

    def _no_attribute(self, root: Element, chance: random.Random) -> None:
        holders = [element for element in root.iter(etree.Element) if element.attrib]
        if holders:
            element = chance.choice(holders)
            del element.attrib[chance.choice([str(name) for name in element.attrib])]

    def _unwrap(self, root: Element, chance: random.Random) -> None:
        element = self._inner(root, chance)
        if element is not None:
            for child in list(element):
                element.addprevious(child)
            _parent(element).remove(element)

    def _wrap(self, root: Element, chance: random.Random) -> None:
        element = self._inner(root, chance)
        if element is not None:
            around = etree.Element(chance.choice(self._tags))
            _parent(element).replace(element, around)
            around.append(element)

    def _comment(self, root: Element, chance: random.Random) -> None:
        element = self._any(root, chance)
        made = etree.Comment("c") if chance.random() < 0.5 else etree.ProcessingInstruction("p", "i")
        element.insert(chance.randint(0, len(element)), made)

    def _tail(self, root: Element, chance: random.Random) -> None:
        element = self._inner(root, chance)
        if element is not None:
            element.tail = self._value(chance)

    def _many(self, root: Element, chance: random.Random) -> None:
        element = self._inner(root, chance)
        if element is not None and len(list(element.iter())) < 20:
            for _ in range(chance.choice((3, 7, 14, 101))):
                element.addnext(deepcopy(element))

    def _value(self, chance: random.Random) -> str:
        text = chance.choice(self._texts)
        if chance.random() < 0.3:
            text += chance.choice(self._texts)
        return text


def _root(octets: bytes) -> Element | None:
    try:
        return etree.fromstring(octets, etree.XMLParser(resolve_entities=False, load_dtd=False))
    except (etree.XMLSyntaxError, ValueError):
        return None


def _parent(element: Element) -> Element:
    parent = element.getparent()
    assert parent is not None
    return parent
