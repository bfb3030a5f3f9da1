"""``<domain:info>`` (RFC 5731 section 3.1.2): one transaction.

domain:name  ->  Whois FullResult="0": is there such a domain at all?
                 DomainDetailsQry: what it is, if it is the sender's own
authInfo     ->  UDAIValidQry @UDAI

The SRS does not tell who sponsors another registrar's domain, and infData can't be without clID: such a
domain is 2201, also with valid authInfo.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from srs_epp.commands import dnssec, nameservers
from srs_epp.commands.identifiers import DOMAIN_SUFFIX, roid
from srs_epp.commands.mapping import Context, Mapping, handles, registrar_name
from srs_epp.commands.statuses import rgp_statuses, statuses
from srs_epp.epp import rgp, secdns
from srs_epp.epp.domain import ContactReference, Info, InfoData
from srs_epp.epp.namespaces import DOMAIN, RGP, SECDNS
from srs_epp.epp.reader import Command
from srs_epp.epp.results import AuthorizationError, Element, InvalidAuthInfo, ObjectDoesNotExist
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import Action, DomainDetailsQry, UDAIValidQry, Whois
from srs_epp.srs.results import AVAILABLE, PENDING_RELEASE, Domain

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
    if order.auth_info is not None:
        questions.append(UDAIValidQry(order.name, order.auth_info))
    found, details, *validity = yield questions
    if found.domain is None or found.domain.status == AVAILABLE:
        raise ObjectDoesNotExist(value=order.name)
    if validity and not validity[0].udai_valid:
        raise InvalidAuthInfo()
    if details.domain is None:
        raise AuthorizationError(value=order.name)
    domain = details.domain
    with_servers = order.hosts in ("all", "del")
    return Response(
        1000,
        data=(info_data(domain, context, with_servers=with_servers).element(),),
        extensions=tuple(_extensions(domain, context)),
    )


def info_data(domain: Domain, context: Context, *, with_servers: bool) -> InfoData:
    """The domain of a record in EPP's terms."""
    audit = domain.audit
    changed = audit.effective_from if audit and audit.effective_from != domain.registered else None
    sponsor = domain.registrar_id if domain.registrar_id is not None else context.registrar
    updater = audit.registrar_id if audit and changed else None
    return InfoData(
        name=domain.name,
        roid=roid(domain.name, DOMAIN_SUFFIX),
        statuses=statuses(domain),
        client_id=registrar_name(sponsor or 0),
        registrant=domain.registrant.handle_id if domain.registrant else None,
        contacts=tuple(_contacts(domain)),
        servers=nameservers.to_epp(domain.servers) if with_servers else (),
        created=domain.registered,
        updater_id=registrar_name(updater) if updater is not None else None,
        updated=changed,
        expires=domain.cancelled if domain.status == PENDING_RELEASE else domain.billed_until,
        auth_info=domain.udai,
    )


def _contacts(domain: Domain) -> list[ContactReference]:
    named = (("admin", domain.admin), ("tech", domain.tech))
    return [
        ContactReference(kind, contact.handle_id) for kind, contact in named if contact and contact.handle_id
    ]


def _extensions(domain: Domain, context: Context) -> list[Element]:
    chosen = context.services.extensions
    extensions = []
    if SECDNS in chosen and domain.ds:
        extensions.append(secdns.info_data(dnssec.to_epp(domain.ds)))
    if RGP in chosen:
        grace = timedelta(seconds=context.config.grace_period)
        found = rgp_statuses(domain, datetime.now(UTC), grace)
        if found:
            extensions.append(rgp.info_data(found))
    return extensions
