"""A bare EPP client: TLS by the standard library, octets as the test wants them."""

from __future__ import annotations

import socket
import ssl
from types import TracebackType
from typing import Protocol

from lxml import etree

from tests.support.validity import assert_valid

EPP = "urn:ietf:params:xml:ns:epp-1.0"
DOMAIN = "urn:ietf:params:xml:ns:domain-1.0"
CONTACT = "urn:ietf:params:xml:ns:contact-1.0"
SECDNS = "urn:ietf:params:xml:ns:secDNS-1.1"
HELLO = f'<epp xmlns="{EPP}"><hello/></epp>'


def command(inner: str, trid: str | None = None) -> str:
    """An EPP command, with the prefixes d, c and s."""
    client_trid = f"<clTRID>{trid}</clTRID>" if trid else ""
    return (
        f'<epp xmlns="{EPP}" xmlns:d="{DOMAIN}" xmlns:c="{CONTACT}" xmlns:s="{SECDNS}">'
        f"<command>{inner}{client_trid}</command></epp>"
    )


def login(registrar: dict[str, str], password: str | None = None) -> str:
    return command(
        f"<login><clID>{registrar['id']}</clID><pw>{password or registrar['password']}</pw>"
        "<options><version>1.0</version><lang>en</lang></options>"
        f"<svcs><objURI>{DOMAIN}</objURI><objURI>{CONTACT}</objURI>"
        f"<svcExtension><extURI>{SECDNS}</extURI></svcExtension></svcs></login>",
        "login-1",
    )


def check(*names: str, trid: str | None = None) -> str:
    inner = "".join(f"<d:name>{name}</d:name>" for name in names)
    return command(f"<check><d:check>{inner}</d:check></check>", trid)


LOGOUT = command("<logout/>")


def frame(xml: str | bytes) -> bytes:
    octets = xml.encode() if isinstance(xml, str) else xml
    return (len(octets) + 4).to_bytes(4, "big") + octets


class Answer:
    """A data unit from the server; it was valid, or the test has failed."""

    def __init__(self, xml: bytes) -> None:
        assert_valid(xml)
        self.xml = xml
        self.root = etree.fromstring(xml)

    @property
    def is_greeting(self) -> bool:
        return self.root.find(f"{{{EPP}}}greeting") is not None

    @property
    def code(self) -> int:
        found = self.root.find(f".//{{{EPP}}}result")
        assert found is not None, self.xml
        return int(found.get("code", ""))

    @property
    def client_trid(self) -> str | None:
        return self.root.findtext(f".//{{{EPP}}}clTRID")

    @property
    def text(self) -> str:
        """Everything that is said in it."""
        return " ".join("".join(map(str, self.root.itertext())).split())

    def texts(self, name: str, namespace: str = DOMAIN) -> list[str]:
        return [element.text or "" for element in self.root.iter(f"{{{namespace}}}{name}")]


class Server(Protocol):
    """What a client has to know: a sandbox, or eppd in front of one."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def ca(self) -> str: ...
    def registrar(self, number: int, /) -> dict[str, str]: ...


class Client:
    """A connection. Reading past its end raises EOFError."""

    def __init__(
        self,
        sandbox: Server,
        certificate_of: int | None = None,
        *,
        context: ssl.SSLContext | None = None,
        timeout: float = 20,
        source: str = "",
    ) -> None:
        context = context or tls_context(sandbox, certificate_of)
        raw = socket.create_connection((sandbox.host, sandbox.port), timeout, (source, 0) if source else None)
        try:
            self.tls = context.wrap_socket(raw, server_hostname=sandbox.host)
        except BaseException:
            raw.close()
            raise

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tls.close()

    def send(self, *units: str | bytes) -> None:
        self.tls.sendall(b"".join(map(frame, units)))

    def read(self) -> Answer:
        length = int.from_bytes(self._exactly(4), "big")
        return Answer(self._exactly(length - 4))

    def ask(self, unit: str | bytes) -> Answer:
        self.send(unit)
        return self.read()

    def log_in(self, registrar: dict[str, str]) -> None:
        assert self.read().is_greeting
        assert self.ask(login(registrar)).code == 1000

    def at_end(self) -> bool:
        """Whether the server has closed; raises where it sends something instead."""
        try:
            rest = self.tls.recv(1)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError):
            return True
        assert not rest, rest
        return True

    def _exactly(self, count: int) -> bytes:
        octets = b""
        while len(octets) < count:
            more = self.tls.recv(count - len(octets))
            if not more:
                raise EOFError(f"{len(octets)} of {count} octets")
            octets += more
        return octets


def connect(server: Server, address: str) -> socket.socket:
    """A bare connection from that address."""
    return socket.create_connection((server.host, server.port), 20, (address, 0))


def tls_context(sandbox: Server, certificate_of: int | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=sandbox.ca)
    if certificate_of is not None:
        registrar = sandbox.registrar(certificate_of)
        context.load_cert_chain(registrar["certificate"], registrar["key"])
    return context
