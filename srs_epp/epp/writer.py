"""Greetings and responses, RFC 5730 sections 2.4 and 2.6: Python values to the octets of their XML."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from lxml import etree

from srs_epp.epp.faults import presentable
from srs_epp.epp.namespaces import EPP, VALUE
from srs_epp.epp.reader import LANGUAGE, VERSION, Services
from srs_epp.epp.results import CLOSING, TEXTS, Element, EppError
from srs_epp.epp.xml import add, start, utc

DEFAULT_DCP = (
    f'<dcp xmlns="{EPP}"><access><personalAndOther/></access>'
    "<statement><purpose><admin/><prov/></purpose><recipient><ours/></recipient>"
    "<retention><business/></retention></statement></dcp>"
)


@dataclass(frozen=True, slots=True)
class ExtValue:
    """An ``<extValue>``: what was wrong, and why. A text becomes an element of our own namespace."""

    value: Element | str = field(repr=False)
    reason: str


@dataclass(frozen=True, slots=True)
class MessageQueue:
    """``<msgQ>``, section 2.9.2.3: messages that are there, the id of the first; its date and text."""

    count: int
    id: str
    date: datetime | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to one command. ``client_trid`` and ``server_trid`` are filled in when it is sent."""

    code: int
    message: str = ""
    values: tuple[ExtValue, ...] = field(default=(), repr=False)
    data: tuple[Element, ...] = field(default=(), repr=False)
    extensions: tuple[Element, ...] = field(default=(), repr=False)
    queue: MessageQueue | None = None
    client_trid: str | None = None
    server_trid: str = ""

    @classmethod
    def refusing(cls, error: EppError) -> Response:
        """The response that an EppError becomes; there is one place where that happens, and it is here."""
        value = error.value
        if value is None:
            return cls(error.code, error.message)
        shown = value if isinstance(value, str) else presentable(value)
        return cls(error.code, error.message, (ExtValue(shown, error.reason or error.message),))

    @property
    def closes(self) -> bool:
        """Whether the session ends with this response."""
        return self.code == 1500 or self.code >= CLOSING

    def identified(self, client_trid: str | None, server_trid: str) -> Response:
        """The same, with its transaction identifiers."""
        return replace(self, client_trid=client_trid, server_trid=server_trid)

    def octets(self) -> bytes:
        """The XML document, UTF-8."""
        root = etree.Element(EPP("epp"), nsmap={None: EPP})  # type: ignore[dict-item]
        response = add(root, EPP("response"))
        result = add(response, EPP("result"), code=str(self.code))
        add(result, EPP("msg"), self.message or TEXTS[self.code])
        for value in self.values:
            _add_ext_value(result, value)
        if self.queue is not None:
            _add_queue(response, self.queue)
        if self.data:
            add(response, EPP("resData")).extend(self.data)
        if self.extensions:
            add(response, EPP("extension")).extend(self.extensions)
        trid = add(response, EPP("trID"))
        if self.client_trid is not None:
            add(trid, EPP("clTRID"), self.client_trid)
        add(trid, EPP("svTRID"), self.server_trid)
        return _document(root)


class Greeting:
    """The greeting of this server: the same each time but for its date."""

    def __init__(self, server_name: str, services: Services, dcp: str = DEFAULT_DCP) -> None:
        self.services = services
        root = etree.Element(EPP("epp"), nsmap={None: EPP})  # type: ignore[dict-item]
        greeting = add(root, EPP("greeting"))
        add(greeting, EPP("svID"), server_name)
        add(greeting, EPP("svDate"), "\N{OBJECT REPLACEMENT CHARACTER}")
        menu = add(greeting, EPP("svcMenu"))
        add(menu, EPP("version"), VERSION)
        add(menu, EPP("lang"), LANGUAGE)
        for uri in services.objects:
            add(menu, EPP("objURI"), uri)
        if services.extensions:
            extension = add(menu, EPP("svcExtension"))
            for uri in services.extensions:
                add(extension, EPP("extURI"), uri)
        greeting.append(etree.fromstring(dcp))
        self._before, self._after = _document(root).split("\N{OBJECT REPLACEMENT CHARACTER}".encode())

    def octets(self, now: datetime) -> bytes:
        """The XML document, UTF-8, of this moment."""
        return self._before + utc(now).encode("ascii") + self._after


def _add_queue(response: Element, queue: MessageQueue) -> None:
    element = add(response, EPP("msgQ"), count=str(queue.count), id=queue.id)
    if queue.date is not None:
        add(element, EPP("qDate"), utc(queue.date))
    if queue.text is not None:
        add(element, EPP("msg"), queue.text)


def _add_ext_value(result: Element, value: ExtValue) -> None:
    ext_value = add(result, EPP("extValue"))
    content = value.value
    if isinstance(content, str):
        text, content = content, start(VALUE, "value")
        content.text = text
    holder = add(ext_value, EPP("value"))
    holder.append(content)
    add(ext_value, EPP("reason"), value.reason)


def _document(root: Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
