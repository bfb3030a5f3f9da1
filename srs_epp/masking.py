"""Secrets out of text before it reaches a log, also where the text is not well-formed XML."""

from __future__ import annotations

import re

MASK = "***"

# the elements of EPP (pw, newPW, authInfo's pw) to their end tag, or to the end of a text that was cut
_ELEMENT = re.compile(
    r"(<(?:[\w.-]+:)?(?:pw|newPW)\b[^>]*?(?<!/)>)(.*?)(</(?:[\w.-]+:)?(?:pw|newPW)\s*>|\Z)", re.DOTALL
)
# the attributes of the SRS (UDAI, EPPAuth's Password), plain and form-encoded
_ATTRIBUTE = re.compile(r"""((?:\bUDAI|\bPassword)\s*=\s*)("[^"]*(?:"|\Z)|'[^']*(?:'|\Z))""")
_ENCODED = re.compile(
    r"((?:UDAI|Password)(?:\+|%20|%0A|%09|%0D)*%3D(?:\+|%20|%0A|%09|%0D)*)(%22.*?(?:%22|\Z)|%27.*?(?:%27|\Z))",
    re.DOTALL | re.IGNORECASE,
)


def mask(text: str) -> str:
    """``text`` with passwords, authInfo, UDAIs and password hashes replaced.

    >>> mask('<pw>secret</pw> UDAI="Hk7mNp2Q" <newPW>cut o')
    '<pw>***</pw> UDAI="***" <newPW>***'
    """
    text = _ELEMENT.sub(rf"\g<1>{MASK}\g<3>", text)
    text = _ATTRIBUTE.sub(rf'\g<1>"{MASK}"', text)
    return _ENCODED.sub(rf"\g<1>%22{MASK}%22", text)
