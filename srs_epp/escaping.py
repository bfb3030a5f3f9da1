"""Text as it stands in XML, for those who write it without building a tree first."""

from __future__ import annotations

import re


def escaped(text: str) -> str:
    """Text as the content of an element; what XML has no place for becomes U+FFFD.

    >>> escaped("a < b")
    'a &lt; b'
    """
    if not text.isprintable():
        text = _NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def quoted(text: str) -> str:
    """Text as the value of an attribute, in double quotes.

    >>> quoted('"a" & b')
    '"&quot;a&quot; &amp; b"'
    """
    value = escaped(text).replace('"', "&quot;").replace("\t", "&#9;").replace("\n", "&#10;")
    return f'"{value}"'


_NO_CHARACTER = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
