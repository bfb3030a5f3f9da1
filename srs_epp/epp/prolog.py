"""What stands before the root element of a data unit, and is not allowed there: a DOCTYPE, other encodings.

It is looked at before libxml2 sees anything: that takes the square of the time for the attributes that a
DTD declares, 38 seconds for 1 MiB, and reads encodings, UTF-7 for one, in which a DOCTYPE does not look like
one.
"""

from __future__ import annotations

import codecs
import re

from srs_epp.epp.results import CommandSyntaxError, Element

_DOCTYPE = "a DOCTYPE is not allowed"
_UNREADABLE = "the encoding {} is neither UTF-8 nor UTF-16"

# by how the first octets say that it is encoded; libxml2 believes a declaration of anything else, and goes on
# in that behind it
_DECLARABLE = {
    "latin-1": frozenset({"UTF-8", "UTF8", "US-ASCII", "ASCII"}),
    "utf-16-le": frozenset({"UTF-16", "UTF-16LE", "UTF-8", "UTF8"}),
    "utf-16-be": frozenset({"UTF-16", "UTF-16BE", "UTF-8", "UTF8"}),
}
_ENCODINGS = frozenset().union(*_DECLARABLE.values())
# UCS-4 in four orders, without and with a mark; EBCDIC
_OTHERS = tuple(
    map(bytes.fromhex, ["0000003c", "3c000000", "00003c00", "003c0000", "0000feff", "fffe0000", "4c6fa794"])
)
_PROLOG = re.compile(
    r"""(?:\ufeff|\xef\xbb\xbf)?
    (?P<declaration><\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?P<q>["'])1\.[0-9]+(?P=q)
        (?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?P<r>["'])(?P<encoding>[A-Za-z][A-Za-z0-9._-]*)(?P=r))?
        (?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?P<s>["'])(?:yes|no)(?P=s))?[ \t\r\n]*\?>)?
    (?:\s+|<\?.*?\?>|<!--.*?-->)*+
    (?P<doctype><!DOCTYPE)?""",
    re.VERBOSE | re.DOTALL,
)
# a root element, at most a declaration of UTF-8 before it: no other encoding begins with these octets
_USUAL = re.compile(
    rb"""(?:<\?xml version=(["'])1\.0\1(?: encoding=\1(?:UTF|utf)-8\1)?"""
    rb"""(?: standalone=\1(?:yes|no)\1)? ?\?>)?[ \t\r\n]*<[A-Za-z]"""
)
_DECLARATION = re.compile(r"(?:\ufeff|\xef\xbb\xbf)?<\?xml[ \t\r\n]")


def usual(octets: bytes) -> bool:
    """Whether it begins as nearly every data unit does, and so needs no other look than this."""
    return _USUAL.match(octets) is not None


def check(octets: bytes) -> None:
    """CommandSyntaxError (2001) for what begins as no document of EPP's should."""
    encoding = _encoding(octets)
    text = octets.decode(encoding, "replace")
    found = _PROLOG.match(text)
    assert found is not None  # it matches nothing, too
    declaration, declared, doctype = found["declaration"], found["encoding"], found["doctype"]
    if declaration is None and _DECLARATION.match(text):
        raise CommandSyntaxError("the XML declaration is not well-formed")
    if declared is not None and declared.upper() not in _ENCODINGS:
        raise CommandSyntaxError(_UNREADABLE.format(declared))
    if declared is not None and declared.upper() not in _DECLARABLE[encoding]:
        raise CommandSyntaxError(f"the encoding {declared} is declared, but it is not that of the document")
    if doctype is not None:
        raise CommandSyntaxError(_DOCTYPE)


def check_read(root: Element) -> None:
    """The same once the document has been read: of what the parser has seen otherwise than we have."""
    document = root.getroottree().docinfo
    if document.internalDTD is not None:
        raise CommandSyntaxError(_DOCTYPE)
    if (document.encoding or "UTF-8").upper() not in _ENCODINGS:
        raise CommandSyntaxError(_UNREADABLE.format(document.encoding))


def _encoding(octets: bytes) -> str:
    """What the document is encoded in, as far as it matters for what comes before its root element."""
    if octets.startswith(_OTHERS):
        raise CommandSyntaxError(_UNREADABLE.format("of the document"))
    if octets.startswith((codecs.BOM_UTF16_LE, b"<\0")):
        return "utf-16-le"
    if octets.startswith((codecs.BOM_UTF16_BE, b"\0<")):
        return "utf-16-be"
    return "latin-1"
