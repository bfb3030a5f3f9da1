"""``<domain:transfer op="request">`` (RFC 5731 section 3.2.4): one transaction, done at once.

domain:authInfo  ->  DomainUpdate @UDAI, ConvertContactsToHandles="1"
domain:period    ->  Renew="1" Term Cancel="0"
(first)          ->  Whois FullResult="0": is there such a domain at all?

The SRS has no pending transfers: other ops have nothing to act on.
"""

from __future__ import annotations

from datetime import datetime

from srs_epp.commands.domain.record import shown_name
from srs_epp.commands.domain.udai import is_udai
from srs_epp.commands.mapping import Context, Mapping, handles, registrar_name
from srs_epp.epp.domain import Transfer, transfer_data
from srs_epp.epp.namespaces import DOMAIN
from srs_epp.epp.reader import Command
from srs_epp.epp.results import (
    CommandFailed,
    InvalidAuthInfo,
    NotEligibleForTransfer,
    ObjectDoesNotExist,
    RequiredParameterMissing,
    UnimplementedOption,
)
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import DomainUpdate, Whois
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import AVAILABLE, PENDING_RELEASE, Domain


@handles("transfer", DOMAIN)
def transfer_domain(command: Command, context: Context) -> Mapping:
    """2102 another op; 2202 wrong authInfo; 2303 no such domain; 2106 ours already."""
    assert command.payload is not None
    assert command.element is not None
    operation = command.element.get("op", "").strip()
    if operation != "request":
        raise UnimplementedOption("only op='request' is supported", value=operation)
    order = Transfer.read(command.payload)
    if order.auth_info is None:
        raise RequiredParameterMissing("domain:authInfo is missing", value="domain:authInfo")
    if not is_udai(order.auth_info):
        raise InvalidAuthInfo()
    try:
        found, transferred = yield [
            Whois(order.name, full=False),
            DomainUpdate(
                action_id=context.action_id(command),
                name=order.name,
                udai=order.auth_info,
                convert_contacts=True,
                renew=True if order.months else None,
                term=order.months,
                cancel=False if order.months else None,
            ),
        ]
    except SRSError as error:
        if error.error_id == "CONVERT_TO_HANDLES_ONLY_FOR_TRANSFER":
            text = "Cannot transfer a domain you already own"
            raise NotEligibleForTransfer(text, value=order.name) from None
        raise
    domain = transferred.domain
    if found.domain is None or found.domain.status == AVAILABLE or domain is None:
        raise ObjectDoesNotExist(value=order.name)
    if domain.audit is None or domain.audit.effective_from is None:
        raise CommandFailed("the registry's answer does not say when")
    gainer = registrar_name(domain.registrar_id or context.registrar or 0)
    return Response(
        1000,
        data=(
            transfer_data(
                shown_name(domain),
                requester=gainer,
                acting=gainer,
                moment=domain.audit.effective_from,
                expires=domain.billed_until if order.months else _release(domain),
            ),
        ),
    )


def _release(domain: Domain) -> datetime | None:
    return domain.cancelled if domain.status == PENDING_RELEASE else None
