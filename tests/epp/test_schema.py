"""The project's own schemas: they know the language, all of it, and refuse what is not of it.

The published schemas define the language. Where the environment variable EPP_SCHEMAS names a folder of them,
with an all.xsd that imports them, both have to find the same faults in thousands of spoilt documents.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

import srs_epp
from tests.epp.documents import CONTACT, DOCUMENTS, DOMAIN, EPP, RGP, SECDNS

SCHEMAS = Path(srs_epp.__file__).parent / "epp" / "schema"
XS = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
PREFIXES = {"epp": EPP, "domain": DOMAIN, "contact": CONTACT, "secDNS": SECDNS, "rgp": RGP, "xs": XS}

OURS = etree.XMLSchema(file=str(SCHEMAS / "all.xsd"))


def parse(name: str) -> etree._Element:
    """One of the documents; xs is declared in it, so that an xsi:type can name a type."""
    return etree.fromstring(DOCUMENTS[name].replace("<epp ", f'<epp xmlns:xs="{XS}" ', 1))


def faults(schema: etree.XMLSchema, root: etree._Element) -> list[tuple[str, list[str]]]:
    """What the schema finds wrong: the kind of each fault, and the elements or wildcards wanted instead."""
    if schema.validate(root):
        return []
    log: Any = schema.error_log  # whose entries the stubs leave out
    found = []
    for entry in log:
        _, _, wanted = entry.message.partition("Expected is ")
        found.append(
            (entry.type_name.removeprefix("SCHEMAV_"), sorted(re.findall(r"[^\s(,]+}[^\s),]+", wanted)))
        )
    return found


# --- the language, whole


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_of_each_kind_is_valid(name: str) -> None:
    assert OURS.validate(parse(name)), OURS.error_log


@pytest.mark.parametrize("name", DOCUMENTS)
def test_white_space_between_elements_changes_nothing(name: str) -> None:
    document = etree.fromstring(DOCUMENTS[name])
    etree.indent(document)

    assert OURS.validate(document), OURS.error_log


@pytest.mark.parametrize("file", sorted(path.name for path in SCHEMAS.glob("*.xsd")))
def test_each_schema_stands_alone(file: str) -> None:
    etree.XMLSchema(file=str(SCHEMAS / file))


def test_the_documents_use_every_element_and_attribute_that_the_schemas_declare() -> None:
    used = set()
    for name in DOCUMENTS:
        for element in parse(name).iter():
            used |= {element.tag, *attributes(element)}

    declared = set()
    for path in SCHEMAS.glob("*.xsd"):
        schema = etree.parse(str(path)).getroot()
        declared |= {
            f"{{{schema.get('targetNamespace')}}}{element.get('name')}"
            for element in schema.iter(f"{{{XS}}}element")
        }
        declared |= {attribute.get("name", "") for attribute in schema.iter(f"{{{XS}}}attribute")}

    assert declared - used == set()


# --- refusals; each of these falls if its facet is taken out of the schema


def put(root: etree._Element, path: str, value: str) -> None:
    """Set the text of the first element there, or its attribute: 'domain:period', 'domain:period/@unit'."""
    place, _, attribute = path.partition("/@")
    element = root.find(f".//{place}", PREFIXES)
    assert element is not None, path
    if attribute:
        element.set(attribute, value)
    else:
        element.text = value


@pytest.mark.parametrize(
    ("name", "path", "value", "kind"),
    [
        ("epp-greeting", "epp:svID", "ab", "MINLENGTH"),
        ("epp-greeting", "epp:svID", "a" * 65, "MAXLENGTH"),
        ("epp-greeting", "epp:svDate", "2024-02-30T00:00:00Z", "DATATYPE"),
        ("epp-greeting", "epp:version", "2.0", "ENUMERATION"),
        ("epp-greeting", "epp:version", "1", "PATTERN"),
        ("epp-greeting-full-policy", "epp:recDesc", "", "MINLENGTH"),
        ("epp-greeting-full-policy", "epp:recDesc", "a" * 256, "MAXLENGTH"),
        ("epp-login", "epp:clID", "ab", "MINLENGTH"),
        ("epp-login", "epp:clID", "a" * 17, "MAXLENGTH"),
        ("epp-login", "epp:pw", "five5", "MINLENGTH"),
        ("epp-login", "epp:pw", "a" * 17, "MAXLENGTH"),
        ("epp-login-new-password", "epp:newPW", "  five5  ", "MINLENGTH"),
        ("epp-login", "epp:clTRID", "ab", "MINLENGTH"),
        ("epp-login", "epp:clTRID", "a" * 65, "MAXLENGTH"),
        ("epp-poll-req", "epp:poll/@op", "peek", "ENUMERATION"),
        ("domain-transfer-query", "epp:transfer/@op", "take", "ENUMERATION"),
        ("epp-response", "epp:result/@code", "1002", "ENUMERATION"),
        ("epp-poll-ack-response", "epp:msgQ/@id", "", "MINLENGTH"),
        ("epp-poll-ack-response", "epp:msgQ/@count", "-1", "DATATYPE"),
        ("domain-check", "domain:name", "", "MINLENGTH"),
        ("domain-check", "domain:name", "a" * 256, "MAXLENGTH"),
        ("domain-check-response", "domain:name/@avail", "yes", "DATATYPE"),
        ("domain-check-response", "domain:reason", "", "MINLENGTH"),
        ("domain-check-response", "domain:reason", "a" * 33, "MAXLENGTH"),
        ("domain-info", "domain:name/@hosts", "some", "ENUMERATION"),
        ("domain-info-response", "domain:roid", "EXAMPLE1", "PATTERN"),
        ("domain-info-response", "domain:status/@s", "linked", "ENUMERATION"),
        ("domain-create-host-objects", "domain:period", "0", "MININCLUSIVE"),
        ("domain-create-host-objects", "domain:period", "100", "MAXINCLUSIVE"),
        ("domain-create-host-objects", "domain:period/@unit", "d", "ENUMERATION"),
        ("domain-create-host-objects", "domain:contact/@type", "owner", "ENUMERATION"),
        ("domain-create-host-attributes", "domain:hostAddr", "::", "MINLENGTH"),
        ("domain-create-host-attributes", "domain:hostAddr", "1" * 46, "MAXLENGTH"),
        ("domain-create-host-attributes", "domain:hostAddr/@ip", "v5", "ENUMERATION"),
        ("domain-renew", "domain:curExpDate", "2023-02-29", "DATATYPE"),
        ("domain-update", "domain:chg/domain:registrant", "a" * 17, "MAXLENGTH"),
        ("domain-transfer-pending-response", "domain:trStatus", "serverRejected", "ENUMERATION"),
        ("contact-create-full", "contact:postalInfo/@type", "ext", "ENUMERATION"),
        ("contact-create-full", "contact:postalInfo/contact:name", "", "MINLENGTH"),
        ("contact-create-full", "contact:city", "a" * 256, "MAXLENGTH"),
        ("contact-create-full", "contact:street", "a" * 256, "MAXLENGTH"),
        ("contact-create-full", "contact:pc", "1" * 17, "MAXLENGTH"),
        ("contact-create-full", "contact:cc", "NZL", "LENGTH"),
        ("contact-create-full", "contact:voice", "+64 4 123456", "PATTERN"),
        ("contact-create-full", "contact:voice", "+٦٤.٣٤٥٦", "PATTERN"),  # digits, but no ASCII
        ("contact-create-full", "contact:voice", "+123.12345678901234", "MAXLENGTH"),
        ("contact-create-full", "contact:email", "", "MINLENGTH"),
        ("contact-info-response", "contact:status/@s", "clientHold", "ENUMERATION"),
        ("secDNS-create-ds", "secDNS:keyTag", "65536", "DATATYPE"),
        ("secDNS-create-ds", "secDNS:digest", "ABC", "DATATYPE"),
        ("secDNS-create-ds-with-key", "secDNS:maxSigLife", "0", "MININCLUSIVE"),
        ("secDNS-create-key", "secDNS:pubKey", "", "MINLENGTH"),
        ("rgp-restore-request", "rgp:restore/@op", "beg", "ENUMERATION"),
        ("rgp-info-response", "rgp:rgpStatus/@s", "ok", "ENUMERATION"),
    ],
)
def test_a_value_out_of_bounds_is_refused_for_what_it_is(name: str, path: str, value: str, kind: str) -> None:
    document = parse(name)
    put(document, path, value)

    assert any(fault.startswith(f"CVC_{kind}_VALID") for fault, _ in faults(OURS, document))


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("epp-greeting", "epp:svID", "a" * 64),
        ("epp-login", "epp:clID", " abc "),  # a token: its length is counted without the blanks around it
        ("epp-login", "epp:pw", "a" * 16),
        ("domain-check", "domain:name", "a" * 255),
        ("domain-info-response", "domain:roid", "_" * 80 + "-" + "é" * 8),
        ("domain-create-host-objects", "domain:period", " 99 "),
        ("domain-update", "domain:chg/domain:registrant", "a"),
        ("contact-create-full", "contact:voice", "+123.123456789012"),
        ("contact-create-full", "contact:cc", "12"),
        ("contact-create-full", "contact:postalInfo/contact:name", " "),
        ("secDNS-create-ds", "secDNS:digest", ""),
        ("secDNS-create-ds-with-key", "secDNS:maxSigLife", "2147483647"),
    ],
)
def test_a_value_at_its_bounds_is_accepted(name: str, path: str, value: str) -> None:
    document = parse(name)
    put(document, path, value)

    assert OURS.validate(document), OURS.error_log


@pytest.mark.parametrize(
    ("name", "path", "wanted"),
    [
        ("epp-logout", "epp:logout", "check create delete info login logout poll renew transfer update"),
        ("epp-login", "epp:options", "newPW options"),
        ("epp-response", "epp:trID", "extension msgQ resData result trID"),
        ("domain-create", "domain:authInfo", "authInfo contact ns period registrant"),
        ("domain-update-take-away", "domain:null", "ext null pw"),
        ("contact-create", "contact:email", "email fax voice"),
        ("contact-create", "contact:cc", "cc pc sp"),
        ("secDNS-create-ds", "secDNS:dsData", "dsData keyData maxSigLife"),
        ("rgp-restore-request", "rgp:restore", "restore"),
    ],
)
def test_for_a_missing_element_all_that_could_stand_there_are_named(
    name: str, path: str, wanted: str
) -> None:
    document = parse(name)
    take_out(document, path)

    [(kind, named)] = faults(OURS, document)

    assert kind == "ELEMENT_CONTENT"
    assert [etree.QName(tag).localname for tag in named] == wanted.split()


def take_out(root: etree._Element, path: str) -> None:
    for element in root.findall(f".//{path}", PREFIXES):
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)


@pytest.mark.parametrize(
    "name",
    ["epp-extension", "domain-check", "domain-check-response", "domain-create-proof", "rgp-restore-request"],
)
def test_what_no_schema_declares_is_refused_where_another_namespace_may_stand(name: str) -> None:
    document = parse(name)
    foreign = next(element for element in document.iter() if etree.QName(element).namespace != EPP)
    foreign.tag = "{urn:ietf:params:xml:ns:host-1.0}check"

    assert faults(OURS, document)[0][0] == "CVC_ELT_1"


# --- beside the published schemas

PUBLISHED = os.environ.get("EPP_SCHEMAS")

COPIES = (1, 2, 3, 6, 7, 10, 11)  # maxOccurs is 2, 3, 7 or 11, if anything
TEXTS = [
    *("", " ", "\n\t", "a b", "  a  b  ", "bogus", "Čeština", "三", "\u00a0", "٣", "<&>"),
    *("true", "2", "v6", "ok"),
    *("a" * length for length in (1, 2, 3, 4, 5, 6, 16, 17, 32, 33, 45, 46, 64, 65, 255, 256, 300)),
    # a token loses the blanks around it before its length is taken, a normalizedString keeps them
    *(f" {'a' * length}\n" for length in (1, 2, 5, 16, 32, 45, 64, 255)),
    *("a " * 8, "é" * 16, "é" * 17),
    *("-1", "-0", "+1", "0", "1", "01", "1.0", "1e1", "99", "100", "127", "128", "255", "256"),
    *("65535", "65536", "2147483647", "2147483648"),
    *("18446744073709551615", "18446744073709551616", "9" * 40),
    *("2024-02-29", "2023-02-29", "2024-13-01", "2024-2-1", "24-02-01", "2024-02-29Z", "2024-02-29+13:00"),
    *("2024-02-29T23:59:60Z", "2024-02-29T24:00:00Z", "2024-02-29T25:00:00Z", "2024-02-30T00:00:00Z"),
    *(
        "2024-02-29T12:00:00",
        "2024-02-29T12:00:00.5-14:00",
        "2024-02-29T12:00:00+15:00",
        "2024-02-29 12:00:00Z",
    ),
    *("P1Y", "-P1D", "PT1H", "P", "1Y", "P1S", "PT1.5S"),
    *("en", "en-NZ", "en_NZ", "e", "abcdefghi", "x-klingon", "urn:x", "http://[", "a:b:c", "%zz", "a b:c"),
    *("+1.2", "+123.4", "+1234.5", "+1.", "+.1", "1.2", "+64.4123456x12", "+1.23456789012345", "+٦٤.٣"),
    *("+12.12345678901234", "+123.123456789012", "+123.1234567890123"),
    *("a-b", "a_b-c", "_-c", "a-_", "-a", "a-", "a--b", "a.b-c", "é-é", "a" * 80 + "-b", "a" * 81 + "-b"),
    *("a-" + "b" * 8, "a-" + "b" * 9),
    *("ab", "abc", "ABCD", "0g", "AQ==", "AQ=", "AQ", "A Q = =", "====", "*"),
]
ATTRIBUTES = {
    "lang": "en",
    "type": "int",
    "op": "request",
    "s": "ok",
    "code": "1000",
    "id": "1",
    "roid": "a-b",
    "unit": "y",
    "flag": "1",
    "ip": "v4",
    "x": "1",
    "bogus": "1",
    "{http://www.w3.org/XML/1998/namespace}lang": "en",
    "{urn:example:unknown}lang": "en",
    f"{{{EPP}}}lang": "en",
    f"{{{XSI}}}nil": "true",
    f"{{{XSI}}}type": "xs:token",
}


@pytest.fixture(scope="module")
def published() -> etree.XMLSchema:
    if PUBLISHED is None:
        pytest.skip("EPP_SCHEMAS names no folder of the published schemas to compare with")
    return etree.XMLSchema(file=str(Path(PUBLISHED) / "all.xsd"))


@pytest.fixture(scope="module")
def enumerated() -> list[str]:
    """Every word that either side's enumerations hold."""
    files = [*SCHEMAS.glob("*.xsd"), *(Path(PUBLISHED).glob("*.xsd") if PUBLISHED else ())]
    schemas = [etree.parse(str(file)) for file in files]
    return sorted(
        {word.get("value", "") for schema in schemas for word in schema.iter(f"{{{XS}}}enumeration")}
    )


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_published_schemas_find_the_same_faults(
    name: str, published: etree.XMLSchema, enumerated: list[str]
) -> None:
    document = parse(name)
    untouched = laid_out(document)

    for part in document.iter():
        same_faults(published, part, "alone")
    for what in mutations(document):
        same_faults(published, document, what)
    for place in NEW_PLACES[name]:
        for what in values_at(document, place, enumerated):
            same_faults(published, document, what)

    assert laid_out(document) == untouched


def same_faults(published: etree.XMLSchema, root: etree._Element, what: str) -> None:
    ours, theirs = faults(OURS, root), faults(published, root)
    assert ours == theirs, f"{what}: {etree.tostring(root, encoding='unicode')}"


def laid_out(root: etree._Element) -> list[tuple[object, ...]]:
    """All that a document says, whatever prefixes it says it with."""
    return [(part.tag, attributes(part), part.text, part.tail, len(part)) for part in root.iter()]


def attributes(element: etree._Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.items()}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_published_schemas_fill_in_the_same_defaults(name: str, published: etree.XMLSchema) -> None:
    filled = [
        etree.fromstring(DOCUMENTS[name], etree.XMLParser(schema=schema, attribute_defaults=True))
        for schema in (OURS, published)
    ]

    assert laid_out(filled[0]) == laid_out(filled[1])


# Each mutation below changes the document for as long as its user holds the name, then mends it.


def mutations(root: etree._Element) -> Iterator[str]:
    for element in list(root.iter()):
        yield from renamed(element)
        yield from with_other_attributes(element)
        yield from with_other_content(element)
        parent = element.getparent()
        if parent is not None:
            yield from elsewhere(element, parent)


def renamed(element: etree._Element) -> Iterator[str]:
    tag = element.tag
    name = etree.QName(element)
    parent = element.getparent()
    kin = {near.tag for near in (*element, *(() if parent is None else (parent, *parent)))}
    for other in (f"{{{name.namespace}}}bogus", name.localname, f"{{urn:x}}{name.localname}", *sorted(kin)):
        element.tag = other
        yield f"{tag} renamed to {other}"
    element.tag = tag


def with_other_attributes(element: etree._Element) -> Iterator[str]:
    for name, value in attributes(element).items():
        del element.attrib[name]
        yield f"{name} of {element.tag} dropped"
        element.set(name, value)
    for name, value in ATTRIBUTES.items():
        if name not in element.attrib:
            element.set(name, value)
            yield f"{name} added to {element.tag}"
            del element.attrib[name]


def with_other_content(element: etree._Element) -> Iterator[str]:
    namespace = etree.QName(element).namespace
    for tag in (f"{{{namespace}}}bogus", "bogus", "{urn:example:unknown}bogus", f"{{{DOMAIN}}}delete"):
        for index in {0, len(element)}:
            stranger = etree.Element(tag)
            element.insert(index, stranger)
            yield f"{tag} put into {element.tag}"
            element.remove(stranger)
    if len(element):
        text = element.text
        for stray in ("stray", "\n\t "):
            element.text = stray
            yield f"text put into {element.tag}"
        element.text = text

        children = list(element)
        element[:] = []
        yield f"{element.tag} emptied"
        element[:] = children


def elsewhere(element: etree._Element, parent: etree._Element) -> Iterator[str]:
    index = parent.index(element)

    for count in range(1, max(COPIES) + 1):
        parent.insert(index, deepcopy(element))
        if count in COPIES:
            yield f"{element.tag} {count + 1} times"
    del parent[index : index + max(COPIES)]

    for other in {index + 1, len(parent) - 1} - {index, len(parent)}:
        parent.remove(element)
        parent.insert(other, element)
        yield f"{element.tag} moved from {index} to {other}"
        parent.remove(element)
        parent.insert(index, element)

    parent.remove(element)
    yield f"{element.tag} dropped"
    parent.insert(index, element)


# A place is the way to it, in tags; an attribute's ends with its name. Values are tried in the first document
# that has the place.


def places(root: etree._Element) -> dict[str, tuple[etree._Element, str | None]]:
    found: dict[str, tuple[etree._Element, str | None]] = {}
    for element in root.iter():
        way = "/".join(step.tag for step in (*reversed(list(element.iterancestors())), element))
        for name in attributes(element):
            found.setdefault(f"{way}/@{name}", (element, name))
        if len(element) == 0:
            found.setdefault(way, (element, None))
    return found


def new_places() -> dict[str, list[str]]:
    seen: set[str] = set()
    new: dict[str, list[str]] = {}
    for name in DOCUMENTS:
        new[name] = [place for place in places(parse(name)) if place not in seen]
        seen.update(new[name])
    return new


NEW_PLACES = new_places()


def values_at(root: etree._Element, place: str, words: list[str]) -> Iterator[str]:
    element, name = places(root)[place]
    if name is not None:
        value = element.get(name, "")
        for other in (*TEXTS, *words, f" {value} ", value.upper()):
            element.set(name, other)
            yield f"{name} of {element.tag} set to {other!r}"
        element.set(name, value)
    else:
        text = element.text
        for other in (*TEXTS, *(words if text in words else ()), f" {text} ", f"{text}".upper()):
            element.text = other
            yield f"{element.tag} set to {other!r}"
        element.text = text
