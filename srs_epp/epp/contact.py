"""The contact mapping, RFC 5733: what its commands say, and the data of its responses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from datetime import datetime

from lxml import etree

from srs_epp.epp.markup import Markup
from srs_epp.epp.namespaces import CONTACT
from srs_epp.epp.results import Element
from srs_epp.epp.xml import boolean, collapsed, normalized, token, utc
from srs_epp.record import record
from srs_epp.tree import child, children


@record
class Address:
    """``<contact:addr>``: an optional part that is missing is None."""

    streets: tuple[str, ...]
    city: str
    country_code: str
    province: str | None = None
    postal_code: str | None = None

    @classmethod
    def read(cls, element: Element) -> Address:
        return cls(
            streets=tuple(map(normalized, children(element, CONTACT("street")))),
            city=normalized(child(element, CONTACT("city"))),
            country_code=token(child(element, CONTACT("cc"))),
            province=normalized(child(element, CONTACT("sp"))) or None,
            postal_code=token(child(element, CONTACT("pc"))) or None,
        )


@record
class PostalInfo:
    """``<contact:postalInfo>``; ``type`` is "int" or "loc". An empty ``org`` is none.

    Only in an update may the name or the address be missing (None).
    """

    type: str
    name: str | None
    address: Address | None
    organisation: Element | None = field(default=None, repr=False, compare=False)

    @classmethod
    def read(cls, element: Element) -> PostalInfo:
        name, organisation, addr = (child(element, CONTACT(local)) for local in ("name", "org", "addr"))
        return cls(
            type=element.get("type", "").strip(),
            name=normalized(name) if name is not None else None,
            address=Address.read(addr) if addr is not None else None,
            organisation=organisation if normalized(organisation) else None,
        )


@record
class Phone:
    """An E.164 number ``+CC.number``, "" where the element is empty, and its extension."""

    number: str
    extension: str | None = None

    @classmethod
    def read(cls, element: Element) -> Phone:
        return cls(token(element), collapsed(element.get("x")) or None)


@record
class Disclose:
    """``<contact:disclose>``: the flag, and the elements that it names."""

    flag: bool
    elements: tuple[Element, ...] = field(repr=False, compare=False)


@record
class Create:
    """``<contact:create>``, section 3.2.1."""

    id: str
    postal_infos: tuple[PostalInfo, ...]
    voice: Phone | None
    fax: Phone | None
    email: str
    disclose: Disclose | None

    @classmethod
    def read(cls, payload: Element) -> Create:
        return cls(
            id=read_id(payload),
            postal_infos=tuple(map(PostalInfo.read, children(payload, CONTACT("postalInfo")))),
            voice=_phone(payload, "voice"),
            fax=_phone(payload, "fax"),
            email=token(child(payload, CONTACT("email"))),
            disclose=read_disclose(payload),
        )


@record
class Update:
    """``<contact:update>``, section 3.2.5. ``statuses``: elements to add or remove."""

    id: str
    statuses: tuple[Element, ...]
    postal_infos: tuple[PostalInfo, ...]
    voice: Phone | None
    fax: Phone | None
    email: str | None
    disclose: Disclose | None
    auth_info: Element | None = field(repr=False, compare=False)

    @classmethod
    def read(cls, payload: Element) -> Update:
        chg = child(payload, CONTACT("chg"))
        if chg is None:
            chg = etree.Element(CONTACT("chg"))
        email = child(chg, CONTACT("email"))
        return cls(
            id=read_id(payload),
            statuses=tuple(payload.iter(CONTACT("status"))),
            postal_infos=tuple(map(PostalInfo.read, children(chg, CONTACT("postalInfo")))),
            voice=_phone(chg, "voice"),
            fax=_phone(chg, "fax"),
            email=token(email) if email is not None else None,
            disclose=read_disclose(chg),
            auth_info=child(chg, CONTACT("authInfo")),
        )

    def __bool__(self) -> bool:
        """Whether it changes anything that the SRS has."""
        given = (self.voice, self.fax, self.email, self.disclose)
        return bool(self.postal_infos) or any(one is not None for one in given)


def read_id(payload: Element) -> str:
    """The ``id`` of a command about one contact."""
    return token(child(payload, CONTACT("id")))


def read_ids(payload: Element) -> list[str]:
    """The ids of a ``<contact:check>``, section 3.1.1, in order."""
    return list(map(token, children(payload, CONTACT("id"))))


def read_disclose(payload: Element) -> Disclose | None:
    found = child(payload, CONTACT("disclose"))
    return Disclose(boolean(found.get("flag")), tuple(found)) if found is not None else None


def _phone(payload: Element, local: str) -> Phone | None:
    found = child(payload, CONTACT(local))
    return Phone.read(found) if found is not None else None


@record
class InfoData:
    """``<contact:infData>``; what is None is left out. ``private``: address and numbers are withheld."""

    id: str
    roid: str
    postal_info: PostalInfo
    voice: Phone | None
    fax: Phone | None
    email: str
    client_id: str
    created: datetime
    updater_id: str | None = None
    updated: datetime | None = None
    private: bool = False

    def markup(self) -> Markup:
        data = Markup(CONTACT, "infData")
        data.add("id", self.id)
        data.add("roid", self.roid)
        data.add("status", s="ok")
        _add_postal_info(data, self.postal_info)
        _add_phone(data, "voice", self.voice)
        _add_phone(data, "fax", self.fax)
        data.add("email", self.email)
        data.add("clID", self.client_id)
        data.add("crID", self.client_id)
        data.add("crDate", utc(self.created))
        if self.updater_id:
            data.add("upID", self.updater_id)
        if self.updated:
            data.add("upDate", utc(self.updated))
        if self.private:
            disclose = data.open("disclose", flag="0")
            disclose.add("addr", type=self.postal_info.type)
            disclose.add("voice")
            disclose.add("fax")
        return data


def check_data(answers: Iterable[tuple[str, str | None]]) -> Markup:
    """``<contact:chkData>``: (id, why it is not available, None where it is)."""
    data = Markup(CONTACT, "chkData")
    for handle, reason in answers:
        one = data.open("cd")
        one.add("id", handle, avail="1" if reason is None else "0")
        if reason:
            one.add("reason", reason)
    return data


def create_data(handle: str, created: datetime) -> Markup:
    """``<contact:creData>``."""
    data = Markup(CONTACT, "creData")
    data.add("id", handle)
    data.add("crDate", utc(created))
    return data


def _add_postal_info(data: Markup, info: PostalInfo) -> None:
    element = data.open("postalInfo", type=info.type)
    assert info.name is not None
    assert info.address is not None
    element.add("name", info.name)
    addr = element.open("addr")
    for street in info.address.streets:
        addr.add("street", street)
    addr.add("city", info.address.city)
    if info.address.province:
        addr.add("sp", info.address.province)
    if info.address.postal_code:
        addr.add("pc", info.address.postal_code)
    addr.add("cc", info.address.country_code)


def _add_phone(data: Markup, local: str, phone: Phone | None) -> None:
    if phone is not None:
        data.add(local, phone.number, x=phone.extension or None)
