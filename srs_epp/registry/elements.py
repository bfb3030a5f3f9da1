"""The elements of the registry's responses, which it keeps as trees."""

from __future__ import annotations

from lxml import etree

from srs_epp.srs.values import Element


def make(name: str, **attributes: str | bool | int | None) -> Element:
    """An element with these attributes; None leaves one out, True and False become 1 and 0."""
    element = etree.Element(name)
    for key, value in attributes.items():
        if value is not None:
            element.set(key, str(int(value)) if isinstance(value, bool) else str(value))
    return element
