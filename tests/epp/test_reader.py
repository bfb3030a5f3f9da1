"""Octets to commands: what is read, what is no command, and what neither a parser bomb nor noise can do."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from srs_epp.epp.namespaces import CONTACT, DOMAIN, EPP, RGP, SECDNS
from srs_epp.epp.reader import Command, Services, read
from srs_epp.epp.results import EppError
from srs_epp.epp.xml import token
from tests.epp import documents
from tests.epp.documents import DOCUMENTS, NAME, command, domain, epp, login
from tests.support.answers import Answer

EVERYTHING = Services((str(DOMAIN), str(CONTACT)), (str(SECDNS), str(RGP)))
CHECK = DOCUMENTS["domain-check"]
HELLO = epp("<hello/>")


def refused(document: str | bytes, chosen: Services = EVERYTHING) -> Answer:
    """What a client gets for a document that may not pass."""
    octets = document.encode() if isinstance(document, str) else document
    found = read(octets)
    with pytest.raises(EppError) as raised:
        pass_through(found, chosen)
    return Answer.to(raised.value)


def pass_through(found: Command, chosen: Services = EVERYTHING) -> None:
    """The checks that come before a mapping; EppError."""
    found.check_services(EVERYTHING, chosen)
    found.check_schema()


# -- what is read


def names_of(octets: bytes) -> list[str]:
    """The names of a domain check that passes."""
    found = read(octets)
    pass_through(found)
    assert found.payload is not None
    return [token(name) for name in found.payload.iterchildren(DOMAIN("name"))]


def test_a_command_is_read_with_its_parts() -> None:
    found = read(DOCUMENTS["secDNS-create-ds"].encode())

    assert found.verb == "create"
    assert found.namespace == DOMAIN
    assert found.payload is not None
    assert found.payload.tag == DOMAIN("create")
    assert [extension.tag for extension in found.extensions] == [SECDNS("create")]
    assert found.extension(SECDNS("create")) is found.extensions[0]
    assert found.extension(SECDNS("update")) is None
    assert found.client_trid == "TEST-0001"
    assert found.fault is None


@pytest.mark.parametrize(
    ("name", "verb"), [("epp-login", "login"), ("epp-logout", "logout"), ("epp-poll-req", "poll")]
)
def test_a_command_of_the_session_has_no_object(name: str, verb: str) -> None:
    found = read(DOCUMENTS[name].encode())

    assert (found.verb, found.namespace, found.payload) == (verb, None, None)


def test_a_hello_is_read() -> None:
    assert read(HELLO.encode()).verb == "hello"


COMMANDS = {
    name: document
    for name, document in DOCUMENTS.items()
    if name.startswith(("domain", "contact", "secDNS", "rgp")) and not name.endswith("-response")
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_valid_command_passes(name: str) -> None:
    pass_through(read(COMMANDS[name].encode()))


DECLARED = '<?xml version="1.0" encoding="{}" standalone="no"?>'
ENCODED = {
    "UTF-8": CHECK.encode(),
    "UTF-8, declared": DECLARED.format("UTF-8").encode() + CHECK.encode(),
    "UTF-8, with a mark": b"\xef\xbb\xbf" + CHECK.encode(),
    "UTF-16, little end first": b"\xff\xfe" + CHECK.encode("utf-16-le"),
    "UTF-16, big end first": b"\xfe\xff" + CHECK.encode("utf-16-be"),
    "UTF-16, declared": (DECLARED.format("UTF-16") + CHECK).encode("utf-16"),
    "ASCII, which is UTF-8": DECLARED.format("us-ascii").encode() + CHECK.encode(),
}


@pytest.mark.parametrize("octets", ENCODED.values(), ids=ENCODED)
def test_utf_8_and_utf_16_are_read(octets: bytes) -> None:
    assert names_of(octets) == ["example.co.nz"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_letters_beyond_ascii_are_read(encoding: str) -> None:
    found = read(DOCUMENTS["contact-create-full"].encode(encoding))

    assert found.payload is not None
    assert "Jāne Dō" in found.payload.xpath("string()")  # type: ignore[operator]


@pytest.mark.parametrize(
    "written",
    [
        "<domain:name>exam<!-- not a part of it -->ple.co.nz</domain:name>",
        "<domain:name><![CDATA[example]]>.co.nz</domain:name>",
        "<domain:name>example<?and this?>.co.nz</domain:name>",
        "<domain:name>&#101;xample.co.n&#x7a;</domain:name>",
        "<domain:name>\n  example.co.nz\t</domain:name>",
        "<!-- before --><domain:name>example.co.nz</domain:name><?after?>",
        f"<name xmlns='{DOMAIN}'>example.co.nz</name>",
        f"<d:name xmlns:d='{DOMAIN}'>example.co.nz</d:name>",
    ],
)
def test_a_value_is_the_same_however_xml_writes_it(written: str) -> None:
    assert names_of(domain("check", written).encode()) == ["example.co.nz"]


def test_white_space_between_elements_means_nothing() -> None:
    root = etree.fromstring(DOCUMENTS["secDNS-create-ds"])
    etree.indent(root, " \t ")

    pass_through(read(etree.tostring(root)))


@pytest.mark.parametrize("trid", ["abc", "x" * 64, "  padded  ", "a&amp;b"])
def test_a_cltrid_that_is_valid_is_kept(trid: str) -> None:
    found = read(domain("check", NAME, cltrid=trid).encode())

    assert found.client_trid == trid.strip().replace("&amp;", "&")


@pytest.mark.parametrize("trid", ["ab", "x" * 65, " ab ", "<b/>abc"])
def test_a_cltrid_that_may_not_be_echoed_is_not_kept(trid: str) -> None:
    assert read(domain("check", NAME, cltrid=trid).encode()).client_trid is None


def test_a_cltrid_is_found_in_a_command_that_is_wrong() -> None:
    assert read(command("frobnicate", "", cltrid="mine-1").encode()).client_trid == "mine-1"
    assert read(epp("<command><clTRID>mine-1</clTRID></command>").encode()).client_trid == "mine-1"


# -- what is no command at all


NOT_XML = {
    "empty": b"",
    "blank": b"  \n ",
    "text": b"hello",
    "one octet": b"<",
    "not closed": CHECK[:-3].encode(),
    "closed twice": CHECK.encode() + b"</epp>",
    "two roots": HELLO.encode() * 2,
    "crossed": b"<epp><hello></epp></hello>",
    "undeclared prefix": b"<epp><domain:check/></epp>",
    "undeclared entity": epp("<hello>&nbsp;</hello>").encode(),
    "the same attribute twice": epp("<hello a='1' a='2'/>").encode(),
    "a stray ampersand": domain("check", "<domain:name>a&b.nz</domain:name>").encode(),
    "NUL": b"\0",
    "NUL inside": epp("<hello>\0</hello>").encode(),
    "a reference to NUL": epp("<hello>&#0;</hello>").encode(),
    "a control character": epp("<hello>\x08</hello>").encode(),
    "invalid UTF-8": epp("<hello>@</hello>").encode().replace(b"@", b"\xc3\x28"),
    "overlong UTF-8": epp("<hello>@</hello>").encode().replace(b"@", b"\xc0\xaf"),
    "a surrogate in UTF-8": epp("<hello>@</hello>").encode().replace(b"@", b"\xed\xa0\x80"),
    "half a UTF-16 character": b"\xff\xfe" + HELLO.encode("utf-16-le")[:-1],
    "UTF-16 without a mark": HELLO.encode("utf-16-le"),
    "UTF-32": HELLO.encode("utf-32"),
    "nested too deeply": b"<a>" * 100_000,
    "a declaration in the middle": epp('<?xml version="1.0"?><hello/>').encode(),
}


@pytest.mark.parametrize(
    "octets",
    [
        b"<a:b:c xmlns:a='urn:x' xmlns='relative'/>",
        b"<n:3x xmlns:n='urn:x' xmlns='relative'/>",
        b"<epp><n:a/><b xmlns='relative'/></epp>",
        epp("<hello><n:a/><b xmlns='relative'/></hello>").encode(),
        epp("<command><n:check/><clTRID>abc</clTRID><b xmlns='relative'/></command>").encode(),
        epp("<hello xmlns:p='urn:x' xmlns:q='urn:x' p:x='1' q:x='2'><b xmlns='relative'/></hello>").encode(),
    ],
)
def test_a_fault_in_namespaces_with_a_warning_behind_it_is_not_well_formed(octets: bytes) -> None:
    answer = refused(octets)

    assert answer.code == 2001
    assert re.search(r": (Namespaced?|Failed to parse QName) .*, line 1, column [0-9]+$", answer.message)


@pytest.mark.parametrize("octets", NOT_XML.values(), ids=NOT_XML)
def test_what_is_not_well_formed_is_2001(octets: bytes) -> None:
    answer = refused(octets)

    assert answer.code == 2001
    assert answer.message.startswith("Command syntax error: ")


def test_what_is_not_well_formed_is_told_in_the_parsers_words_with_line_and_column() -> None:
    answer = refused("<epp>\n  <command></comand></epp>")

    assert answer.message == (
        "Command syntax error: Opening and ending tag mismatch: command line 2 and comand, line 2, column 21"
    )


@pytest.mark.parametrize(
    "encoding", ["iso-8859-1", "windows-1252", "latin-9", "koi8-r", "utf-7", "ebcdic-cp-us", "?"]
)
def test_another_encoding_is_2001(encoding: str) -> None:
    assert refused((DECLARED.format(encoding) + CHECK).encode("latin-1")).code == 2001


def test_octets_of_latin_1_are_2001() -> None:
    answer = refused((DECLARED.format("ISO-8859-1") + DOCUMENTS["contact-check"]).encode("latin-1"))

    assert answer.message.endswith("the encoding ISO-8859-1 is neither UTF-8 nor UTF-16")


DOCTYPES = {
    "empty": "<!DOCTYPE epp>",
    "external": '<!DOCTYPE epp SYSTEM "file:///etc/passwd">',
    "public": '<!DOCTYPE epp PUBLIC "-//x//y" "http://127.0.0.1:9/epp.dtd">',
    "an internal entity": '<!DOCTYPE epp [<!ENTITY secret "example.co.nz">]>',
    "an external entity": '<!DOCTYPE epp [<!ENTITY secret SYSTEM "file:///etc/passwd">]>',
    "an external parameter entity": '<!DOCTYPE epp [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
    "a default attribute": '<!DOCTYPE epp [<!ATTLIST epp x CDATA "y">]>',
}


@pytest.mark.parametrize("doctype", DOCTYPES.values(), ids=DOCTYPES)
@pytest.mark.parametrize("name", ["example.co.nz", "&secret;"])
def test_a_doctype_is_2001_and_nothing_it_names_is_read(doctype: str, name: str) -> None:
    answer = refused(doctype + CHECK.replace("example.co.nz", name))

    assert answer.code == 2001
    assert "root:" not in answer.xml


def test_a_file_that_an_entity_names_is_not_even_opened(tmp_path: Path) -> None:
    # were it read, the parser would have more to complain of than the DOCTYPE
    file = tmp_path / "entity"
    file.write_text("<not-closed>")

    answer = refused(
        f'<!DOCTYPE epp [<!ENTITY secret SYSTEM "{file.as_uri()}">]>' + epp("<hello>&secret;</hello>")
    )

    assert answer.message == "Command syntax error: a DOCTYPE is not allowed"


def test_a_billion_laughs_make_nobody_laugh() -> None:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    began = time.process_time()

    answer = refused(f'<!DOCTYPE epp [<!ENTITY l0 "lol">{entities}]>' + epp("<hello>&l11;</hello>"))

    assert answer.code == 2001
    assert time.process_time() - began < 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("what", ['xmlns:n{}="u"', 'n{}="u"'], ids=["namespaces", "attributes"])
@pytest.mark.parametrize("where", ["epp", "login"])
def test_a_crowd_of_namespaces_or_attributes_is_2001_and_takes_no_time(
    where: str, what: str, encoding: str
) -> None:
    crowd = " ".join(what.format(number) for number in range(40_000))
    document = epp('<command><login x=""/></command>').replace(f"<{where} ", f"<{where} {crowd} ", 1)
    began = time.process_time()

    answer = refused(document.encode(encoding))

    assert (answer.code, answer.message) == (
        2001,
        "Command syntax error: more than 5000 attributes or namespaces",
    )
    assert time.process_time() - began < 0.5


def test_many_namespaces_that_are_not_too_many_are_read() -> None:
    crowd = " ".join(f'xmlns:n{number}="u"' for number in range(4900))
    began = time.process_time()

    answer = refused(epp('<command><login x=""/></command>').replace("<epp ", f"<epp {crowd} ", 1))

    assert answer.message == "Command syntax error: /epp/command/login: attribute x is not allowed here"
    assert time.process_time() - began < 1


LONG = "n" * 40_000
LENGTHY = {
    "root's namespace": f"<epp xmlns='{LONG}'/>",
    "root's name": f"<{LONG} xmlns='{EPP}'/>",
    "command's name": epp(f"<command><{LONG}/></command>"),
    "command's namespace": epp(f"<command><login xmlns='{LONG}'/></command>"),
    "object's namespace": epp(f"<command><check><check xmlns='{LONG}'/></check></command>"),
    "element's name": domain("check", f"<domain:name>a.nz</domain:name><{LONG}/>"),
    "element's namespace": domain("check", f"<domain:name>a.nz</domain:name><x xmlns='{LONG}'/>"),
    "attribute's name": domain("check", f"<domain:name {LONG}=''>a.nz</domain:name>"),
    "service at login": login().replace(DOMAIN, LONG),
    "extension": epp(f"<command><check/><extension><x xmlns='{LONG}'/></extension></command>"),
    "protocol extension": epp(f"<extension><x xmlns='{LONG}'/></extension>"),
    "nested names": epp(f"<{LONG}>" * 5 + f"</{LONG}>" * 5),
}


@pytest.mark.parametrize("document", LENGTHY.values(), ids=LENGTHY)
def test_an_answer_repeats_no_more_than_the_beginning_of_a_long_name(document: str) -> None:
    answer = refused(document)

    assert len(etree.tostring(answer.root)) < 2500
    assert "…" in answer.message


# -- well-formed, and no command


@pytest.mark.parametrize(
    ("document", "code", "message"),
    [
        ("<epp/>", 2001, f"/epp: the root element must be epp of {EPP}"),
        ("<x:hello xmlns:x='urn:x'/>", 2001, f"/{{urn:x}}hello: the root element must be epp of {EPP}"),
        (f"<hello xmlns='{EPP}'/>", 2001, f"/hello: the root element must be epp of {EPP}"),
        (
            f"<epp xmlns='{DOMAIN}'><hello/></epp>",
            2001,
            f"/domain:epp: the root element must be epp of {EPP}",
        ),
        (epp(""), 2003, "/epp: hello or command is missing"),
        (epp("hello"), 2003, "/epp: hello or command is missing"),
        (epp("<!-- hello -->"), 2003, "/epp: hello or command is missing"),
        (DOCUMENTS["epp-greeting"], 2001, "/epp/greeting: not expected here"),
        (DOCUMENTS["epp-response"], 2001, "/epp/response: not expected here"),
        (epp("<hullo/>"), 2001, "/epp/hullo: not expected here"),
        (epp("<hello xmlns=''/>"), 2001, "/epp/hello: not expected here"),
        (epp("<hello/><hello/>"), 2001, "/epp/hello[2]: not expected here"),
        (epp("<extension/>"), 2003, "/epp/extension: an extension is missing"),
        (epp("<command/>"), 2003, "/epp/command: a command is missing"),
        (epp("<command><clTRID>abc</clTRID></command>"), 2003, "/epp/command: a command is missing"),
        (epp("<command>login</command>"), 2003, "/epp/command: a command is missing"),
    ],
)
def test_a_document_without_a_command_is_told_what_is_wrong(document: str, code: int, message: str) -> None:
    answer = refused(document)

    assert (answer.code, answer.message.partition(": ")[2]) == (code, message)


def test_a_protocol_extension_is_2103_with_its_uri() -> None:
    answer = refused(DOCUMENTS["epp-extension"])

    assert (answer.code, answer.value_text) == (2103, RGP)


@pytest.mark.parametrize("name", ["frobnicate", "Check", "hello", "command", "greeting"])
def test_an_unknown_command_is_2000_with_its_element(name: str) -> None:
    answer = refused(command(name, "<x>1</x>"))

    assert (answer.code, answer.reason) == (2000, f"/epp/command/{name}")
    assert answer.value is not None
    assert answer.value.startswith(f"<{name} ")


def test_an_object_in_the_place_of_a_command_is_2000() -> None:
    answer = refused(epp(f"<command>{documents.payload('domain', 'check', NAME)}</command>"))

    assert (answer.code, answer.reason) == (2000, "/epp/command/domain:check")


# -- services and login


def test_an_object_that_nobody_offers_is_2307_with_its_uri() -> None:
    answer = refused(command("check", "<h:check xmlns:h='urn:ietf:params:xml:ns:host-1.0'/>"))

    assert (answer.code, answer.value_text) == (2307, "urn:ietf:params:xml:ns:host-1.0")
    assert answer.reason == "urn:ietf:params:xml:ns:host-1.0 is not available on this server"


def test_an_object_that_was_not_chosen_is_2307_with_its_uri() -> None:
    answer = refused(CHECK, chosen=Services((str(CONTACT),)))

    assert (answer.code, answer.value_text) == (2307, DOMAIN)
    assert answer.reason == f"{DOMAIN} was not chosen at login"


def test_what_has_no_namespace_is_no_object() -> None:
    answer = refused(command("check", "<check xmlns=''/>"))

    assert (answer.code, answer.reason) == (2003, "/epp/command/check: an object's element is missing")


def test_an_extension_that_nobody_offers_is_2103_with_its_uri() -> None:
    answer = refused(domain("check", NAME, "<fee:check xmlns:fee='urn:ietf:params:xml:ns:epp:fee-1.0'/>"))

    assert (answer.code, answer.value_text) == (2103, "urn:ietf:params:xml:ns:epp:fee-1.0")
    assert answer.reason == "urn:ietf:params:xml:ns:epp:fee-1.0 is not available on this server"


def test_an_extension_that_was_not_chosen_is_2103_with_its_uri() -> None:
    answer = refused(DOCUMENTS["secDNS-create-ds"], chosen=Services(EVERYTHING.objects, (str(RGP),)))

    assert (answer.code, answer.value_text) == (2103, SECDNS)
    assert answer.reason == f"{SECDNS} was not chosen at login"


def test_an_object_that_is_not_offered_is_complained_of_before_an_extension() -> None:
    nothing = Services()

    assert refused(DOCUMENTS["secDNS-create-ds"], chosen=nothing).code == 2307


def test_services_are_complained_of_before_the_schema() -> None:
    assert refused(domain("check", "<domain:bad/>"), chosen=Services()).code == 2307


@pytest.mark.parametrize("version", ["1.1", "2.0", "0.9", "one", ""])
def test_a_login_with_another_version_is_2100(version: str) -> None:
    answer = refused(login().replace("<version>1.0<", f"<version>{version}<"))

    assert (answer.code, answer.reason) == (2100, "only version 1.0")


@pytest.mark.parametrize("language", ["mi", "en-NZ", "EN", ""])
def test_a_login_with_another_language_is_2102(language: str) -> None:
    answer = refused(login(lang=language))

    assert (answer.code, answer.reason) == (2102, "only language en")


def test_a_login_for_an_object_that_is_not_offered_is_2307_with_its_element() -> None:
    answer = refused(login(services=documents.SERVICES + "<objURI>urn:x:host</objURI>"))

    assert (answer.code, answer.reason) == (2307, "urn:x:host is not available on this server")
    assert answer.value == f'<objURI xmlns="{EPP}">urn:x:host</objURI>'


def test_a_login_for_an_extension_that_is_not_offered_is_2103_with_its_element() -> None:
    wanted = documents.EXTENSIONS.replace("</svcExtension>", "<extURI>urn:x:fee</extURI></svcExtension>")

    answer = refused(login(services=documents.SERVICES + wanted))

    assert (answer.code, answer.reason) == (2103, "urn:x:fee is not available on this server")
    assert answer.value == f'<extURI xmlns="{EPP}">urn:x:fee</extURI>'


def test_a_login_needs_no_services_chosen_before() -> None:
    pass_through(read(DOCUMENTS["epp-login-extensions"].encode()), Services())


def test_versions_and_languages_may_have_blanks_around_them() -> None:
    spaced = login().replace("<version>1.0<", "<version> 1.0\n<").replace("<lang>en<", "<lang> en <")

    pass_through(read(spaced.encode()))


# -- noise


@given(st.binary(max_size=200))
def test_no_octets_make_the_reader_raise(octets: bytes) -> None:
    assert isinstance(read(octets), Command)


@settings(deadline=None)
@given(
    name=st.sampled_from(sorted(DOCUMENTS)),
    where=st.floats(0, 1, exclude_max=True),
    length=st.integers(0, 12),
    instead=st.binary(max_size=6)
    | st.sampled_from([b"<", b"</", b'"', b"&", b"&#60;", b"<x/>", b"]]>", b":"]),
)
def test_no_spoilt_octets_make_the_reader_raise(name: str, where: float, length: int, instead: bytes) -> None:
    octets = DOCUMENTS[name].encode()
    start = int(where * len(octets))

    answered(octets[:start] + instead + octets[start + length :])


def _drop(element: etree._Element, _other: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _double(element: etree._Element, _other: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        parent.insert(parent.index(element), etree.fromstring(etree.tostring(element, with_tail=False)))


def _move(element: etree._Element, other: etree._Element) -> None:
    other.append(etree.fromstring(etree.tostring(element, with_tail=False)))


def _empty(element: etree._Element, _other: etree._Element) -> None:
    element.clear()


def _rename(element: etree._Element, other: etree._Element) -> None:
    element.tag = other.tag


def _retell(element: etree._Element, other: etree._Element) -> None:
    element.text = f"{other.text or 'x'} & <more> ]]>"


def _number(element: etree._Element, _other: etree._Element) -> None:
    element.text = "-99999999999999999999999999"


def _annotate(element: etree._Element, other: etree._Element) -> None:
    element.set("{http://www.w3.org/2001/XMLSchema-instance}type", str(other.prefix))
    element.set("op", "x" * 100)


def _fill(element: etree._Element, other: etree._Element) -> None:
    content = etree.tostring(other, with_tail=False)
    if len(content) < 500:
        element.extend(etree.fromstring(content) for _ in range(13))


Change = Callable[[etree._Element, etree._Element], None]
CHANGES: list[Change] = [_drop, _double, _move, _empty, _rename, _retell, _number, _annotate, _fill]


@settings(deadline=None, max_examples=300)
@given(
    name=st.sampled_from(sorted(DOCUMENTS)),
    changes=st.lists(
        st.tuples(st.sampled_from(CHANGES), st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=4
    ),
)
def test_no_spoilt_document_gets_anything_but_a_valid_answer(
    name: str, changes: list[tuple[Change, int, int]]
) -> None:
    root = etree.fromstring(DOCUMENTS[name])
    for change, here, there in changes:
        elements = list(root.iter(etree.Element))
        change(elements[here % len(elements)], elements[there % len(elements)])

    answered(etree.tostring(root))


def answered(octets: bytes) -> None:
    """See that the octets pass, or are refused with a valid response that names a fault of theirs."""
    found = read(octets)
    refusal = None
    try:
        pass_through(found)
    except EppError as error:
        refusal = error
    if refusal is not None:
        assert Answer.to(refusal).code in (2000, 2001, 2003, 2004, 2005, 2100, 2102, 2103, 2307)
