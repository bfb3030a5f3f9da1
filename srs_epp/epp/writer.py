"""Greetings and responses, RFC 5730 sections 2.4 and 2.6: Python values to the octets of their XML."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from lxml import etree

from srs_epp.epp.faults import presentable
from srs_epp.epp.markup import Markup
from srs_epp.epp.namespaces import EPP, VALUE
from srs_epp.epp.reader import LANGUAGE, VERSION, Services
from srs_epp.epp.results import CLOSING, TEXTS, Element, EppError
from srs_epp.epp.xml import utc
from srs_epp.escaping import escaped, quoted
from srs_epp.record import record

DEFAULT_DCP = (
    f'<dcp xmlns="{EPP}"><access><personalAndOther/></access>'
    "<statement><purpose><admin/><prov/></purpose><recipient><ours/></recipient>"
    "<retention><business/></retention></statement></dcp>"
)


@record
class ExtValue:
    """An ``<extValue>``: what was wrong, and why. A text becomes an element of our own namespace."""

    value: Element | str = field(repr=False)
    reason: str


@record
class MessageQueue:
    """``<msgQ>``, section 2.9.2.3: messages that are there, the id of the first; its date and text."""

    count: int
    id: str
    date: datetime | None = None
    text: str | None = None


@record
class Response:
    """The answer to one command. ``client_trid`` and ``server_trid`` are filled in when it is sent."""

    code: int
    message: str = ""
    values: tuple[ExtValue, ...] = field(default=(), repr=False)
    data: tuple[Markup, ...] = field(default=(), repr=False)
    extensions: tuple[Markup, ...] = field(default=(), repr=False)
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
        return Response(
            self.code,
            self.message,
            self.values,
            self.data,
            self.extensions,
            self.queue,
            client_trid,
            server_trid,
        )

    def octets(self) -> bytes:
        """The XML document, UTF-8."""
        parts = [
            f'{_HEAD}<result code="{self.code}"><msg>{escaped(self.message or TEXTS[self.code])}</msg>',
            *map(_ext_value, self.values),
            "</result>",
        ]
        if self.queue is not None:
            parts.append(_queue(self.queue))
        if self.data:
            parts += ["<resData>", *map(str, self.data), "</resData>"]
        if self.extensions:
            parts += ["<extension>", *map(str, self.extensions), "</extension>"]
        client = "" if self.client_trid is None else f"<clTRID>{escaped(self.client_trid)}</clTRID>"
        parts.append(f"<trID>{client}<svTRID>{self.server_trid}</svTRID></trID></response></epp>")
        return "".join(parts).encode()


class Greeting:
    """The greeting of this server: the same each time but for its date."""

    def __init__(self, server_name: str, services: Services, dcp: str = DEFAULT_DCP) -> None:
        self.services = services
        root = etree.Element(EPP("epp"), nsmap={None: EPP})  # type: ignore[dict-item]
        greeting = _add(root, "greeting")
        _add(greeting, "svID", server_name)
        _add(greeting, "svDate", "\N{OBJECT REPLACEMENT CHARACTER}")
        menu = _add(greeting, "svcMenu")
        _add(menu, "version", VERSION)
        _add(menu, "lang", LANGUAGE)
        for uri in services.objects:
            _add(menu, "objURI", uri)
        if services.extensions:
            extension = _add(menu, "svcExtension")
            for uri in services.extensions:
                _add(extension, "extURI", uri)
        greeting.append(etree.fromstring(dcp))
        self._before, self._after = _document(root).split("\N{OBJECT REPLACEMENT CHARACTER}".encode())

    def octets(self, now: datetime) -> bytes:
        """The XML document, UTF-8, of this moment."""
        return self._before + utc(now).encode("ascii") + self._after


# what surrounds the elements that mappings make is the same each time, and is written, not built
_HEAD = f"<?xml version='1.0' encoding='UTF-8'?>\n<epp xmlns=\"{EPP}\"><response>"


def _queue(queue: MessageQueue) -> str:
    date = "" if queue.date is None else f"<qDate>{utc(queue.date)}</qDate>"
    text = "" if queue.text is None else f"<msg>{escaped(queue.text)}</msg>"
    return f'<msgQ count="{queue.count}" id={quoted(queue.id)}>{date}{text}</msgQ>'


def _ext_value(value: ExtValue) -> str:
    content = (
        str(Markup(VALUE, "value", value.value))
        if isinstance(value.value, str)
        else etree.tostring(value.value, encoding="unicode", with_tail=False)
    )
    return f"<extValue><value>{content}</value><reason>{escaped(value.reason)}</reason></extValue>"


def _add(parent: Element, name: str, text: str | None = None) -> Element:
    child = etree.SubElement(parent, EPP(name))
    child.text = text
    return child


def _document(root: Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
