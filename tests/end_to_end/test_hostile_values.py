"""Values that would break out of where they stand: the registry gets exactly them, or nothing at all."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

import pytest
from lxml import etree

from srs_epp.srs.openpgp import Keyring, SigningKey
from tests.end_to_end.client import Answer, Client, check, command, login
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.fault_proxy import WRITE, FaultProxy, failed, kind_of
from tests.end_to_end.process import Sandbox
from tests.end_to_end.test_hostile import in_parallel
from tests.srs.faulty import Request

VALUES = {
    "form separators": "a&n=101&r=<x/>",
    "form escapes": "100%25 %0d%0a%00 a+b",
    "a lone percent": "50%",
    "an equals sign": "a=b;c",
    "entities": "&lt;a&gt; &amp;amp; &#65;",
    "quotes": "'a' \"b\"",
    "the end of the attribute": '"/><Whois DomainName="x.nz"/><y z="',
    "the end of the element": "</NZSRSRequest><NZSRSRequest>",
    "the end of a CDATA section": "]]>]]&gt;<![CDATA[x]]>",
    "a comment": "<!-- a -- b -->",
    "an instruction": "<?php x ?>",
    "a DOCTYPE": '<!DOCTYPE x SYSTEM "file:///etc/passwd">',
    "header lines": "a\\r\\nX-Evil: 1",
    "SQL": "'; DROP TABLE handles; --",
    "a format": "{0} %s %(x)s ${HOME} `id`",
    "letters": "Kāore 東京 🦜 ﬀ e\u0301",
    "blanks that are none in XML": "a\u00a0b\u2003c\u2028d\x85e",
    "characters that nobody sees": "a\u200bb\u202ec\ufeffd\x7fe\x9bf",
    "the last of Unicode": "\ufffd \U0010fffd",
}
LINES = "first\r\nsecond\tthird\n"  # of which XML Schema makes blanks
_numbers = itertools.count(1)


@dataclass
class Post:
    """eppd, and what it sends to the registry."""

    daemon: Daemon
    proxy: FaultProxy
    keyring: Keyring
    client: Client

    def ask(self, unit: str) -> tuple[Answer, list[Request]]:
        """The answer, and the requests which that took, each a sound one of registrar 100."""
        before = len(self.proxy.requests)
        answer = self.client.ask(unit)
        requests = self.proxy.requests[before:]
        for request in requests:
            assert list(request.fields) == ["r", "s", "n"]
            assert request.fields["n"] == b"100"
            self.keyring.verify(request.fields["r"], request.fields["s"])
            assert etree.fromstring(request.fields["r"]).tag == "NZSRSRequest"
            assert re.fullmatch(r"POST /srs/registrar HTTP/1\.1", request.line)
            assert set(request.headers) <= {
                "host",
                "user-agent",
                "content-type",
                "content-length",
                "accept-encoding",
            }
        return answer, requests


@pytest.fixture(scope="module")
def shared_post(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    folder = tmp_path_factory.mktemp("post")
    key = SigningKey.from_file(sandbox.data / "registry.key")
    with FaultProxy(str(sandbox.facts["registry"]), key) as proxy:
        daemon = Daemon(folder / "eppd", sandbox, backend=proxy.url, recovery_timeout="1", log_level="DEBUG")
        try:
            with Client(daemon) as client:
                client.log_in(daemon.registrar(100))
                yield Post(daemon, proxy, Keyring.from_files([sandbox.data / "proxy.asc"]), client)
            assert daemon.stop() == 0, daemon.log
            assert "Traceback" not in daemon.log, daemon.log
        finally:
            daemon.kill_all()


@pytest.fixture
def post(shared_post: Post) -> Iterator[Post]:
    yield shared_post
    shared_post.proxy.hang_up()


def attributes(element: etree._Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.items()}


def handle_in(action: etree._Element, name: str) -> str | None:
    return next(action.iter(name)).get("HandleId")


def only(requests: list[Request]) -> etree._Element:
    """The one action of the one request."""
    [request] = requests
    [action] = etree.fromstring(request.fields["r"])
    return action


def contact(kind: str, handle: str, value: str, pc: str, trid: str) -> str:
    text = escape(value)
    inner = (
        f'<c:postalInfo type="loc"><c:name>{text}</c:name><c:addr><c:street>{text}</c:street>'
        f"<c:street>{text}</c:street><c:city>{text}</c:city><c:sp>{text}</c:sp><c:pc>{escape(pc)}</c:pc>"
        f"<c:cc>NZ</c:cc></c:addr></c:postalInfo><c:voice x={quoteattr(value)}>+64.35550100</c:voice>"
        f"<c:email>{text}</c:email>"
    )
    secret = "<c:authInfo><c:pw>unused-1</c:pw></c:authInfo>" if kind == "create" else ""
    body = f"{inner}{secret}" if kind == "create" else f"<c:chg>{inner}</c:chg>"
    return command(f"<{kind}><c:{kind}><c:id>{escape(handle)}</c:id>{body}</c:{kind}></{kind}>", escape(trid))


@pytest.mark.parametrize("kind", ["create", "update"])
def test_a_contact_reaches_the_registry_as_it_was_written(post: Post, kind: str) -> None:
    for value in VALUES.values():
        handle = f"{next(_numbers)}{value}"[:16].strip()
        trid = f"{next(_numbers)}-{value}"[:64].strip()
        pc = value[:16].strip()

        answer, requests = post.ask(contact(kind, handle, value, pc, trid))

        assert answer.client_trid == trid
        action = only(requests)
        [address], [phone] = action.findall("PostalAddress"), action.findall("Phone")
        assert action.tag == f"Handle{kind.capitalize()}"
        assert [action.get(name) for name in ("ActionId", "HandleId", "Name", "Email")] == [
            trid,
            handle,
            value,
            value,
        ]
        assert attributes(address) == {
            "Address1": value,
            "Address2": value,
            "City": value,
            "Province": value,
            "CountryCode": "NZ",
            "PostalCode": pc,
        }
        assert attributes(phone) == {"CountryCode": "64", "AreaCode": "", "LocalNumber": f"35550100x{value}"}


def test_what_the_registry_keeps_comes_back_as_it_was_written(post: Post) -> None:
    for value in VALUES.values():
        handle = f"back-{next(_numbers)}"
        unit = contact("create", handle, value, value[:16].strip(), f"create-{handle}")
        created, _ = post.ask(re.sub(r"<c:email>.*</c:email>", "<c:email>a@example.nz</c:email>", unit))
        assert created.code == 1000

        info, _ = post.ask(command(f"<info><c:info><c:id>{handle}</c:id></c:info></info>"))

        contact_uri = "urn:ietf:params:xml:ns:contact-1.0"
        assert info.code == 1000
        for name in ("name", "street", "city", "sp"):
            assert set(info.texts(name, contact_uri)) == {value}


def test_line_ends_become_blanks_as_the_schema_has_it(post: Post) -> None:
    written = LINES.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#9;")
    unit = contact("create", "lines-1", "@", "9", "lines-1").replace("@", written)

    _, requests = post.ask(unit)

    action = only(requests)
    assert action.get("Name") == "first  second third"
    assert action.get("Email") == "first second third"
    assert b"\r" not in requests[0].fields["r"]
    assert b"\n" not in requests[0].fields["r"]


def test_ids_that_are_asked_for_reach_the_registry_as_they_were_written(post: Post) -> None:
    for value in VALUES.values():
        ids = [value[:16].strip(), f"x{value}"[:16].strip()]
        inner = "".join(f"<c:id>{escape(one)}</c:id>" for one in ids)

        _, requests = post.ask(command(f"<check><c:check>{inner}</c:check></check>"))

        assert [one.text for one in only(requests)] == ids


def test_auth_info_that_can_be_none_reaches_no_registry_and_no_log(post: Post) -> None:
    name = "<d:name>smuggled.nz</d:name>"
    for value in (*VALUES.values(), "Hk7mNp2Q\u00a0", "Hk7mNp2", "Hk1mNp2Q", "Hk7mNp2\uff31"):
        secret = f"<d:authInfo><d:pw>{escape(value)}</d:pw></d:authInfo>"

        info, asked = post.ask(command(f"<info><d:info>{name}{secret}</d:info></info>"))
        transfer, sent = post.ask(
            command(f'<transfer op="request"><d:transfer>{name}{secret}</d:transfer></transfer>')
        )

        assert (info.code, transfer.code, sent) == (2303, 2202, [])
        assert b"UDAI" not in b"".join(request.fields["r"] for request in asked)
        if len(value) > 8:
            assert value not in post.daemon.log


def test_auth_info_that_can_be_one_reaches_the_registry_as_it_was_written(post: Post) -> None:
    unit = "<d:name>smuggled.nz</d:name><d:authInfo><d:pw>\n Hk7mNp2Q\t</d:pw></d:authInfo>"

    _, [request] = post.ask(command(f"<info><d:info>{unit}</d:info></info>"))

    [asked] = etree.fromstring(request.fields["r"]).findall("UDAIValidQry")
    assert attributes(asked) | {"QryId": ""} == {"DomainName": "smuggled.nz", "UDAI": "Hk7mNp2Q", "QryId": ""}
    assert "Hk7mNp2Q" not in post.daemon.log


def test_a_name_that_cannot_be_one_is_2005_and_nothing_is_sent(post: Post) -> None:
    impossible = ("a.nz\u00a0", "a.nz.", "a_b.nz", "\u24d0.nz", "\uff11.nz", "a..nz", "-a.nz", "a b.nz")
    for value in (*VALUES.values(), *impossible):
        name = f"<d:name>{escape(value)}</d:name>"
        for unit in (
            check(escape(value)),
            command(f"<info><d:info>{name}</d:info></info>"),
            command(f"<delete><d:delete>{name}</d:delete></delete>"),
            command(f"<renew><d:renew>{name}<d:curExpDate>2030-01-01</d:curExpDate></d:renew></renew>"),
        ):
            answer, requests = post.ask(unit)

            assert (answer.code, requests) == (2005, []), value


def test_name_servers_and_contacts_of_a_domain_reach_the_registry_as_they_were_written(post: Post) -> None:
    for value in VALUES.values():
        host = f"<d:hostName>{escape(value)}</d:hostName>"
        id_, address = value[:16].strip(), value[:45].strip()
        servers = f"<d:ns><d:hostAttr>{host}<d:hostAddr>{escape(address)}</d:hostAddr></d:hostAttr></d:ns>"
        people = (
            f'<d:registrant>{escape(id_)}</d:registrant><d:contact type="admin">{escape(id_)}</d:contact>'
        )
        unit = command(
            f"<create><d:create><d:name>smuggled-{next(_numbers)}.nz</d:name>{servers}{people}"
            "<d:authInfo><d:pw>x</d:pw></d:authInfo></d:create></create>"
        )

        answer, requests = post.ask(unit)

        if answer.code == 2005 and not requests:
            continue
        action = only(requests)
        [server] = action.iter("Server")
        assert attributes(server) == {"FQDN": value, "IP4Addr": address}
        assert [handle_in(action, name) for name in ("RegistrantContact", "AdminContact")] == [id_, id_]


MESSAGES = {
    "a%0d%0aX: 1": "a\r\nX: 1",
    "a%2526b": "a%26b",
    "%22/%3E%3CEvil/%3E": '"/><Evil/>',
    "a%26n=101": "a&n=101",
    "a+b%2Bc": "a b+c",
    "%25%2500": "%%00",
    "%C3%A9": "\u00c3\u00a9",
    "\u00e9\U0001f99c": "\u00e9\U0001f99c",
    "&lt;": "&lt;",
}


def test_the_id_of_a_message_reaches_the_registry_unescaped_once(post: Post) -> None:
    for value, meant in MESSAGES.items():
        trid = f"ack-{next(_numbers)}"

        answer, [request, *_] = post.ask(command(f'<poll op="ack" msgID={quoteattr("0100" + value)}/>', trid))

        assert answer.code == 2303
        assert attributes(only([request])) == {
            "ActionId": trid,
            "OriginatingRegistrarId": "100",
            "TransId": meant,
        }


def test_an_id_that_no_message_can_have_is_2005_and_nothing_is_sent(post: Post) -> None:
    for value in ("%00", "%01", "%1b", "%0b", "%", "%4", "%zz", "%u0041"):
        answer, requests = post.ask(command(f'<poll op="ack" msgID="0100{value}"/>', f"ack-{next(_numbers)}"))

        assert (answer.code, requests) == (2005, []), value


NO_NUMBERS = [
    "100&n=101",
    "100%00",
    "100 OR 1",
    "\uff11\uff10\uff10",
    "+100",
    "-100",
    "1e2",
    "100.0",
    "' OR ''='",
]


def test_a_client_id_that_is_no_number_is_2200_and_nothing_is_sent(post: Post) -> None:
    before = len(post.proxy.requests)

    def attack(number: int) -> None:
        with Client(post.daemon) as client:
            client.read()
            password = post.daemon.registrar(100)["password"]
            assert client.ask(login({"id": escape(NO_NUMBERS[number]), "password": password})).code == 2200

    in_parallel(len(NO_NUMBERS), attack)

    assert len(post.proxy.requests) == before


def test_a_client_id_is_a_number_however_it_is_written(post: Post) -> None:
    registrar = post.daemon.registrar(100)
    for written in ("100", "00100", "\n 100\t"):
        with Client(post.daemon) as client:
            client.read()
            assert client.ask(login(registrar | {"id": written})).code == 1000
        assert post.proxy.requests[-1].fields["n"] == b"100"


def test_a_new_password_reaches_the_registry_as_it_was_written_and_no_log(post: Post) -> None:
    password = "&\"'<a>%0d+=;\u00e9\u00a0"
    post.proxy.on(WRITE, failed)  # the registry itself never hears of it
    unit = login(post.daemon.registrar(101)).replace("</pw>", f"</pw><newPW>{escape(password)}</newPW>")
    with Client(post.daemon) as client:
        client.read()
        assert client.ask(unit).code == 2400
    assert post.proxy.all_done

    [request] = [one for one in post.proxy.requests if kind_of(one) == WRITE and one.fields["n"] == b"101"]
    [auth] = etree.fromstring(request.fields["r"]).iter("EPPAuth")
    assert attributes(auth) == {"Password": password}
    assert password not in post.daemon.log
