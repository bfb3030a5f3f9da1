"""Restore by ``<rgp:update>`` (RFC 3915 section 4.2.5): Whois, then DomainUpdate Cancel="0".

The domain is active at once and no report is awaited: so there is no rgp:upData.
"""

from __future__ import annotations

from srs_epp.commands.domain.sponsorship import refused
from srs_epp.commands.mapping import Mapping
from srs_epp.epp.results import Element, ObjectDoesNotExist, StatusProhibits
from srs_epp.epp.rgp import restore_operation
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import DomainUpdate, Whois
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import AVAILABLE, PENDING_RELEASE


def restore_domain(name: str, update: Element, action_id: str) -> Mapping:
    """2304 where nothing is to be restored, or reported; 2303 no such domain; 2201 another registrar's."""
    if restore_operation(update) == "report":
        raise StatusProhibits("no restore is pending", value=name)
    [found] = yield [Whois(name, full=False)]
    if found.domain is None or found.domain.status == AVAILABLE:
        raise ObjectDoesNotExist(value=name)
    if found.domain.status != PENDING_RELEASE:
        raise StatusProhibits("domain is not pending release", value=name)
    try:
        [restored] = yield [DomainUpdate(action_id=action_id, name=name, cancel=False)]
    except SRSError as error:
        raise refused(error, name) from None
    if restored.domain is None:
        raise ObjectDoesNotExist(value=name)
    return Response(1000)
