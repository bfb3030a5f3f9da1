"""``<domain:check>`` (RFC 5731 section 3.1.1): one Whois a name.

domain:name                ->  Whois @DomainName, FullResult="0"
Status Available           ->  avail="1"
another Status, or a name  ->  avail="0" with a reason
that can't be registered
"""

from __future__ import annotations

from srs_epp.commands.errors import kind_of
from srs_epp.commands.mapping import Ask, Context, Mapping, handles
from srs_epp.epp.domain import check_data, read_names
from srs_epp.epp.namespaces import DOMAIN
from srs_epp.epp.reader import Command
from srs_epp.epp.results import PolicyError
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import Whois
from srs_epp.srs.results import ACTIVE, AVAILABLE, PENDING_RELEASE, Result

MOST_NAMES = 100
LONGEST_REASON = 32  # eppcom:reasonBaseType

_REASONS = {ACTIVE: "Registered", PENDING_RELEASE: "Pending release"}
# a name that the registry refuses to look up for what it is can't be registered; other errors are faults
_UNREGISTRABLE = frozenset({2005, 2201, *range(2302, 2309)})


@handles("check", DOMAIN)
def check_domain(command: Command, _context: Context) -> Mapping:
    """2306 more than 100 names; the first error that is not about a name fails the command."""
    assert command.payload is not None
    names = read_names(command.payload)
    if len(names) > MOST_NAMES:
        raise PolicyError(f"at most {MOST_NAMES} names in one check", value=str(len(names)))
    results = yield Ask([Whois(name, full=False) for name in names], settle=True)
    answers = [(name, _objection(result)) for name, result in zip(names, results, strict=True)]
    return Response(1000, data=(check_data(answers),))


def _objection(result: Result) -> str | None:
    """Why the name can't be registered; None where it can."""
    if result.error is not None:
        if kind_of(result.error).code not in _UNREGISTRABLE:
            raise result.error
        return shorten(result.error.description) or "Not available"
    domain = result.domain
    status = (domain.status if domain is not None else None) or "Not available"
    return None if status == AVAILABLE else shorten(_REASONS.get(status, status))


def shorten(text: str) -> str:
    """``text`` in at most 32 characters, cut at the end of a word where there is one.

    >>> shorten("The domain name is not under a managed zone")
    'The domain name is not under a'
    """
    text = " ".join(text.split())
    if len(text) <= LONGEST_REASON:
        return text
    return text[: LONGEST_REASON + 1].rsplit(" ", 1)[0][:LONGEST_REASON]
