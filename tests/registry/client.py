"""A client of the registry that believes nothing: it verifies every answer and checks its grammar."""

from __future__ import annotations

import http.client
import itertools
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree

import srs_epp
from srs_epp.srs import form
from srs_epp.srs.openpgp import Keyring, SigningKey

Element = etree._Element

PATH = "/srs/registrar"
SCHEMAS = Path(srs_epp.__file__).parent / "srs" / "schema"
RESPONSES = etree.XMLSchema(file=str(SCHEMAS / "responses.xsd"))
STAMPS = ("Year", "Month", "Day", "Hour", "Minute", "Second", "TimeZoneOffset")

HANDLE = (
    '<HandleCreate ActionId="{0}" HandleId="{0}" Name="Moana Example" Email="moana@example.net">'
    '<PostalAddress Address1="1 Sample Street" City="Nelson" CountryCode="NZ" PostalCode="7010"/>'
    '<Phone CountryCode="64" AreaCode="3" LocalNumber="5550100"/></HandleCreate>'
)
CONTACT = (
    '<{0} Name="{1}" Email="contact@example.net"><PostalAddress Address1="1 Sample Street" City="Nelson"'
    ' CountryCode="NZ"/><Phone CountryCode="64" LocalNumber="5550100"/></{0}>'
)


def registrant(name: str = "Moana Example") -> str:
    """A RegistrantContact with fields of its own."""
    return CONTACT.format("RegistrantContact", name)


def domain_create(name: str, more: str = "", *, action_id: str = "", attributes: str = "") -> str:
    """A DomainCreate; ``more``: what follows the registrant."""
    return (
        f'<DomainCreate ActionId="{action_id or name}" DomainName="{name}" Term="12"{attributes}>'
        f"{registrant()}{more}</DomainCreate>"
    )


_numbers = itertools.count(1)


def fresh_id() -> str:
    """An ActionId that nobody has used yet."""
    return f"action {next(_numbers)}"


def domain_update(name: str, content: str = "", *, attributes: str = "", action_id: str = "") -> str:
    """A DomainUpdate; ``name``: one or more, between blanks."""
    filters = "".join(f"<DomainNameFilter>{one}</DomainNameFilter>" for one in name.split())
    action_id = action_id or fresh_id()
    return f'<DomainUpdate ActionId="{action_id}" {attributes}>{filters}{content}</DomainUpdate>'


def handle_update(handle_id: str, content: str = "", *, attributes: str = "") -> str:
    """A HandleUpdate."""
    return (
        f'<HandleUpdate ActionId="{fresh_id()}" HandleId="{handle_id}" {attributes}>{content}</HandleUpdate>'
    )


def poll(more: str = "") -> str:
    """The oldest message."""
    return f'<GetMessages QueueMode="1" MaxResults="1">{more}</GetMessages>'


def acknowledge(originator: int, trans_id: str) -> str:
    """An AckMessage."""
    return f'<AckMessage ActionId="{fresh_id()}" OriginatingRegistrarId="{originator}" TransId="{trans_id}"/>'


@cache
def published_grammar() -> etree.DTD | None:
    """The registry's own DTD, where the environment names the folder that has it."""
    folder = os.environ.get("SRS_REFERENCE")
    return etree.DTD(str(Path(folder) / "protocol.dtd")) if folder else None


@dataclass
class Client:
    """Posts requests of one registrar, on one connection."""

    url: str
    registrar_id: int
    key: SigningKey
    registry: Keyring
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def ask(self, actions: str, *, attributes: str = "", root: str = "NZSRSRequest") -> Element:
        """The root element of the response; ``attributes``: more of the request's root element."""
        return self.send(f'<{root} VerMajor="5" VerMinor="0"{attributes}>{actions}</{root}>'.encode())

    def ask_one(self, action: str, *, attributes: str = "") -> Element:
        """The Response to a single action."""
        [response] = self.ask(action, attributes=attributes)
        return response

    def domain(self, action: str, *, attributes: str = "") -> Element:
        """The Domain in the Response to a single action."""
        return first_of(self.ask_one(action, attributes=attributes), "Domain")

    def whois(self, name: str) -> Element:
        """The Domain that anybody can see."""
        return self.domain(f'<Whois DomainName="{name}"/>')

    def empty_queue(self) -> None:
        """Acknowledge all messages."""
        self.ask(f'<ResetMsgQ ActionId="{fresh_id()}"/>')

    def messages(self) -> list[Element]:
        """The Responses on the queue, oldest first."""
        return list(self.ask_one('<GetMessages QueueMode="1"/>').iterfind("Message/Response"))

    def refusal(self, action: str, *, attributes: str = "") -> tuple[str, ...]:
        """The ErrorId and the details of the error in the Response to a single action."""
        return error_of(self.ask_one(action, attributes=attributes))

    def send(self, xml: bytes) -> Element:
        """Sign and post a document."""
        return self.post(self.signed(xml))

    def signed(self, xml: bytes) -> bytes:
        """The form with a document and its signature."""
        return form.encode({"n": str(self.registrar_id), "r": xml, "s": self.key.sign(xml)})

    def post(self, body: bytes, content_type: str = form.MIME_TYPE) -> Element:
        """The root element of the response to any octets."""
        response, answer = self.http("POST", body, {"Content-Type": content_type})
        assert response.status == 200
        assert response.getheader("Content-Type") == form.MIME_TYPE
        return self.read(answer)

    def http(
        self, method: str, body: bytes | None = None, headers: dict[str, str] | None = None, path: str = PATH
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """One HTTP request, and what comes back."""
        if self._connection is None:
            address = urlsplit(self.url)
            self._connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)
        self._connection.request(method, path, body, headers or {})
        response = self._connection.getresponse()
        return response, response.read()

    def read(self, answer: bytes) -> Element:
        """The root element of a form that was answered."""
        fields = form.decode(answer)
        assert set(fields) == {"r", "s"}
        self.registry.verify(fields["r"], fields["s"])
        root = etree.fromstring(fields["r"])
        RESPONSES.assertValid(root)
        dtd = published_grammar()
        assert dtd is None or dtd.validate(root), dtd.error_log
        for element in root.iter():
            if "Year" in element.attrib:
                assert set(STAMPS) <= set(element.attrib)
        return root

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def error_of(holder: Element) -> tuple[str, ...]:
    """The ErrorId and the details of the Error that is all that a response (or a Response) holds."""
    error = holder[-1]
    assert error.tag == "Error"
    assert error.findtext("Description")
    assert "Rows" not in holder.attrib
    return str(error.get("ErrorId")), *(detail.text or "" for detail in error.iterchildren("ErrorDetails"))


def first_of(response: Element, path: str) -> Element:
    """The first element of that path in a response."""
    found = response.find(path)
    assert found is not None, etree.tostring(response)
    return found


def attributes_of(element: Element) -> dict[str, str]:
    """All attributes."""
    return {str(name): str(value) for name, value in element.attrib.items()}


def stamp(element: Element) -> tuple[str, ...]:
    """A time stamp, to be compared."""
    return tuple(str(element.get(name)) for name in STAMPS)
