"""The escapes of forms as the SRS writes them: more than a form needs, and in lower case."""

from __future__ import annotations

_ESCAPES = [
    b"+"
    if octet == 0x20
    else bytes([octet])
    if chr(octet) in "-_" or bytes([octet]).isalnum()
    else b"%%%02x" % octet
    for octet in range(256)
]


def escaped(octets: bytes) -> bytes:
    """The octets as the value of a field.

    >>> escaped(b'<Whois QryId="q 1"/>')
    b'%3cWhois+QryId%3d%22q+1%22%2f%3e'
    """
    return b"".join(map(_ESCAPES.__getitem__, octets))
