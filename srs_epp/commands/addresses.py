"""Postal addresses and telephone numbers: EPP's contact mapping (RFC 5733) and the SRS's handles."""

from __future__ import annotations

import logging
import re

from srs_epp.epp import contact as epp
from srs_epp.epp.results import CommandFailed, PolicyError
from srs_epp.srs import values as srs

log = logging.getLogger("eppd.mapping")

MOST_STREETS = 2  # Address1 and Address2
LONGEST_POSTAL_CODE = 16  # contact:pcType
LONGEST_NUMBER = 17  # contact:e164StringType, which its pattern alone would not keep to
LONGEST_LINE = 255  # contact:postalLineType

_E164 = re.compile(r"\+[0-9]{1,3}\.[0-9]{1,14}")
_BLANKS = re.compile(r"[\s.-]+")
_LEADING_NUMBER = re.compile(r"[0-9\s.-]*")


def address_to_srs(address: epp.Address) -> srs.PostalAddress:
    """2306 where the streets are none, all empty, or three."""
    streets = [street for street in address.streets if street]
    if not streets or len(address.streets) > MOST_STREETS:
        raise PolicyError("At least 1 and no more than 2 street lines must be supplied in the address")
    return srs.PostalAddress(
        address1=streets[0],
        address2=streets[1] if len(streets) > 1 else None,
        city=address.city,
        province=address.province,
        postal_code=address.postal_code,
        country_code=address.country_code,
    )


def phone_to_srs(phone: epp.Phone) -> srs.Phone:
    """``+64.41234567`` becomes 64, "", 41234567: EPP does not tell the area code apart."""
    country, local = phone.number.removeprefix("+").split(".", 1)
    extension = f"x{phone.extension}" if phone.extension else ""
    return srs.Phone(country, "", local + extension)


def phone_to_epp(phone: srs.Phone | None) -> epp.Phone | None:
    """``64 / 4 / "123-456 ext 1"`` becomes ``+64.4123456``, x="ext 1". None where it makes no E.164 number.

    >>> phone_to_epp(srs.Phone("64", "4", "123-456 ext 1"))
    Phone(number='+64.4123456', extension='ext 1')
    >>> phone_to_epp(srs.Phone("64", "", "41234567x12"))
    Phone(number='+64.41234567', extension='12')
    """
    if phone is None:
        return None
    leading = _LEADING_NUMBER.match(phone.local_number)
    digits = leading.group() if leading else ""
    number = f"+{phone.country_code}.{_BLANKS.sub('', phone.area_code + digits)}"
    if len(number) > LONGEST_NUMBER or not _E164.fullmatch(number):
        log.warning("a telephone number makes no E.164 number and is left out")
        return None
    rest = phone.local_number[len(digits) :]
    return epp.Phone(number, rest.removeprefix("x").strip(" ") or None)


def postal_info_to_epp(name: str, address: srs.PostalAddress | None) -> epp.PostalInfo:
    """Type "int" where all the text is ASCII, else "loc"; parts that EPP can't carry are left out.

    2400 where a part is missing without which EPP has no postal info.
    """
    parts = address or srs.PostalAddress(None, None, None)
    if not (name and parts.city and parts.country_code and len(parts.country_code) == 2):
        raise CommandFailed("the registry has no name, city or country code of this contact")
    postal_code = parts.postal_code
    if postal_code and len(postal_code) > LONGEST_POSTAL_CODE:
        log.warning("a postal code of over %d characters is left out", LONGEST_POSTAL_CODE)
        postal_code = None
    streets = tuple(street for street in (parts.address1, parts.address2) if street)
    texts = (name, *streets, parts.city, parts.province or "", postal_code or "")
    return epp.PostalInfo(
        type="int" if all(text.isascii() for text in texts) else "loc",
        name=name[:LONGEST_LINE],
        address=epp.Address(
            streets=tuple(street[:LONGEST_LINE] for street in streets),
            city=parts.city[:LONGEST_LINE],
            country_code=parts.country_code.upper(),
            province=(parts.province or "")[:LONGEST_LINE] or None,
            postal_code=postal_code,
        ),
    )
