"""UDAIs: the secrets by which a domain changes hands. Stored as hashes only."""

from __future__ import annotations

import hashlib
import secrets

# without the letters and digits that look like another one
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"
_LENGTH = 8


def make() -> str:
    """A new UDAI."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def hashed(udai: str, domain: str) -> str:
    """As stored. The domain's name is the salt; a UDAI is random, so that a slow hash would add little."""
    return hashlib.sha256(f"{domain}\n{udai}".encode()).hexdigest()
