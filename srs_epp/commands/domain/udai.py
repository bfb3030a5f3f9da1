"""The UDAI, the SRS's authInfo: made by the registry, so that what can't be one need not be asked about."""

from __future__ import annotations

import re

# eight letters and digits without look-alikes
_UDAI = re.compile(r"[abcdefghjkmnp-zABCDEFGHJKMNP-Z2-9]{8}")


def is_udai(text: str) -> bool:
    """Whether ``text`` has the form of a UDAI.

    >>> is_udai("Hk7mNp2Q"), is_udai("Hk1mNp2Q")
    (True, False)
    """
    return _UDAI.fullmatch(text) is not None
