"""DS records: secDNS (RFC 5910) and the SRS's DNSSEC element."""

from __future__ import annotations

from collections.abc import Iterable

from srs_epp.epp.results import PolicyError, UnimplementedOption
from srs_epp.epp.secdns import Create, DSData
from srs_epp.srs.values import DS


def to_srs(order: Create) -> tuple[DS, ...]:
    """2306 for key data, 2102 for a maximum signature life: the SRS has neither."""
    if order.key_data is not None:
        raise PolicyError("keyData not supported", value=order.key_data)
    if order.max_sig_life is not None:
        raise UnimplementedOption("maxSigLife not supported", value=order.max_sig_life)
    return tuple(DS(ds.key_tag, ds.algorithm, ds.digest_type, ds.digest) for ds in order.ds)


def to_epp(records: Iterable[DS]) -> tuple[DSData, ...]:
    return tuple(DSData(ds.key_tag, ds.algorithm, ds.digest_type, ds.digest) for ds in records)
