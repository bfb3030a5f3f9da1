"""Repository object identifiers (RFC 5730 section 2.8), made from what the SRS knows an object by."""

from __future__ import annotations

import hashlib

DOMAIN_SUFFIX = "DOM"
CONTACT_SUFFIX = "CON"


def roid(key: str, suffix: str) -> str:
    """The first twelve hexadecimal digits of the key's MD5 (an identifier, no protection), and the suffix.

    >>> roid("kakapo.co.nz", DOMAIN_SUFFIX)
    '16be0318f8d1-DOM'
    """
    return f"{hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()[:12]}-{suffix}"
