"""Secrets out of text before it reaches a log, also where the text is not well-formed XML."""

from __future__ import annotations

import re

MASK = "***"

# the elements of EPP (pw, newPW, authInfo's pw) to their end tag, or to the end of a text that was cut;
# a CDATA section, comment or processing instruction may hold what only looks like the end tag. No text takes
# more than linear time.
_ELEMENT = re.compile(
    r"""(<(?:[^\s<>/:]+:)?(?:pw|newPW)\b[^<>]*+(?:(?<!/)>|(?=<)))
        (?:<!\[CDATA\[.*?(?:\]\]>|\Z) | <!--.*?(?:-->|\Z) | <\?.*?(?:\?>|\Z) | [^<]++ | <)*?
        (</(?:[^\s<>/:]+:)?(?:pw|newPW)\s*>|\Z)""",
    re.DOTALL | re.VERBOSE,
)
# the attributes of the SRS (UDAI, EPPAuth's Password), plain or form-encoded, or encoded again, as the stored
# documents in an answer are; encoders differ in what of equals sign and quotes they encode
_SPACE = r"(?:\s|\+|%(?:25)*(?:20|09|0[AD]|2B))*"
_ATTRIBUTE = re.compile(
    rf"""((?<!New)(?:UDAI|Password){_SPACE}(?:=|%(?:25)*3D){_SPACE})
        (?: (")[^"]*?(?:"|\Z) | (')[^']*?(?:'|\Z)
          | (%(?:25)*22).*?(?:%(?:25)*22|\Z) | (%(?:25)*27).*?(?:%(?:25)*27|\Z))""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)


def mask(text: str) -> str:
    """``text`` with passwords, authInfo, UDAIs and password hashes replaced.

    >>> mask('<pw>secret</pw> UDAI="Hk7mNp2Q" <newPW>cut o')
    '<pw>***</pw> UDAI="***" <newPW>***'
    """
    text = _ELEMENT.sub(rf"\g<1>{MASK}\g<2>", text)
    return _ATTRIBUTE.sub(_masked_attribute, text)


def _masked_attribute(found: re.Match[str]) -> str:
    quote = next(quote for quote in found.groups()[1:] if quote)
    return f"{found[1]}{quote}{MASK}{quote}"
