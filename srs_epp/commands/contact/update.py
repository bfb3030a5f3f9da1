"""``<contact:update>`` (RFC 5733 section 3.2.5): one HandleUpdate.

contact:chg/postalInfo  ->  @Name, PostalAddress: a given address replaces the whole of the old one
contact:chg/voice, fax  ->  Phone, Fax; an empty fax: an empty element
contact:chg/email       ->  @Email
contact:chg/disclose    ->  @Privacy
contact:chg/authInfo    ->  nothing: the SRS's handles have none
"""

from __future__ import annotations

from dataclasses import replace

from srs_epp.commands import addresses
from srs_epp.commands.contact.rules import not_blank, only_postal_info, privacy
from srs_epp.commands.mapping import Context, Mapping, handles
from srs_epp.epp.contact import PostalInfo, Update
from srs_epp.epp.namespaces import CONTACT
from srs_epp.epp.reader import Command
from srs_epp.epp.results import RequiredParameterMissing, UnimplementedOption
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import HandleUpdate
from srs_epp.srs.values import PostalAddress


@handles("update", CONTACT)
def update_contact(command: Command, context: Context) -> Mapping:
    """2003 nothing to do; 2102 statuses, or authInfo alone; 2306, 2308 as in create; 2303 no such contact."""
    assert command.payload is not None
    order = Update.read(command.payload)
    if order.statuses:
        raise UnimplementedOption("statuses are not supported", value=order.statuses[0])
    if not order:
        if order.auth_info is not None:
            raise UnimplementedOption("contacts have no authInfo", value="contact:authInfo")
        raise RequiredParameterMissing("nothing to update")
    info = only_postal_info(order.postal_infos)
    address = _address(info) if info else None
    voice = not_blank(order.voice) if order.voice else None
    fax = order.fax if order.fax and order.fax.number else None
    yield [
        HandleUpdate(
            action_id=context.action_id(command),
            handle_id=order.id,
            name=info.name if info else None,
            email=order.email,
            address=address,
            phone=addresses.phone_to_srs(voice) if voice else None,
            fax=addresses.phone_to_srs(fax) if fax else None,
            clear_fax=order.fax is not None and fax is None,
            privacy=privacy(order.disclose),
        )
    ]
    return Response(1000)


def _address(info: PostalInfo) -> PostalAddress | None:
    """The whole address; parts that are not given are sent empty, which clears them."""
    if info.address is None:
        return None
    address = addresses.address_to_srs(info.address)
    return replace(
        address,
        address2=address.address2 or "",
        province=address.province or "",
        postal_code=address.postal_code or "",
    )
