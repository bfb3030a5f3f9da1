"""The EPP commands that are sent, as ready-made data units, and how their answers are known to be right."""

from __future__ import annotations

from dataclasses import dataclass

from srs_epp.session.framing import frame

REGISTRAR = 100
PASSWORD = "bench-secret"  # of a registrar that exists for minutes, on loopback
DOMAIN_NAME = "bench.co.nz"
CONTACT_ID = "bench-holder"
NAME_SERVERS = ("ns1.bench.example", "ns2.bench.example")

_EPP = "urn:ietf:params:xml:ns:epp-1.0"
_DOMAIN = "urn:ietf:params:xml:ns:domain-1.0"
_CONTACT = "urn:ietf:params:xml:ns:contact-1.0"
_EXTENSIONS = ("urn:ietf:params:xml:ns:secDNS-1.1", "urn:ietf:params:xml:ns:rgp-1.0")


@dataclass(frozen=True, slots=True)
class Kind:
    """A command that is sent again and again. ``sign``: octets that are in every right answer to it."""

    name: str
    unit: bytes
    sign: bytes


def _unit(inner: str) -> bytes:
    return frame(f'<?xml version="1.0" encoding="UTF-8"?>\n<epp xmlns="{_EPP}">{inner}</epp>'.encode())


def _command(inner: str, trid: str) -> bytes:
    return _unit(f"<command>{inner}<clTRID>{trid}</clTRID></command>")


def _check(count: int) -> bytes:
    names = "".join(f"<domain:name>free-{number}.co.nz</domain:name>" for number in range(count))
    return _command(
        f'<check><domain:check xmlns:domain="{_DOMAIN}">{names}</domain:check></check>',
        f"bench-check-{count}",
    )


_INFO = (
    f'<info><domain:info xmlns:domain="{_DOMAIN}"><domain:name hosts="all">{DOMAIN_NAME}</domain:name>'
    "</domain:info></info>"
)
_HOSTS = "".join(
    f"<domain:hostAttr><domain:hostName>{name}</domain:hostName></domain:hostAttr>" for name in NAME_SERVERS
)
_CREATE = (
    f'<create><domain:create xmlns:domain="{_DOMAIN}"><domain:name>{DOMAIN_NAME}</domain:name>'
    f'<domain:period unit="y">1</domain:period><domain:ns>{_HOSTS}</domain:ns>'
    f"<domain:registrant>{CONTACT_ID}</domain:registrant>"
    f'<domain:contact type="admin">{CONTACT_ID}</domain:contact>'
    f'<domain:contact type="tech">{CONTACT_ID}</domain:contact>'
    "<domain:authInfo><domain:pw>not-used-1</domain:pw></domain:authInfo></domain:create></create>"
)
_LOGIN = (
    f"<login><clID>{REGISTRAR}</clID><pw>{PASSWORD}</pw>"
    "<options><version>1.0</version><lang>en</lang></options>"
    f"<svcs><objURI>{_DOMAIN}</objURI><objURI>{_CONTACT}</objURI>"
    f"<svcExtension>{''.join(f'<extURI>{uri}</extURI>' for uri in _EXTENSIONS)}</svcExtension></svcs></login>"
)

_OK = b'<result code="1000"'
HELLO = Kind("hello", _unit("<hello/>"), b"<greeting")
CHECK_1 = Kind("check of 1 name", _check(1), _OK)
CHECK_10 = Kind("check of 10 names", _check(10), _OK)
INFO = Kind("info", _command(_INFO, "bench-info"), _OK)
CREATE = Kind("create", _command(_CREATE, "bench-create"), _OK)
POLL = Kind("poll", _command('<poll op="req"/>', "bench-poll"), b'<result code="1301"')
LOGIN = Kind("login", _command(_LOGIN, "bench-login"), _OK)

KINDS = (HELLO, CHECK_1, CHECK_10, INFO, CREATE, POLL)
BY_NAME = {kind.name: kind for kind in (*KINDS, LOGIN)}

# what registrars do all day, more or less
MIX = (CHECK_1, INFO, CHECK_1, CHECK_1, CREATE, CHECK_1, INFO, CHECK_1, CHECK_1, INFO)
