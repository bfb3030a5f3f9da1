"""``<domain:update>`` (RFC 5731 section 3.2.5): one DomainUpdate, after a look where lists change.

domain:add, rem of ns      ->  NameServers, the whole list
domain:add, rem of contact ->  AdminContact, TechnicalContact @HandleId; removed: an empty element
clientHold added, removed  ->  @Delegate 0, 1
domain:chg/registrant      ->  RegistrantContact/@HandleId
domain:chg/authInfo        ->  @NewUDAI: the registry makes the UDAI, and delivers it by poll
secDNS:update              ->  DNSSEC, the whole list
rgp:update                 ->  a restore: see restore.py

The SRS replaces lists, EPP adds and removes: so the present ones are asked for first, and sessions take
turns. Removals go before additions; what stays keeps its place.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import nullcontext

from srs_epp.commands import dnssec, nameservers
from srs_epp.commands.domain import contacts
from srs_epp.commands.domain.restore import restore_domain
from srs_epp.commands.domain.sponsorship import refuse_other_sponsor, refused
from srs_epp.commands.mapping import Context, Mapping, handles
from srs_epp.commands.statuses import CLIENT_HOLD
from srs_epp.epp import secdns
from srs_epp.epp.domain import Update
from srs_epp.epp.namespaces import DOMAIN, RGP, SECDNS
from srs_epp.epp.reader import Command
from srs_epp.epp.results import (
    CommandUseError,
    ObjectDoesNotExist,
    PolicyError,
    RequiredParameterMissing,
    UnimplementedOption,
)
from srs_epp.epp.writer import Response
from srs_epp.epp.xml import token
from srs_epp.srs.actions import Action, DomainDetailsQry, DomainUpdate
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import Domain, Result


@handles("update", DOMAIN, stalls=True, extensions=[SECDNS("update"), RGP("update")])
def update_domain(command: Command, context: Context) -> Mapping:
    """2003 nothing to do; 2002, 2102, 2306 what can't be; 2201 another registrar's; 2303 no such domain."""
    assert command.payload is not None
    order = Update.read(command.payload)
    extension, restore = command.extension(SECDNS("update")), command.extension(RGP("update"))
    if restore is not None:
        if order or extension is not None:
            raise PolicyError("restore cannot be combined with other changes", value=restore)
        return (yield from restore_domain(order.name, restore, context.action_id(command)))
    signing = secdns.Update.read(extension) if extension is not None else secdns.NO_UPDATE
    _check(order, signing)
    fields = _listed(order, signing)
    with context.turn(order.name) if fields else nullcontext():
        present = (yield from _present(order.name, fields)) if fields else None
        try:
            [changed] = yield [_change(order, signing, present, context, context.action_id(command))]
        except SRSError as error:
            raise refused(error, order.name) from None
    if changed.domain is None:
        raise ObjectDoesNotExist(value=order.name)
    return Response(1000)


def _check(order: Update, signing: secdns.Update) -> None:
    """What can be refused without a look at the domain."""
    if not order and not signing:
        raise RequiredParameterMissing("nothing to update")
    added = {status.get("s", "").strip() for status in order.add.statuses}
    for status in (*order.add.statuses, *order.rem.statuses):
        if status.get("s", "").strip() != CLIENT_HOLD:
            raise UnimplementedOption("Adding or removing this status is not allowed", value=status)
    for status in order.rem.statuses:
        if status.get("s", "").strip() in added:
            raise CommandUseError("Cannot add and remove the same status", value=status)
    for changes in (order.add, order.rem):
        contacts.one_of_each(changes.contacts)
    if order.registrant is not None and not token(order.registrant):
        raise PolicyError("registrant cannot be removed", value=order.registrant)
    for changes in (order.add, order.rem):
        nameservers.to_srs(changes.servers, changes.host_objects)
    dnssec.check(signing)


def _listed(order: Update, signing: secdns.Update) -> tuple[str, ...]:
    """The fields of a Domain that are lists to the client, and change."""
    fields = []
    if order.add.servers or order.rem.servers:
        fields.append("NameServers")
    kinds = {contact.type for contact in (*order.add.contacts, *order.rem.contacts)}
    fields += [field for kind, field in contacts.FIELDS.items() if kind in kinds]
    if signing:
        fields.append("DNSSEC")
    return tuple(fields)


def _present(
    name: str, fields: tuple[str, ...]
) -> Generator[Sequence[Action], Sequence[Result], Domain | None]:
    """The domain with these fields, as it is now."""
    [details] = yield [DomainDetailsQry(name, fields)]
    if details.domain is None:
        yield from refuse_other_sponsor(name)
    return details.domain


def _change(
    order: Update, signing: secdns.Update, present: Domain | None, context: Context, action_id: str
) -> DomainUpdate:
    found = contacts.changed(order.rem.contacts, order.add.contacts, present) if present else {}
    servers = ds = None
    if present and (order.add.servers or order.rem.servers):
        servers = nameservers.changed(present.servers, order.rem.servers, order.add.servers)
    if present and signing:
        ds = dnssec.changed(present.ds, signing)
    return DomainUpdate(
        action_id=action_id,
        name=order.name,
        cancel=False if context.config.restore_on_update else None,
        delegate=_delegate(order),
        new_udai=True if order.new_auth_info else None,
        registrant=token(order.registrant) if order.registrant is not None else None,
        admin=found.get("admin"),
        tech=found.get("tech"),
        servers=servers,
        ds=ds,
    )


def _delegate(order: Update) -> bool | None:
    """clientHold keeps a domain out of the zone; after _check there is no other status."""
    if order.add.statuses:
        return False
    return True if order.rem.statuses else None
