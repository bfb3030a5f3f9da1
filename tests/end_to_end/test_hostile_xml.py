"""Documents made to harm: each gets its answer, costs next to no time, opens and fetches nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.client import CONTACT, DOMAIN, EPP, SECDNS, Client, check, login
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.test_hostile import processor_time

XSI = "http://www.w3.org/2001/XMLSchema-instance"
FULL = 1_040_000  # octets, a little less than max-frame

pytestmark = pytest.mark.usefixtures("neighbours")


@dataclass
class Traps:
    """A file that nobody must open, and a port to which nobody must connect."""

    file: Path
    listener: socket.socket

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/x"

    def assert_untouched(self) -> None:
        with pytest.raises(OSError, match="No such device"):  # nobody waits at the pipe
            os.open(self.file, os.O_WRONLY | os.O_NONBLOCK)
        with pytest.raises(BlockingIOError):
            self.listener.accept()


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traps]:
    pipe = tmp_path_factory.mktemp("traps") / "pipe"
    os.mkfifo(pipe)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Traps(pipe, listener)


def epp(inner: str, attributes: str = "", before: str = "") -> str:
    return f'{before}<epp xmlns="{EPP}" xmlns:d="{DOMAIN}"{attributes}>{inner}</epp>'


def checking(inner: str, attributes: str = "", before: str = "") -> str:
    return epp(f"<command><check><d:check>{inner}</d:check></check></command>", attributes, before)


NAME = "<d:name>plain.nz</d:name>"


def full(template: str) -> str:
    """As many of these as a data unit takes, each with a number of its own."""
    parts: list[str] = []
    size = 0
    while size < FULL - 1000:
        parts.append(template.format(f"{len(parts):x}"))
        size += len(parts[-1])
    return "".join(parts)


LAUGHS = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
QUADRATIC = f'<!ENTITY a "{"a" * 500_000}">'
DEEP = 255  # libxml2's limit, with the three above it


@dataclass
class Case:
    """A document, and the code and words that it deserves before a login, and after it."""

    document: str | bytes
    words: str
    code: int = 2001
    before: int | None = None  # where a login is asked for first


DOCTYPES = {
    "billion laughs": checking("<d:name>&l11;</d:name>", before=f"<!DOCTYPE epp [{LAUGHS}]>"),
    "quadratic blow-up": checking(
        f"<d:name>{'&a;' * 100_000}</d:name>", before=f"<!DOCTYPE epp [{QUADRATIC}]>"
    ),
    "recursion": checking(
        "<d:name>&a;</d:name>", before='<!DOCTYPE epp [<!ENTITY a "&b;"><!ENTITY b "&a;">]>'
    ),
    "laughs in an attribute": epp("<hello/>", ' a="&l11;"', f"<!DOCTYPE epp [{LAUGHS}]>"),
    "external entity, file": epp("<hello>&x;</hello>", before='<!DOCTYPE epp [<!ENTITY x SYSTEM "{file}">]>'),
    "external entity, URL": epp("<hello>&x;</hello>", before='<!DOCTYPE epp [<!ENTITY x SYSTEM "{url}">]>'),
    "parameter entity, file": epp("<hello/>", before='<!DOCTYPE epp [<!ENTITY % x SYSTEM "{file}"> %x;]>'),
    "parameter entity, URL": epp("<hello/>", before='<!DOCTYPE epp [<!ENTITY % x SYSTEM "{url}"> %x;]>'),
    "parameter entities to send a file": epp(
        "<hello/>",
        before='<!DOCTYPE epp [<!ENTITY % f SYSTEM "{file}"><!ENTITY % d SYSTEM "{url}"> %d; %send;]>',
    ),
    "external DTD, file": epp("<hello/>", before='<!DOCTYPE epp SYSTEM "{file}">'),
    "external DTD, URL": epp("<hello/>", before='<!DOCTYPE epp PUBLIC "-//IETF//EPP" "{url}">'),
    "unparsed entity": epp(
        "<hello/>", before='<!DOCTYPE epp [<!NOTATION n SYSTEM "{url}"><!ENTITY x SYSTEM "{file}" NDATA n>]>'
    ),
    "default attributes": checking(NAME, before="<!DOCTYPE epp [<!ATTLIST epp a CDATA 'b'>]>"),
    "behind comments": epp("<hello/>", before="<!-- a --><?b c?>\n<!DOCTYPE epp>"),
    "in UTF-16": epp("<hello/>", before='\ufeff<!DOCTYPE epp SYSTEM "{file}">'),
}


def traverse(client: Client, worker: int, document: str | bytes) -> tuple[int, str]:
    """The code and text of the answer (0: a greeting), which took next to no processor time."""
    before = processor_time(worker)
    answer = client.ask(document)
    # the neighbours' share is in it
    assert processor_time(worker) - before < 1.5
    return (0 if answer.is_greeting else answer.code), answer.text


def test_a_doctype_is_refused_and_nothing_that_it_names_is_read(besieged: Daemon, traps: Traps) -> None:
    [worker] = besieged.workers()
    for name, document in DOCTYPES.items():
        text = document.replace("{file}", traps.file.as_uri()).replace("{url}", traps.url)
        octets = text.encode("utf-16-le" if name == "in UTF-16" else "utf-8")
        with Client(besieged) as client:
            client.read()
            for code in (1000, 2002):  # before a login, and after it
                told, text = traverse(client, worker, octets)
                assert (told, "a DOCTYPE is not allowed" in text) == (2001, True), name
                assert client.ask(login(besieged.registrar(100))).code == code
    traps.assert_untouched()


SIZE = {
    "nested deeply": Case(checking("<a>" * DEEP + "</a>" * DEEP), "Excessive depth"),
    "nested beyond all depth": Case("<a>" * (FULL // 3), "Excessive depth"),
    "nested as deeply as can be": Case(checking("<a>" * 240 + "</a>" * 240), "name is missing", 2003, 2002),
    "a huge attribute": Case(
        checking(NAME.replace("<d:name", f'<d:name a="{"b" * FULL}"')), "attribute a is not", 2001, 2002
    ),
    "a huge name": Case(checking(f"<{'a' * FULL}/>"), "too long"),
    "a huge value": Case(checking(f"<d:name>{'a' * FULL}</d:name>"), "is too long", 2005, 2002),
    "a huge namespace": Case(
        epp(f'<command><check><x xmlns="{"u" * FULL}"/></check></command>'), "uuu…", 2307, 2002
    ),
    "huge blanks": Case(checking(f"<d:name>{' ' * FULL}</d:name>"), "name", 2005, 2002),
    "a huge CDATA section": Case(
        checking(f"<d:name><![CDATA[{'a' * FULL}]]></d:name>"), "is too long", 2005, 2002
    ),
    "a huge comment": Case(checking(f"<!--{'a' * FULL}-->{NAME}"), "", 1000, 2002),
    "a huge instruction": Case(checking(f"<?a {'b' * FULL}?>{NAME}"), "", 1000, 2002),
    "many attributes": Case(
        checking("<d:name " + full("a{}='' ") + ">a.nz</d:name>"), "more than 5000 attributes"
    ),
    "many namespaces": Case(
        epp('<command><login x=""/></command>', " " + full("xmlns:n{}='u' ")), "more than 5000 attributes"
    ),
    "many namespaces, used": Case(epp(full("<n{0}:a xmlns:n{0}='u{0}'/>")), "more than 5000 attributes"),
    "many elements": Case(checking(full("<a/>")), "at most 5000 elements", 2004, 2002),
    "many elements on several levels": Case(
        checking("<a>" + ("<b>" + "<c/>" * 4900 + "</b>") * 40 + "</a>"), "at most 20000 elements", 2004, 2002
    ),
    "many names": Case(checking(full("<d:name>a{}.nz</d:name>")), "at most 5000", 2004, 2002),
    "many commands": Case(epp(full("<command/>")), "a command is missing", 2003, 2002),
    "many comments": Case(checking(full("<!---->") + NAME), "", 1000, 2002),
    "many instructions": Case(epp("<hello/>", before=full("<?a{}?>")), "", 0),
    "many character references": Case(
        checking(f"<d:name>{'&#x61;' * (FULL // 6)}</d:name>"), "is too long", 2005, 2002
    ),
    "many CDATA sections": Case(
        checking(f"<d:name>{'<![CDATA[a]]>' * (FULL // 13)}</d:name>"), "is too long", 2005, 2002
    ),
    "comments in a value": Case(checking(f"<d:name>{'a<!---->' * 130_000}</d:name>"), "", 2005, 2002),
    "the same attribute often": Case(epp("<hello/>", ' a=""' * 4000), "Attribute a redefined"),
    "not closed, often": Case(checking("<d:name>" * 200), "", 2001),
}

OCTETS = {
    "UTF-7": Case(b"<?xml version='1.0' encoding='UTF-7'?>+ADw-epp/+AD4-", ""),
    "UTF-32": Case(epp("<hello/>").encode("utf-32"), ""),
    "UTF-16, half a character": Case(b"\xff\xfe" + epp("<hello/>").encode("utf-16-le") + b"<", ""),
    "UTF-16, a lone surrogate": Case(
        b"\xff\xfe" + epp("<hello>\ud800</hello>").encode("utf-16-le", "surrogatepass"), ""
    ),
    "UTF-16 without a mark": Case(epp("<hello/>").encode("utf-16-le"), ""),
    "UTF-8 that is said to be UTF-16": Case(
        epp("<hello/>", before='<?xml version="1.0" encoding="UTF-16"?>'), ""
    ),
    "UTF-16 that is said to be UTF-8": Case(
        epp("<hello/>", before='<?xml version="1.0" encoding="UTF-8"?>').encode("utf-16"), "", 0
    ),
    "Latin 1 that is said to be UTF-8": Case(
        epp("<hello>\xe9</hello>", before='<?xml version="1.0" encoding="UTF-8"?>').encode("latin-1"), ""
    ),
    "Latin 1": Case(
        epp("<hello/>", before='<?xml version="1.0" encoding="ISO-8859-1"?>'), "neither UTF-8 nor"
    ),
    "EBCDIC": Case(epp("<hello/>", before='<?xml version="1.0"?>').encode("cp037"), ""),
    "an encoding that nobody knows": Case(epp("<hello/>", before='<?xml version="1.0" encoding="x-y"?>'), ""),
    "a mark of UTF-8": Case(b"\xef\xbb\xbf" + epp("<hello/>").encode(), "", 0),
    "two marks": Case(b"\xef\xbb\xbf" * 2 + epp("<hello/>").encode(), ""),
    "marks of both": Case(b"\xff\xfe\xef\xbb\xbf" + epp("<hello/>").encode(), ""),
    "overlong": Case(epp("<hello>@</hello>").encode().replace(b"@", b"\xc0\xbc"), ""),
    "a surrogate": Case(epp("<hello>@</hello>").encode().replace(b"@", b"\xed\xa0\x80"), ""),
    "beyond Unicode": Case(epp("<hello>@</hello>").encode().replace(b"@", b"\xf4\x90\x80\x80"), ""),
    "NUL": Case(b"\0", ""),
    "NUL before": Case(b"\0" + epp("<hello/>").encode(), ""),
    "NUL behind": Case(epp("<hello/>").encode() + b"\0", ""),
    "NUL in a name": Case(checking("<d:name>a\0b.nz</d:name>"), ""),
    "a reference to NUL": Case(checking("<d:name>a&#0;b.nz</d:name>"), ""),
    "a reference to a surrogate": Case(checking("<d:name>a&#xd800;b.nz</d:name>"), ""),
    "a reference beyond Unicode": Case(checking("<d:name>a&#x110000;b.nz</d:name>"), ""),
    "a huge reference": Case(checking(f"<d:name>a&#{'9' * 10_000};b.nz</d:name>"), ""),
    "a control character": Case(checking("<d:name>a\x1bb.nz</d:name>"), ""),
    "XML 1.1": Case(epp("<hello>&#1;</hello>", before='<?xml version="1.1"?>'), ""),
    "XML 9.9": Case(epp("<hello/>", before='<?xml version="9.9"?>'), ""),
}

NAMES = {
    "EPP under another prefix": Case(
        f'<x:epp xmlns:x="{EPP}"><x:command><x:check><check xmlns="{DOMAIN}"><name>a.nz</name></check>'
        "</x:check></x:command></x:epp>",
        "",
        1000,
        2002,
    ),
    "a prefix that is bound anew on each level": Case(
        f'<a:epp xmlns:a="{EPP}"><a:command><a:check><a:check xmlns:a="{DOMAIN}"><a:name>a.nz</a:name>'
        "</a:check></a:check></a:command></a:epp>",
        "",
        1000,
        2002,
    ),
    "domain's prefix is contact's": Case(
        checking(NAME).replace(f'xmlns:d="{DOMAIN}"', f'xmlns:d="{CONTACT}"'), "is missing", 2003, 2002
    ),
    "a contact's check of a domain's name": Case(
        epp(f'<command><check><c:check xmlns:c="{CONTACT}">{NAME}</c:check></check></command>'),
        "contact:id is missing",
        2003,
        2002,
    ),
    "no namespace": Case("<epp><hello/></epp>", "the root element must be epp"),
    "another version": Case(f'<epp xmlns="{EPP[:-3]}2.0"><hello/></epp>', "the root element must be epp"),
    "a blank in the namespace": Case(f'<epp xmlns="{EPP} "><hello/></epp>', ""),
    "letters that look alike": Case(epp("<hello/>").replace("ietf", "i\u0435tf"), ""),
    "a namespace that is taken away": Case(epp('<command xmlns=""><check/></command>'), "not expected here"),
    "a command of no namespace": Case(
        epp('<command><check xmlns=""/></command>'), "Unknown command", 2000, 2002
    ),
    "the prefix xml bound anew": Case(epp("<hello/>", ' xmlns:xml="urn:x"'), ""),
    "the prefix xmlns": Case(epp("<hello/>", ' xmlns:xmlns="urn:x"'), ""),
    "an undeclared prefix": Case(epp("<x:hello/>"), ""),
    "a name of two colons": Case(epp("<d:d:hello/>"), ""),
    "xsi:schemaLocation": Case(
        epp("<hello/>", f' xmlns:xsi="{XSI}" xsi:schemaLocation="{EPP} {{url}} {DOMAIN} {{file}}"'), "", 0
    ),
    "xsi:schemaLocation in a command": Case(
        checking(NAME, f' xmlns:xsi="{XSI}" xsi:schemaLocation="{DOMAIN} {{url}} urn:x {{file}}"'),
        "",
        1000,
        2002,
    ),
    "xsi:noNamespaceSchemaLocation": Case(
        checking(NAME, f' xmlns:xsi="{XSI}" xsi:noNamespaceSchemaLocation="{{file}}"'), "", 1000, 2002
    ),
    "xsi:type of another element": Case(
        checking(f'<d:name xmlns:xsi="{XSI}" xsi:type="d:createType">a.nz</d:name>'), "", 2001, 2002
    ),
    "xsi:type of XML Schema": Case(
        checking(
            f'<d:name xmlns:xsi="{XSI}" xmlns:xs="http://www.w3.org/2001/XMLSchema" xsi:type="xs:anyType">'
            "<a/></d:name>"
        ),
        "",
        2001,
        2002,
    ),
    "xsi:nil": Case(checking(f'<d:name xmlns:xsi="{XSI}" xsi:nil="true"/>'), "", 2001, 2002),
    "XInclude": Case(
        checking('<x:include xmlns:x="http://www.w3.org/2001/XInclude" href="{file}" parse="text"/>'),
        "",
        2003,
        2002,
    ),
    "XInclude in a value": Case(
        checking('<d:name><x:include xmlns:x="http://www.w3.org/2001/XInclude" href="{url}"/></d:name>'),
        "",
        2001,
        2002,
    ),
    "a style sheet": Case(epp("<hello/>", before='<?xml-stylesheet type="text/xsl" href="{url}"?>'), "", 0),
    "an instruction in a value": Case(
        checking("<d:name>a<?php system('id') ?>b.nz</d:name>"), "", 1000, 2002
    ),
    "xml:base": Case(checking(NAME, ' xml:base="{file}"'), "attribute base is not", 2001, 2002),
    "xml:id twice": Case(epp('<hello xml:id="a"/>', ' xml:id="a"'), ""),
    "an extension in the place of a command": Case(
        epp(f'<extension><s:create xmlns:s="{SECDNS}"/></extension>'), SECDNS, 2103, 2002
    ),
    "two objects": Case(checking(f"{NAME}</d:check><d:check>{NAME}"), "", 2001, 2002),
    "two commands": Case(
        epp(f"<command><check><d:check>{NAME}</d:check></check><logout/></command>"), "", 2001, 2002
    ),
}


def undergo(daemon: Daemon, traps: Traps, name: str, case: Case) -> None:
    """Send the document before a login, and after it; the session goes on both times."""
    document = case.document
    if isinstance(document, str):
        document = document.replace("{file}", traps.file.as_uri()).replace("{url}", traps.url).encode()
    [worker] = daemon.workers()
    with Client(daemon) as client:
        client.read()
        code, text = traverse(client, worker, document)
        assert code == (case.code if case.before is None else case.before), (name, text)
        assert client.ask(login(daemon.registrar(100))).code == 1000

        code, text = traverse(client, worker, document)

        assert (code, case.words in text) == (case.code, True), (name, text)
        assert client.ask(check("after.nz")).code == 1000


@pytest.mark.parametrize("name", SIZE)
def test_a_document_beyond_all_measure_costs_next_to_nothing(
    besieged: Daemon, traps: Traps, name: str
) -> None:
    undergo(besieged, traps, name, SIZE[name])


def test_octets_that_are_no_characters_of_xml_are_refused(besieged: Daemon, traps: Traps) -> None:
    for name, case in OCTETS.items():
        undergo(besieged, traps, name, case)


def test_names_and_namespaces_mean_what_xml_says_and_nothing_is_fetched(
    besieged: Daemon, traps: Traps
) -> None:
    for name, case in NAMES.items():
        undergo(besieged, traps, name, case)
    traps.assert_untouched()
