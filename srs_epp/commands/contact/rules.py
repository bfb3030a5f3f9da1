"""What create and update of a contact have in common: the rules for what the SRS does not have."""

from __future__ import annotations

from lxml import etree

from srs_epp.epp.contact import Disclose, Phone, PostalInfo
from srs_epp.epp.results import PolicyError, PolicyViolation

WITHHELD = ("addr", "voice", "fax")  # what Privacy="1" keeps from the public


def only_postal_info(infos: tuple[PostalInfo, ...]) -> PostalInfo | None:
    """The one postal info that a handle can have; 2306 for two, and for one with an organisation."""
    if len(infos) > 1:
        raise PolicyError("Only one postal info element per contact supported", value=infos[1].type)
    for info in infos:
        if info.organisation is not None:
            raise PolicyError("org field not supported", value=info.organisation)
        return info
    return None


def not_blank(voice: Phone) -> Phone:
    """2306 where there is no number in it."""
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
