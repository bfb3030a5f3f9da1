"""The grammar of SRS requests and responses.

The published DTD and captured responses define the language. Where the environment variable SRS_REFERENCE
names a folder with protocol.dtd and samples/, both grammars have to accept the same documents, and to find
faults in the same ones of thousands that are spoilt.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

import srs_epp

Element = etree._Element

SCHEMAS = Path(srs_epp.__file__).parent / "srs" / "schema"
XS = {"xs": "http://www.w3.org/2001/XMLSchema"}
REQUESTS = etree.XMLSchema(file=str(SCHEMAS / "requests.xsd"))
RESPONSES = etree.XMLSchema(file=str(SCHEMAS / "responses.xsd"))

ACTIONS = sorted(
    str(element.get("name"))
    for element in etree.parse(str(SCHEMAS / "requests.xsd")).iterfind(
        "./xs:complexType[@name='request']/xs:choice/xs:element", XS
    )
)
RECORDS = {  # what a Response can hold that this project knows, each with its alternative in the DTD
    "Error", "Response", "Message", "Domain", "Handle", "Registrar", "AccessControlList", "UDAIValid",
    "DomainTransfer", "AckResponse", "RawRequest",
}  # fmt: skip

WHOIS = '<NZSRSRequest VerMajor="5" VerMinor="0"><Whois DomainName="kakapo.co.nz"/></NZSRSRequest>'


def reference() -> Path:
    """The folder of the published grammar; the test is skipped where there is none."""
    folder = os.environ.get("SRS_REFERENCE")
    if not folder:
        pytest.skip("SRS_REFERENCE names no folder with protocol.dtd and samples/")
    return Path(folder)


@cache
def published(folder: Path) -> etree.DTD:
    return etree.DTD(str(folder / "protocol.dtd"))


class Maker:
    """Makes the fullest documents that the DTD allows: every attribute, every child."""

    def __init__(self, dtd: Any) -> None:
        self._declared = {declared.name: declared for declared in dtd.iterelements()}

    def action(self, name: str) -> Element:
        """A request with this action."""
        root = etree.Element("NZSRSRequest", VerMajor="5", VerMinor="0", RegistrarId="90")
        root.append(self._full(name))
        return root

    def response(self, record: str) -> Element:
        """A response with these records."""
        root = etree.Element("NZSRSResponse", VerMajor="5", VerMinor="0", RegistrarId="90")
        if record == "Error":
            root.append(self._full("Error"))
        else:
            root.append(self._response(record))
        return root

    def _response(self, record: str) -> Element:
        response = self._empty("Response")
        response.append(self._full("FeTimeStamp"))
        if record in ("Response", "Message"):
            holder = (
                response if record == "Response" else etree.SubElement(response, "Message", Remaining="1")
            )
            holder.append(self._response("Domain"))
        elif record == "RawRequest":
            response.extend([self._full("RawRequest"), self._full("RawResponse")])
        else:
            response.append(self._full(record))
        return response

    def _empty(self, name: str) -> Element:
        element = etree.Element(name)
        for attribute in self._declared[name].iterattributes():
            values = list(attribute.itervalues())
            element.set(attribute.name, values[0] if values else "1")
        return element

    def _full(self, name: str) -> Element:
        element = self._empty(name)
        self._fill(element, self._declared[name].content)
        return element

    def _fill(self, element: Element, content: Any) -> None:
        if content is None:  # nothing, or nothing further in a sequence
            return
        if content.type == "pcdata":
            element.text = "a"
        elif content.type == "element":
            element.append(self._full(content.name))
        else:  # a sequence, or a choice that may be made again and again
            self._fill(element, content.left)
            self._fill(element, content.right)


def spoilt(document: Element) -> Iterator[Element]:
    """Copies of the document, each with one fault (or none: what is optional can be left out)."""
    for place, element in enumerate(document.iter()):
        for fault in _faults(element):
            copy = deepcopy(document)
            fault(list(copy.iter())[place])
            yield copy


def _faults(element: Element) -> Iterator[Callable[[Element], object]]:
    """What can be done to an element, or to a copy of it."""
    for name in element.attrib:
        yield partial(_without_attribute, name=str(name))
    yield lambda copy: copy.set("Unknown", "1")
    yield lambda copy: etree.SubElement(copy, "Unknown")
    yield lambda copy: copy.insert(0, etree.Element("Unknown"))
    yield lambda copy: setattr(copy, "text", "text")
    for place in range(len(element)):
        yield partial(_without_child, place=place)
        yield partial(_with_child_twice, place=place)
        yield partial(_with_child_last, place=place)


def _without_attribute(element: Element, name: str) -> None:
    del element.attrib[name]


def _without_child(element: Element, place: int) -> None:
    element.remove(element[place])


def _with_child_twice(element: Element, place: int) -> None:
    element.insert(place, deepcopy(element[place]))


def _with_child_last(element: Element, place: int) -> None:
    element.append(element[place])


def test_all_actions_that_the_project_needs_are_known() -> None:
    assert len(ACTIONS) == 18


def test_a_request_is_valid_without_the_reference() -> None:
    REQUESTS.assertValid(etree.fromstring(WHOIS))
    REQUESTS.assertValid(etree.fromstring(WHOIS.replace("NZSRSRequest", "SRSRequest")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (' DomainName="kakapo.co.nz"', ""),
        (' DomainName="kakapo.co.nz"', ' DomainName="kakapo.co.nz" FullResult="yes"'),
        ('VerMajor="5"', 'VerMajor="five"'),
        (' VerMinor="0"', ""),
        ("NZSRSRequest", "NZSRSResponse"),
        ("Whois", "Whowas"),
    ],
)
def test_faults_are_found_without_the_reference(old: str, new: str) -> None:
    assert old in WHOIS
    assert not REQUESTS.validate(etree.fromstring(WHOIS.replace(old, new)))


def test_every_captured_response_is_valid() -> None:
    samples = sorted((reference() / "samples").glob("*.xml"))

    assert samples
    for sample in samples:
        RESPONSES.assertValid(etree.parse(str(sample)))


@pytest.mark.parametrize("name", ACTIONS)
def test_both_grammars_agree_on_an_action(name: str) -> None:
    dtd = published(reference())
    full = Maker(dtd).action(name)

    assert dtd.validate(full), dtd.error_log
    REQUESTS.assertValid(full)
    for document in spoilt(full):
        assert REQUESTS.validate(document) == dtd.validate(document), etree.tostring(document)


@pytest.mark.parametrize("record", sorted(RECORDS))
def test_both_grammars_agree_on_a_record(record: str) -> None:
    dtd = published(reference())
    full = Maker(dtd).response(record)

    assert dtd.validate(full), dtd.error_log
    RESPONSES.assertValid(full)
    for document in spoilt(full):
        assert RESPONSES.validate(document) == dtd.validate(document), etree.tostring(document)
