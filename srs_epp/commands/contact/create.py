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

from lxml import etree

from srs_epp.commands import addresses
from srs_epp.commands.mapping import Context, Mapping, handles
from srs_epp.epp.contact import Create, Disclose, Phone, PostalInfo, create_data
from srs_epp.epp.namespaces import CONTACT
from srs_epp.epp.reader import Command
from srs_epp.epp.results import CommandFailed, PolicyError, PolicyViolation
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import HandleCreate

WITHHELD = ("addr", "voice", "fax")  # what Privacy="1" keeps from the public


@handles("create", CONTACT)
def create_contact(command: Command, context: Context) -> Mapping:
    """2306 for what the SRS does not have; 2308 for what it can't withhold; others: commands.errors."""
    assert command.payload is not None
    order = Create.read(command.payload)
    info = only_postal_info(order.postal_infos)
    address = addresses.address_to_srs(info.address)
    voice = required_voice(order.voice)
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
    handle_id = created.handles[0].contact.handle_id or order.id
    return Response(1000, data=(create_data(handle_id, created.time),))


def only_postal_info(infos: tuple[PostalInfo, ...]) -> PostalInfo:
    """The one postal info that a handle can have; 2306 for two, and for one with an organisation."""
    if len(infos) > 1:
        raise PolicyError("Only one postal info element per contact supported", value=infos[1].type)
    [info] = infos
    if info.organisation is not None:
        raise PolicyError("org field not supported", value=info.organisation)
    return info


def required_voice(voice: Phone | None) -> Phone:
    """2306 where there is no number to call."""
    if voice is None:
        raise PolicyError("Voice phone number must be provided")
    if not voice.number:
        raise PolicyError("Voice phone number cannot be blank")
    return voice


def privacy(disclose: Disclose | None) -> bool | None:
    """The Privacy that a disclose preference asks for; None: nothing to say.

    2308 where the client wants something withheld that the SRS shows to everybody.
    """
    if disclose is None:
        return None
    names = {etree.QName(element).localname: element for element in disclose.elements}
    if not disclose.flag:
        for name, element in names.items():
            if name not in WITHHELD:
                raise PolicyViolation(f"{name} can't be withheld", value=element)
        return True if names else None
    return False if any(name in WITHHELD for name in names) else None
