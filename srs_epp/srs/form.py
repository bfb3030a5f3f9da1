"""The body of an SRS message: application/x-www-form-urlencoded fields, the same way in both directions.

Every command passes here twice, in documents that are all angle brackets and quotes: the standard library's
functions do the same octet by octet, at ten times the cost.
"""

from __future__ import annotations

import string
from binascii import a2b_qp
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

MIME_TYPE = "application/x-www-form-urlencoded"

_MOST_FIELDS = 64
_PLAIN = f"{string.ascii_letters}{string.digits}_.-~%+".encode()
_OCTETS = [bytes([octet]) for octet in range(256)]
_ESCAPES = [b"%%%02X" % octet for octet in range(256)]


class NotAForm(ValueError):
    """The octets are no form, or a field comes twice."""


def encode(fields: Mapping[str, bytes | str]) -> bytes:
    """The form with these fields, in their order. Names are written as they are.

    >>> encode({"r": b"<a/>", "n": "100"})
    b'r=%3Ca%2F%3E&n=100'
    """
    return b"&".join([b"%b=%b" % (name.encode(), _encoded(value)) for name, value in fields.items()])


def _encoded(value: bytes | str) -> bytes:
    octets = value.encode() if isinstance(value, str) else value
    octets = octets.replace(b"%", b"%25").replace(b"+", b"%2B").replace(b" ", b"+")
    # of those that are left a document has hardly ten kinds, many times each
    for kind in set(octets.translate(None, _PLAIN)):
        octets = octets.replace(_OCTETS[kind], _ESCAPES[kind])
    return octets


def decode(body: bytes) -> dict[str, bytes]:
    """The fields of a form, name to the octets that were signed.

    NotAForm where the body is no form, or names a field twice: whoever takes the first value and whoever
    takes the last would see two different messages.
    """
    if not body.isascii():
        raise NotAForm("the body is no form: it is not ASCII")
    if not body:
        return {}
    pairs = body.split(b"&", _MOST_FIELDS)
    if len(pairs) > _MOST_FIELDS:
        raise NotAForm(f"the body is no form: more than {_MOST_FIELDS} fields")
    fields: dict[str, bytes] = {}
    for pair in pairs:
        encoded, equals, value = pair.partition(b"=")
        if not equals:
            raise NotAForm("the body is no form: a field without a value")
        name = (encoded if encoded.isalnum() else _decoded(encoded)).decode("latin-1")
        if name in fields:
            raise NotAForm(f"the field {name!r} comes twice")
        fields[name] = _decoded(value)
    return fields


def _decoded(encoded: bytes) -> bytes:
    plain = encoded.replace(b"+", b" ")
    escapes = plain.count(b"%")
    if not escapes:
        return plain
    # quoted-printable is the same with another sign, and there is a decoder in C
    octets = a2b_qp(plain.replace(b"=", b"=3D").replace(b"%", b"="))
    if len(octets) == len(plain) - 2 * escapes and b"\n" not in plain and b"\r" not in plain:
        return octets
    # a sign that begins no escape, or a line's end, which would mean something there
    return unquote_to_bytes(plain)
