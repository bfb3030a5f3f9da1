"""UDAIs: the secrets by which a domain changes hands. Stored as hashes only."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from srs_epp.registry.domains import Domain
from srs_epp.registry.transaction import Transaction

# without the letters and digits that look like another one
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"
_LENGTH = 8


def make() -> str:
    """A new UDAI."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def hashed(udai: str, domain: str) -> str:
    """As stored. The domain's name is the salt; a UDAI is random, so that a slow hash would add little."""
    return hashlib.sha256(f"{domain}\n{udai}".encode()).hexdigest()


def matches(domain: Domain, given: str, transaction: Transaction) -> bool:
    """Whether it is the domain's UDAI, and has not expired."""
    made, stored = domain.moment("udai_made"), domain.row["udai_hash"]
    if made is None or transaction.now > made + transaction.rules.udai_lifetime:
        return False
    return hmac.compare_digest(hashed(given.strip(), domain.name.text), stored)
