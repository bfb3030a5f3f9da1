"""The body of an SRS message: any octets are fields or no form, and every field comes back as it was."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from srs_epp.srs.form import NotAForm, decode, encode


def seeds() -> Iterator[bytes]:
    """Forms as they are sent, and what an encoder may do differently."""
    yield encode({"r": "<NZSRSRequest VerMajor='5'/>", "s": "-----BEGIN\n=Ab+c\n", "n": "100"})
    yield encode({"r": bytes(range(256))})
    yield b"r=%3ca%2f%3E&s=&n=1"
    yield b"r=a=b&r=c"
    yield b"r=%&s=%4&n=%zz%25%"
    yield b"r=a%0D%0Ab\r\n&=&+=+"
    yield b"r=" + b"=20=0D=\n" + b"&s=%3D%3d%20"
    yield b"&".join(b"%d=" % number for number in range(65))
    yield "r=ā".encode()


def check(octets: bytes) -> None:
    assert decode(encode({"r": octets, "s": b""})) == {"r": octets, "s": b""}
    try:
        fields = decode(octets)
    except NotAForm:
        return
    # by the standard library's decoder
    pairs = [pair.split(b"=", 1) for pair in octets.replace(b"+", b" ").split(b"&")] if octets else []
    assert list(fields.items()) == [
        (unquote_to_bytes(name).decode("latin-1"), unquote_to_bytes(value)) for name, value in pairs
    ]
    plain = {name: value for name, value in fields.items() if name.isascii() and name.isalnum()}
    assert decode(encode(plain)) == plain
