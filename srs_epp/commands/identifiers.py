"""Identifiers: how long EPP lets them be; the roid (RFC 5730 section 2.8), made of what the SRS knows."""

from __future__ import annotations

import hashlib

ID_LENGTH = range(3, 17)  # eppcom:clIDType
NAME_LENGTH = range(1, 256)  # eppcom:labelType

DOMAIN_SUFFIX = "DOM"
CONTACT_SUFFIX = "CON"


def roid(key: str, suffix: str) -> str:
    """The first twelve hexadecimal digits of the key's MD5 (an identifier, no protection), and the suffix.

    >>> roid("kakapo.co.nz", DOMAIN_SUFFIX)
    '16be0318f8d1-DOM'
    """
    return f"{hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()[:12]}-{suffix}"
