"""Whose domain is it? The SRS does not say, but what it refuses tells."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from srs_epp.commands.errors import translate
from srs_epp.epp.results import AuthorizationError, EppError, ObjectDoesNotExist
from srs_epp.srs.actions import Action, Whois
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import AVAILABLE, Result


def refused(error: SRSError, name: str) -> EppError:
    """The error of a DomainUpdate: 2201 where a UDAI is missed, for only a stranger's update needs one."""
    if error.error_id == "MISSING_MANDATORY_FIELD" and error.details[:1] == ("UDAI",):
        return AuthorizationError(value=name)
    return translate(error)


def refuse_other_sponsor(name: str) -> Generator[Sequence[Action], Sequence[Result], None]:
    """Of a domain that DomainDetailsQry has not shown: 2303 where there is none, else 2201."""
    [found] = yield [Whois(name, full=False)]
    if found.domain is None or found.domain.status == AVAILABLE:
        raise ObjectDoesNotExist(value=name)
    raise AuthorizationError(value=name)
