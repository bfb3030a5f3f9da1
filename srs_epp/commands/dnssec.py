"""DS records: secDNS (RFC 5910) and the SRS's DNSSEC element."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from srs_epp.epp.results import CommandUseError, Element, PolicyError, UnimplementedOption
from srs_epp.epp.secdns import Create, DSData, Update
from srs_epp.srs.values import DS

log = logging.getLogger("eppd.mapping")

_HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2})*")


def to_srs(order: Create) -> tuple[DS, ...]:
    """2306 for key data, 2102 for a maximum signature life: the SRS has neither."""
    _check_parts(order.key_data, order.max_sig_life)
    return tuple(map(_record, order.ds))


def to_epp(records: Iterable[DS]) -> tuple[DSData, ...]:
    """Records that EPP can carry; others are left out."""
    return tuple(
        DSData(ds.key_tag, ds.algorithm, ds.digest_type, ds.digest) for ds in records if _presentable(ds)
    )


def _presentable(ds: DS) -> bool:
    numbers = 0 <= ds.key_tag < 65536 and 0 <= ds.algorithm < 256 and 0 <= ds.digest_type < 256
    if numbers and _HEXADECIMAL.fullmatch(ds.digest):
        return True
    log.warning("a DS record is not of the form that secDNS has, and is left out")
    return False


def check(order: Update) -> None:
    """2306 for key data, 2102 for a maximum signature life and for urgent: the SRS has none of them."""
    _check_parts(order.key_data, order.max_sig_life)
    if order.urgent:
        raise UnimplementedOption("urgent not supported", value="urgent")


def changed(present: Iterable[DS], order: Update) -> tuple[DS, ...]:
    """The whole list after the removals and the additions; digests compare without case.

    2002 for one to remove that is not there, and for one to add that is.
    """
    records = {} if order.remove_all else {_key(ds): ds for ds in present}
    for ds in map(_record, order.rem):
        if records.pop(_key(ds), None) is None:
            text = "Attempting to remove DS record which does not exist on the domain"
            raise CommandUseError(text, value=ds.digest)
    for ds in map(_record, order.add):
        if _key(ds) in records:
            raise CommandUseError("already exists on the domain", value=ds.digest)
        records[_key(ds)] = ds
    return tuple(records.values())


def _key(ds: DS) -> tuple[int, int, int, str]:
    return ds.key_tag, ds.algorithm, ds.digest_type, ds.digest.lower()


def _record(ds: DSData) -> DS:
    return DS(ds.key_tag, ds.algorithm, ds.digest_type, ds.digest)


def _check_parts(key_data: Element | None, max_sig_life: Element | None) -> None:
    if key_data is not None:
        raise PolicyError("keyData not supported", value=key_data)
    if max_sig_life is not None:
        raise UnimplementedOption("maxSigLife not supported", value=max_sig_life)
