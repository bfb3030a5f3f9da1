"""Data units are looked at before the parser sees them: which encodings they may claim, and no DOCTYPE."""

from __future__ import annotations

import codecs

import pytest
from lxml import etree

from srs_epp.epp import prolog
from srs_epp.epp.results import CommandSyntaxError

ROOT = "<epp/>"
DOCTYPE = f"<!DOCTYPE epp [<!ATTLIST epp a CDATA 'b'>]>{ROOT}"
LITTLE, BIG = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE

ALLOWED = {
    "nothing before it": ROOT.encode(),
    "a mark": codecs.BOM_UTF8 + ROOT.encode(),
    "declared": b"<?xml version='1.0'?>" + ROOT.encode(),
    "in all its parts": b'<?xml\tversion = "1.0"\nencoding = "utf-8"\r\nstandalone = "no" ?>' + ROOT.encode(),
    "with a mark, declared": codecs.BOM_UTF8 + b"<?xml version='1.0' encoding='UTF-8'?>" + ROOT.encode(),
    "ASCII": b"<?xml version='1.0' encoding='US-ASCII'?>" + ROOT.encode(),
    "UTF-16, little end first": LITTLE + f"<?xml version='1.0' encoding='UTF-16'?>{ROOT}".encode("utf-16-le"),
    "UTF-16LE": LITTLE + f"<?xml version='1.0' encoding='UTF-16LE'?>{ROOT}".encode("utf-16-le"),
    "UTF-16, big end first": BIG + f"<?xml version='1.0' encoding='utf-16'?>{ROOT}".encode("utf-16-be"),
    "comments and instructions": f"<!-- <!DOCTYPE epp> -->\n<?a <!DOCTYPE epp>?>{ROOT}".encode(),
    "a DOCTYPE that is text": b"<epp>&lt;!DOCTYPE epp></epp>",
}


@pytest.mark.parametrize("octets", ALLOWED.values(), ids=ALLOWED)
def test_what_epp_documents_begin_with_is_allowed(octets: bytes) -> None:
    prolog.check(octets)

    assert etree.fromstring(octets).tag == "epp"


@pytest.mark.parametrize("name", ["nothing before it", "declared"])
def test_most_documents_need_no_closer_look(name: str) -> None:
    assert prolog.usual(ALLOWED[name])


def declared(encoding: str, *, version: str = "1.0") -> bytes:
    """The beginning of a declaration, up to where libxml2 goes on in the encoding that it has been told."""
    return f"<?xml version='{version}' encoding='{encoding}'".encode()


HIDDEN = {
    "UTF-7": declared("UTF-7") + b"?>" + DOCTYPE.replace("<", "+ADw-").encode(),
    "UTF-16BE behind ASCII": declared("UTF-16BE") + f"?>{DOCTYPE}".encode("utf-16-be"),
    "UTF-16LE behind ASCII": declared("UTF-16LE") + f"?>{DOCTYPE}".encode("utf-16-le"),
    "UTF-16 behind ASCII": declared("UTF-16") + f"?>{DOCTYPE}".encode("utf-16-le"),
    "ASCII behind UTF-16": LITTLE
    + declared("US-ASCII").decode().encode("utf-16-le")
    + f"?>{DOCTYPE}".encode(),
    "big behind little end": LITTLE
    + declared("UTF-16BE").decode().encode("utf-16-le")
    + f"?>{DOCTYPE}".encode("utf-16-be"),
    "EBCDIC": f"<?xml version='1.0'?>{DOCTYPE}".encode("cp037"),
    "UCS-4, little end first": f"<?xml version='1.0'?>{DOCTYPE}".encode("utf-32-le"),
    "UCS-4, big end first": f"<?xml version='1.0'?>{DOCTYPE}".encode("utf-32-be"),
    "UCS-4 with a mark": f"<?xml version='1.0'?>{DOCTYPE}".encode("utf-32"),
}


@pytest.mark.parametrize("octets", HIDDEN.values(), ids=HIDDEN)
def test_a_doctype_can_not_hide_in_another_encoding(octets: bytes) -> None:
    assert not prolog.usual(octets)
    with pytest.raises(CommandSyntaxError):
        prolog.check(octets)


OPEN = {
    "at once": DOCTYPE,
    "behind a declaration": f"<?xml version='1.0'?>{DOCTYPE}",
    "behind all sorts of things": f"<!-- a --><?b c?>\n{DOCTYPE}",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("document", OPEN.values(), ids=OPEN)
def test_a_doctype_is_seen(document: str, encoding: str) -> None:
    assert not prolog.usual(document.encode(encoding))
    with pytest.raises(CommandSyntaxError, match="a DOCTYPE is not allowed"):
        prolog.check(document.encode(encoding))


@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-16LE", "utf-16be"])
def test_a_declaration_of_utf_16_where_there_is_none_is_refused(encoding: str) -> None:
    octets = declared(encoding) + b"?>" + ROOT.encode()
    assert not prolog.usual(octets)
    with pytest.raises(CommandSyntaxError, match=f"the encoding {encoding} is declared, but it is not"):
        prolog.check(octets)


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-7", "x-y"])
def test_a_declaration_of_another_encoding_is_refused_by_name(encoding: str) -> None:
    octets = declared(encoding) + b"?>" + ROOT.encode()
    assert not prolog.usual(octets)
    with pytest.raises(CommandSyntaxError, match=f"the encoding {encoding} is neither UTF-8 nor UTF-16"):
        prolog.check(octets)


@pytest.mark.parametrize(
    "declaration",
    [
        "<?xml ?>",
        "<?xml version='2.0'?>",
        "<?xml version=1.0?>",
        "<?xml encoding='UTF-8' version='1.0'?>",
        "<?xml version='1.0' encoding='UTF-8\"?>",
        "<?xml version='1.0' encoding=''?>",
        "<?xml version='1.0' standalone='maybe'?>",
        "<?xml version='1.0'encoding='UTF-8'?>",
        "<?xml version='1.0' encoding='UTF-8'",
    ],
)
def test_a_declaration_of_another_form_is_refused(declaration: str) -> None:
    octets = declaration.encode() + ROOT.encode()
    assert not prolog.usual(octets)
    with pytest.raises(CommandSyntaxError, match="the XML declaration is not well-formed"):
        prolog.check(octets)
