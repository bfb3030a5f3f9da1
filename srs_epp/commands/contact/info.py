"""``<contact:info>`` (RFC 5733 section 3.1.2): one HandleDetailsQry.

contact:id        ->  HandleIdFilter
contact:authInfo  ->  2102: the SRS's handles have none
"""

from __future__ import annotations

from srs_epp.commands import addresses
from srs_epp.commands.identifiers import CONTACT_SUFFIX, ID_LENGTH, roid
from srs_epp.commands.mapping import Context, Mapping, handles, registrar_name
from srs_epp.epp.contact import InfoData, read_id
from srs_epp.epp.namespaces import CONTACT
from srs_epp.epp.reader import Command
from srs_epp.epp.results import CommandFailed, ObjectDoesNotExist, UnimplementedOption
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import HandleDetailsQry
from srs_epp.srs.results import Handle
from srs_epp.tree import child


@handles("info", CONTACT)
def info_contact(command: Command, context: Context) -> Mapping:
    """2102 authInfo given; 2303 no such contact of this registrar's."""
    assert command.payload is not None
    if child(command.payload, CONTACT("authInfo")) is not None:
        raise UnimplementedOption("contacts have no authInfo", value="authInfo")
    handle_id = read_id(command.payload)
    [found] = yield [HandleDetailsQry((handle_id,))]
    if not found.handles:
        raise ObjectDoesNotExist(value=handle_id)
    return Response(1000, data=(info_data(found.handles[0], context).markup(),))


def info_data(handle: Handle, context: Context) -> InfoData:
    """The contact of a record in EPP's terms."""
    contact, audit = handle.contact, handle.audit
    handle_id = contact.handle_id or ""
    if handle.created is None or len(handle_id) not in ID_LENGTH or not contact.email:
        raise CommandFailed("the registry's answer holds no whole handle")
    changed = audit.effective_from if audit and audit.effective_from != handle.created else None
    updater = audit.registrar_id if audit and changed else None
    sponsor = handle.registrar_id if handle.registrar_id is not None else context.registrar
    return InfoData(
        id=handle_id,
        roid=roid(f"{sponsor}{handle_id}", CONTACT_SUFFIX),
        postal_info=addresses.postal_info_to_epp(contact.name or "", contact.address),
        voice=addresses.phone_to_epp(contact.phone),
        fax=addresses.phone_to_epp(contact.fax),
        email=contact.email,
        client_id=registrar_name(sponsor or 0),
        created=handle.created,
        updater_id=registrar_name(updater) if updater is not None else None,
        updated=changed,
        private=contact.privacy is True,
    )
