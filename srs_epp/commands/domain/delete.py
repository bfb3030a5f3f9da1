"""``<domain:delete>`` (RFC 5731 section 3.2.2): DomainUpdate Cancel="1"."""

from __future__ import annotations

from srs_epp.commands.domain.sponsorship import refused
from srs_epp.commands.mapping import Context, Mapping, handles
from srs_epp.epp.domain import read_name
from srs_epp.epp.namespaces import DOMAIN
from srs_epp.epp.reader import Command
from srs_epp.epp.results import ObjectDoesNotExist
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import DomainUpdate
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import AVAILABLE


@handles("delete", DOMAIN)
def delete_domain(command: Command, context: Context) -> Mapping:
    """1000 gone, 1001 pendingDelete; 2303 no such domain; 2201 another registrar's."""
    assert command.payload is not None
    name = read_name(command.payload)
    try:
        [cancelled] = yield [
            DomainUpdate(action_id=context.action_id(command), name=name, cancel=True, full=False)
        ]
    except SRSError as error:
        raise refused(error, name) from None
    if cancelled.domain is None:
        raise ObjectDoesNotExist(value=name)
    return Response(1000 if cancelled.domain.status == AVAILABLE else 1001)
