"""What the registry answers: octets to results, a refusal, or a document that can't be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

from srs_epp.srs.actions import Whois
from srs_epp.srs.errors import SRSError
from srs_epp.srs.recovery import Stored
from srs_epp.srs.results import (
    Domain,
    Handle,
    Message,
    RawRequest,
    RawResponse,
    ResponseUnreadable,
    Result,
    parse,
)
from tests.fuzz.srsdocuments import DOCUMENTS, VALUES
from tests.fuzz.xmlmutator import XMLMutator


def seeds() -> Iterator[bytes]:
    for document in DOCUMENTS.values():
        yield document.encode()


def mutator() -> Callable[[bytes, int, int], bytes]:
    return XMLMutator([document.encode() for document in DOCUMENTS.values()], VALUES)


def check(octets: bytes) -> None:
    refusal = None
    results: list[Result] = []
    try:
        results = parse(octets)
    except ResponseUnreadable as error:
        str(error)  # it goes to the log
    except SRSError as error:
        refusal = error
    if refusal is not None:
        assert refusal.whole
        _assert_told(refusal)
    for result in results:
        _assert_usable(result)


def _assert_usable(result: Result) -> None:
    """Whoever takes a value from it need fear nothing."""
    if result.error is not None:
        assert not result.error.whole
        _assert_told(result.error)
    moments: list[datetime | None] = [result.time]
    for domain in result.all(Domain):
        moments += [domain.registered, domain.billed_until, domain.cancelled, domain.locked]
        moments.append(domain.audit.effective_from if domain.audit else None)
    for handle in result.all(Handle):
        moments.append(handle.created)
    for moment in moments:
        if moment is not None:
            assert moment.astimezone(UTC).year
    for message in result.all(Message):
        _assert_usable(message.result)
    request, response = result.first(RawRequest), result.first(RawResponse)
    if request is not None and response is not None:
        with suppress(ResponseUnreadable):
            Stored(request.xml, response.xml).result_of(Whois("a.nz"))


def _assert_told(error: SRSError) -> None:
    assert isinstance(error.named_details(), list)
    assert isinstance(str(error), str)
