"""What stands before TLS: a PROXY header, perhaps cut off, perhaps not one at all."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from srs_epp.daemon.proxy import LONGEST, Header, NotProxied, parse
from tests.daemon.test_proxy import INVALID, VALID


def seeds() -> Iterator[bytes]:
    """Every form of header, and everything that is none."""
    yield from VALID
    yield from INVALID


def check(octets: bytes) -> None:
    whole = _outcome(octets)
    if isinstance(whole, Header):
        assert 0 < whole.length <= min(len(octets), LONGEST)
        assert (whole.address is None) == (whole.port is None)
        if whole.address is not None and whole.port is not None:
            assert str(ipaddress.ip_address(whole.address)) == whole.address
            assert 0 <= whole.port <= 65535
            assert not whole.local
        # what comes behind it changes nothing
        assert _outcome(octets[: whole.length]) == whole
        assert _outcome(octets + b"\r\n\x16") == whole
    elif whole is None:
        assert len(octets) < LONGEST
    _assert_sooner_or_later(octets, whole)


def _outcome(octets: bytes) -> Header | str | None:
    """The header; the text of a refusal; None for one that is not whole."""
    try:
        return parse(octets)
    except NotProxied as refusal:
        reason = str(refusal)
    assert reason.isprintable()
    return reason


def _assert_sooner_or_later(octets: bytes, whole: Header | str | None) -> None:
    """What may still become a header is not refused, and what is refused stays so whatever comes."""
    refused = False
    for length in {1, 12, 13, 14, 16, len(octets) // 2, len(octets) - 1}:
        if not 0 <= length < len(octets):
            continue
        part = _outcome(octets[:length])
        if isinstance(whole, Header) and length < whole.length:
            assert part is None, f"{length} octets of a header: {part}"
        refused = refused or isinstance(part, str)
    assert not refused or isinstance(whole, str), "its beginning is refused, the whole is not"
