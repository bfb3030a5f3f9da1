"""Message ids: of a message the SRS knows (originating registrar, TransId), EPP one token.

Four digits of the registrar, then the TransId, escaped so that the token keeps every character of it.
"""

from __future__ import annotations

import re

_ESCAPES = str.maketrans({"%": "%25", "+": "%2B", "\t": "%09", "\r": "%0D", "\n": "%0A", " ": "+"})
# no control characters but those that XML has
_ID = re.compile(r"([0-9]{4})((?:[^%]|%(?:0[9AaDd]|[2-9A-Fa-f][0-9A-Fa-f]))*)", re.DOTALL)
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")


class NotAMessageId(ValueError):
    """The text was not made by ``message_id``."""


def message_id(registrar_id: int, trans_id: str) -> str:
    """The token for a message.

    >>> message_id(1, "srsrps-1_376 ")
    '0001srsrps-1_376+'
    """
    return f"{registrar_id:04}{trans_id.translate(_ESCAPES)}"


def parse_message_id(text: str) -> tuple[int, str]:
    """The registrar and the TransId, as they were. NotAMessageId.

    >>> parse_message_id("0001srsrps-1_376+")
    (1, 'srsrps-1_376 ')
    """
    found = _ID.fullmatch(text)
    if not found:
        raise NotAMessageId("a msgID is four digits and what the registry named the message")
    trans_id = _ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), found[2].replace("+", " "))
    return int(found[1]), trans_id
