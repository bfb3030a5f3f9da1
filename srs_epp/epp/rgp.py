"""The registry grace period extension, RFC 3915: restore, and the data of responses."""

from __future__ import annotations

from collections.abc import Iterable

from srs_epp.epp.markup import Markup
from srs_epp.epp.namespaces import RGP
from srs_epp.epp.results import Element
from srs_epp.tree import child


def restore_operation(update: Element) -> str:
    """The ``op`` of an ``<rgp:update>``, section 4.2.5: "request" or "report"."""
    restore = child(update, RGP("restore"))
    assert restore is not None
    return restore.get("op", "").strip()


def info_data(statuses: Iterable[str]) -> Markup:
    """``<rgp:infData>``, section 4.1.1."""
    data = Markup(RGP, "infData")
    for status in statuses:
        data.add("rgpStatus", s=status)
    return data
