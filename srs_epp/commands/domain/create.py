"""``<domain:create>`` (RFC 5731 section 3.2.1): one DomainCreate.

clTRID, else svTRID       ->  @ActionId
domain:name               ->  @DomainName
domain:period             ->  @Term, in months
domain:registrant         ->  RegistrantContact/@HandleId
domain:contact            ->  AdminContact/@HandleId, TechnicalContact/@HandleId
domain:ns/domain:hostAttr ->  NameServers
secDNS:create             ->  DNSSEC
domain:authInfo           ->  nothing: the registry makes the UDAI, and delivers it by poll
"""

from __future__ import annotations

from srs_epp.commands import dnssec, nameservers
from srs_epp.commands.domain.contacts import one_of_each
from srs_epp.commands.domain.record import shown_name
from srs_epp.commands.mapping import Context, Mapping, handles
from srs_epp.epp import secdns
from srs_epp.epp.domain import Create, create_data
from srs_epp.epp.namespaces import DOMAIN, SECDNS
from srs_epp.epp.reader import Command
from srs_epp.epp.results import CommandFailed
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import DomainCreate


@handles("create", DOMAIN, extensions=[SECDNS("create")])
def create_domain(command: Command, context: Context) -> Mapping:
    """2102, 2306 for what the SRS does not have; others: see commands.errors."""
    assert command.payload is not None
    order = Create.read(command.payload)
    contacts = one_of_each(order.contacts)
    extension = command.extension(SECDNS("create"))
    [created] = yield [
        DomainCreate(
            action_id=context.action_id(command),
            name=order.name,
            term=order.months or context.config.default_period,
            registrant=order.registrant,
            admin=contacts.get("admin"),
            tech=contacts.get("tech"),
            servers=nameservers.to_srs(order.servers, order.host_objects),
            ds=dnssec.to_srs(secdns.Create.read(extension)) if extension is not None else (),
        )
    ]
    domain = created.domain
    if domain is None or domain.registered is None:
        raise CommandFailed("the registry's answer holds no domain")
    return Response(1000, data=(create_data(shown_name(domain), domain.registered, domain.billed_until),))
