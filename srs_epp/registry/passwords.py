"""EPP passwords, which come in clear or hashed, and are kept hashed."""

from __future__ import annotations

import re

from srs_epp.registry.refusals import refusal
from srs_epp.srs.crypt import hash_password

_SHORTEST, _LONGEST = 6, 255

# SHA-256-crypt and SHA-512-crypt. At most six digits of rounds: whoever checks a password does the rounds.
_HASH = re.compile(r"\$(?:5|6)\$(rounds=[1-9][0-9]{3,5}\$)?[^$:\s]{1,16}\$(?P<hash>[./0-9A-Za-z]+)")
_LENGTHS = {"$5$": 43, "$6$": 86}


def to_store(given: str) -> str:
    """The crypt(3) hash of a password; a SHA-crypt hash stays as it is.

    SRSError INVALID_PASSWORD where it is too short or long, or looks like such a hash without being one.
    """
    method = given[:3]
    if method in _LENGTHS:
        found = _HASH.fullmatch(given)
        if found is None or len(found["hash"]) != _LENGTHS[method]:
            raise refusal("INVALID_PASSWORD", "EPPAuth")
        return given
    if not _SHORTEST <= len(given) <= _LONGEST or "\0" in given:
        raise refusal("INVALID_PASSWORD", "EPPAuth")
    return hash_password(given)
