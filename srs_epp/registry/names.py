"""Which domain names can be registered: the zones, the labels, and the internationalised ones among them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from srs_epp.registry.refusals import refusal
from srs_epp.srs.errors import SRSError

DEFAULT_ZONES = (
    "ac.nz",
    "co.nz",
    "geek.nz",
    "gen.nz",
    "maori.nz",
    "net.nz",
    "nz",
    "org.nz",
    "school.nz",
)

# zones whose names are only for registrars that have the zone among their Allowed2LDs
MODERATED = frozenset({"cri.nz", "govt.nz", "health.nz", "iwi.nz", "mil.nz", "parliament.nz"})

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_IDN_LABEL = re.compile(r"[a-z0-9āēīōū-]+")
_LONGEST = 253


@dataclass(frozen=True, slots=True)
class Name:
    """A name that can be registered: one label under a zone, in lower case, as it is in the DNS."""

    text: str
    label: str
    zone: str

    @property
    def unicode(self) -> str | None:
        """The name as people read it, where that is not the same."""
        return f"{_decoded(self.label, self.text)}.{self.zone}" if self.label.startswith("xn--") else None


class Zones:
    """The zones that a registry manages."""

    def __init__(self, zones: Sequence[str]) -> None:
        """ValueError where a zone is no domain name."""
        self._zones = frozenset(zone.lower() for zone in zones)
        for zone in self._zones:
            if not is_host_name(zone):
                raise ValueError(f"{zone!r} can't be a zone")

    def name(self, text: str) -> Name:
        """Read a DomainName that is asked about.

        SRSError: INVALID_FIELD where nothing can be registered under it here, IDN_*.
        """
        name = text.strip().lower()
        label, _, zone = name.partition(".")
        if not is_host_name(name):
            raise refusal("INVALID_FIELD", text, "DomainName", text="Not a valid domain name")
        if name in self._zones:
            raise refusal("INVALID_FIELD", text, "DomainName", text="A zone of this registry itself")
        if zone not in self._zones:
            raise refusal("INVALID_FIELD", text, "DomainName", text="Not in a zone of this registry")
        if label.startswith("xn--"):
            _check_idn(label, name)
        elif label[2:4] == "--":
            raise refusal("INVALID_FIELD", text, "DomainName", text="Not a valid domain name")
        return Name(name, label, zone)

    def new_name(self, text: str) -> Name:
        """Read a DomainName that is to be registered; as ``name``, and INVALID_CCTLD outside every zone."""
        name = text.strip().lower()
        if is_host_name(name) and not self._manage(name):
            raise refusal("INVALID_CCTLD", text)
        return self.name(text)

    def _manage(self, name: str) -> bool:
        return name in self._zones or any(name.endswith("." + zone) for zone in self._zones)


def is_host_name(name: str) -> bool:
    """Whether the name consists of labels of letters, digits and inner hyphens; lower case only."""
    return len(name) <= _LONGEST and all(_LABEL.fullmatch(label) for label in name.split("."))


def check_open(name: Name, operation: str, allowed: frozenset[str]) -> None:
    """Whether a registrar with these Allowed2LDs may have the name. SRSError MODERATED_DOMAIN_VIOLATION."""
    if name.zone in MODERATED and name.zone not in allowed:
        raise refusal("MODERATED_DOMAIN_VIOLATION", operation, name.text)


def check_unicode(name: Name, given: str) -> None:
    """Whether ``given`` is the Unicode form of a name. SRSError IDN_INVALID_UNICODE, IDN_UNICODE_MISMATCH."""
    in_unicode = unicodedata.normalize("NFC", given.strip().lower())
    if not all(_IDN_LABEL.fullmatch(label) for label in in_unicode.split(".")):
        raise refusal("IDN_INVALID_UNICODE", name.text, given)
    if in_unicode != (name.unicode or name.text):
        raise refusal("IDN_UNICODE_MISMATCH", name.text, given)


def _check_idn(label: str, name: str) -> None:
    decoded = _decoded(label, name)
    if not _IDN_LABEL.fullmatch(decoded):
        raise refusal("IDN_INVALID_CHARACTER", name, decoded)
    # the hyphen rules hold for what people read too, and only one spelling is the right one
    again = "xn--" + decoded.encode("punycode").decode("ascii")
    if decoded.isascii() or decoded[0] == "-" or decoded[-1] == "-" or again != label:
        raise refusal("IDN_INVALID_DOMAINNAME", name, decoded)


def _decoded(label: str, name: str) -> str:
    try:
        decoded = label.removeprefix("xn--").encode("ascii").decode("punycode")
        decoded.encode()  # a surrogate can come out of it, which is no character
    except (UnicodeError, ValueError, OverflowError):
        raise _malformed(name) from None
    return decoded


def _malformed(name: str) -> SRSError:
    return refusal("IDN_MALFORMED_DOMAINNAME", name)
