"""The registry grace period extension, RFC 3915: the data of its responses."""

from __future__ import annotations

from collections.abc import Iterable

from srs_epp.epp.namespaces import RGP
from srs_epp.epp.results import Element
from srs_epp.epp.xml import add, start


def info_data(statuses: Iterable[str]) -> Element:
    """``<rgp:infData>``, section 4.1.1."""
    data = start(RGP, "infData")
    for status in statuses:
        add(data, RGP("rgpStatus"), s=status)
    return data
