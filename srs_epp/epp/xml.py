"""The small steps of reading EPP's values, and of writing them."""

from __future__ import annotations

from datetime import UTC, datetime

from srs_epp.epp.results import Element


def token(element: Element | None) -> str:
    """The element's text as XML Schema's token has it: trimmed, runs of white space become one space."""
    text = element.text if element is not None else None
    if text is None:
        return ""
    return " ".join(text.split()) if text.isascii() else collapsed(text)


def collapsed(text: str | None) -> str:
    """The same of a text. White space is XML's: a no-break space is a character like any other."""
    if text is None:
        return ""
    return " ".join([word for word in text.translate(_BLANKS).split(" ") if word])


def normalized(element: Element | None) -> str:
    """The element's text as XML Schema's normalizedString has it, trimmed besides."""
    text = (element.text or "") if element is not None else ""
    return text.translate(_BLANKS).strip(" ")


_BLANKS = {ord(blank): " " for blank in "\t\r\n"}


def boolean(text: str | None) -> bool:
    """The value of an xs:boolean that the schema has let pass."""
    return (text or "").strip() in ("1", "true")


def utc(moment: datetime) -> str:
    """``YYYY-MM-DDThh:mm:ssZ``: RFC 5730 section 2.4 wants UTC.

    >>> utc(datetime.fromisoformat("2019-03-05T09:07:02+13:00"))
    '2019-03-04T20:07:02Z'
    """
    # strftime() writes a year before 1000 with less than four digits
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
