"""``<domain:info>`` (RFC 5731 section 3.1.2): one transaction.

domain:name  ->  Whois FullResult="0": is there such a domain at all?
                 DomainDetailsQry: what it is, if it is the sender's own
authInfo     ->  UDAIValidQry @UDAI

The SRS does not tell who sponsors another registrar's domain, and infData can't be without clID: such a
domain is 2201, also with valid authInfo.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from srs_epp.commands import dnssec
from srs_epp.commands.domain.record import info_data
from srs_epp.commands.domain.udai import is_udai
from srs_epp.commands.mapping import Context, Mapping, handles
from srs_epp.commands.statuses import rgp_statuses, statuses
from srs_epp.epp import rgp, secdns
from srs_epp.epp.domain import Info
from srs_epp.epp.markup import Markup
from srs_epp.epp.namespaces import DOMAIN, RGP, SECDNS
from srs_epp.epp.reader import Command
from srs_epp.epp.results import AuthorizationError, InvalidAuthInfo, ObjectDoesNotExist
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import Action, DomainDetailsQry, UDAIValidQry, Whois
from srs_epp.srs.results import AVAILABLE, Domain

FIELDS = (
    "Status",
    "Delegate",
    "RegistrarId",
    "NameServers",
    "DNSSEC",
    "RegistrantContact",
    "AdminContact",
    "TechnicalContact",
    "RegisteredDate",
    "BilledUntil",
    "CancelledDate",
    "LockedDate",
    "EffectiveFrom",
    "AuditText",
    "ChangedByRegistrarId",
)


@handles("info", DOMAIN)
def info_domain(command: Command, context: Context) -> Mapping:
    """2303 no such domain; 2202 authInfo is wrong; 2201 another registrar's."""
    assert command.payload is not None
    order = Info.read(command.payload)
    questions: list[Action] = [Whois(order.name, full=False), DomainDetailsQry(order.name, FIELDS)]
    if order.auth_info is not None and is_udai(order.auth_info):
        questions.append(UDAIValidQry(order.name, order.auth_info))
    found, details, *validity = yield questions
    known, domain = found.domain, details.domain
    if known is None or known.status == AVAILABLE:
        raise ObjectDoesNotExist(value=order.name)
    if order.auth_info is not None and not any(answer.udai_valid for answer in validity):
        raise InvalidAuthInfo()
    if domain is None:
        raise AuthorizationError(value=order.name)
    with_servers = order.hosts in ("all", "del")
    return Response(
        1000,
        data=(info_data(domain, context, statuses(domain), with_servers=with_servers).markup(),),
        extensions=tuple(_extensions(domain, details.time, context)),
    )


def _extensions(domain: Domain, now: datetime | None, context: Context) -> list[Markup]:
    chosen = context.services.extensions
    extensions = []
    records = dnssec.to_epp(domain.ds) if SECDNS in chosen else ()
    if records:
        extensions.append(secdns.info_data(records))
    if RGP in chosen:
        grace = timedelta(seconds=context.config.grace_period)
        # by the registry's clock, which decides when the grace period ends
        found = rgp_statuses(domain, now or datetime.now(UTC), grace)
        if found:
            extensions.append(rgp.info_data(found))
    return extensions
