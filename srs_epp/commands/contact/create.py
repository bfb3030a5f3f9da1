"""``<contact:create>`` (RFC 5733 section 3.2.1): one HandleCreate.

clTRID, else svTRID       ->  @ActionId
contact:id                ->  @HandleId
contact:postalInfo        ->  @Name, PostalAddress
contact:voice, fax        ->  Phone, Fax
contact:email             ->  @Email
contact:disclose          ->  @Privacy
contact:authInfo          ->  nothing: the SRS's handles have none
"""

from __future__ import annotations

from srs_epp.commands import addresses
from srs_epp.commands.contact.rules import not_blank, only_postal_info, privacy
from srs_epp.commands.mapping import Context, Mapping, handles
from srs_epp.epp.contact import Create, create_data
from srs_epp.epp.namespaces import CONTACT
from srs_epp.epp.reader import Command
from srs_epp.epp.results import CommandFailed, PolicyError
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import HandleCreate


@handles("create", CONTACT)
def create_contact(command: Command, context: Context) -> Mapping:
    """2306 for what the SRS does not have; 2308 for what it can't withhold; others: commands.errors."""
    assert command.payload is not None
    order = Create.read(command.payload)
    info = only_postal_info(order.postal_infos)
    assert info is not None
    assert info.name is not None
    assert info.address is not None
    address = addresses.address_to_srs(info.address)
    if order.voice is None:
        raise PolicyError("Voice phone number must be provided")
    voice = not_blank(order.voice)
    [created] = yield [
        HandleCreate(
            action_id=context.action_id(command),
            handle_id=order.id,
            name=info.name,
            email=order.email,
            address=address,
            phone=addresses.phone_to_srs(voice),
            fax=addresses.phone_to_srs(order.fax) if order.fax and order.fax.number else None,
            privacy=privacy(order.disclose),
        )
    ]
    if not created.handles or created.time is None:
        raise CommandFailed("the registry's answer holds no handle")
    return Response(1000, data=(create_data(order.id, created.time),))
