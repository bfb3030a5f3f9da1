"""Whatever the registry answers to whatever command, the client gets one valid response.

The first octet chooses the command, the rest is the registry's document. Its results are dealt out to the
questions of the mapping, and once more from the first when there are too few.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from srs_epp.commands import EXTENSIONS, OBJECTS, REGISTER
from srs_epp.commands.errors import translate
from srs_epp.commands.mapping import Ask, Context
from srs_epp.epp.reader import Command, Services, read
from srs_epp.epp.results import EppError
from srs_epp.epp.writer import Response
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import ResponseUnreadable, Result, parse
from tests.epp import documents
from tests.fuzz.srsdocuments import DOCUMENTS, VALUES
from tests.fuzz.xmlmutator import XMLMutator
from tests.support.settings import config
from tests.support.validity import assert_valid

NAME = "<domain:name>kakapo.co.nz</domain:name>"
UDAI = "<domain:authInfo><domain:pw>Hk7mNp2Q</domain:pw></domain:authInfo>"
SERVER = "<domain:ns><domain:hostAttr><domain:hostName>{}</domain:hostName></domain:hostAttr></domain:ns>"
COMMANDS = (
    documents.domain("check", f"{NAME}<domain:name>moa.nz</domain:name>"),
    documents.domain("info", NAME),
    documents.domain("info", NAME + UDAI),
    documents.domain("create", NAME + UDAI),
    documents.domain(
        "update",
        f'{NAME}<domain:add>{SERVER.format("ns3.moa.nz")}<domain:contact type="admin">tui-1</domain:contact>'
        f"</domain:add><domain:rem>{SERVER.format('ns1.kakapo.co.nz')}"
        '<domain:contact type="admin">moana-1</domain:contact></domain:rem>',
        documents.payload("secDNS", "update", f"<secDNS:add>{documents.DS}</secDNS:add>"),
    ),
    documents.domain("update", f'{NAME}<domain:add><domain:status s="clientHold"/></domain:add>'),
    documents.domain("update", NAME, documents.payload("rgp", "update", '<rgp:restore op="request"/>')),
    documents.domain("renew", f"{NAME}<domain:curExpDate>2024-07-01</domain:curExpDate>"),
    documents.domain("transfer", NAME + UDAI, op="request"),
    documents.domain(
        "transfer", f'{NAME}<domain:period unit="y">1</domain:period>{UDAI}', op="request"
    ),
    documents.domain("delete", NAME),
    documents.contact("check", "<contact:id>moana-1</contact:id><contact:id>tui-1</contact:id>"),
    documents.contact("info", "<contact:id>moana-1</contact:id>"),
    documents.contact("delete", "<contact:id>moana-1</contact:id>"),
    documents.contact(
        "create",
        f'<contact:id>moana-1</contact:id><contact:postalInfo type="int"><contact:name>M</contact:name>'
        "<contact:addr><contact:street>1 A St</contact:street><contact:city>W</contact:city>"
        "<contact:cc>NZ</contact:cc></contact:addr></contact:postalInfo><contact:voice>+64.4</contact:voice>"
        f"<contact:email>a@b.nz</contact:email>{documents.CONTACT_SECRET}",
    ),
    documents.contact(
        "update",
        "<contact:id>moana-1</contact:id><contact:chg><contact:email>a@b.nz</contact:email></contact:chg>",
    ),
    documents.DOCUMENTS["epp-poll-req"],
    documents.DOCUMENTS["epp-poll-ack"].replace("12345", "0090t"),
)  # fmt: skip
SERVICES = Services(OBJECTS, EXTENSIONS)
CONTEXT = Context(config(), "192.0.2.7", registrar=100, services=SERVICES, server_trid="sv-1")
MOST_QUESTIONS = 4


def _read(document: str) -> Command:
    command = read(document.encode())
    command.check_services(SERVICES, SERVICES)
    command.check_schema()
    return command


READ = tuple(map(_read, COMMANDS))


def seeds() -> Iterator[bytes]:
    """Each document to each command."""
    for number in range(len(COMMANDS)):
        for document in DOCUMENTS.values():
            yield bytes([number]) + document.encode()


def mutator() -> Callable[[bytes, int, int], bytes]:
    mutate = XMLMutator([document.encode() for document in DOCUMENTS.values()], VALUES)

    def mutate_rest(octets: bytes, most: int, seed: int) -> bytes:
        number = octets[:1] if seed % 8 else bytes([seed // 8 % len(COMMANDS)])
        return number + mutate(octets[1:], most - 1, seed)

    return mutate_rest


def check(octets: bytes) -> None:
    if not octets:
        return
    command = READ[octets[0] % len(READ)]
    try:
        results: list[Result] | SRSError = parse(octets[1:])
    except ResponseUnreadable:
        return
    except SRSError as error:
        results = error
    if results == []:
        return
    response = _response(command, results)
    assert_valid(response.identified(command.client_trid, "sv-1").octets())


def _response(command: Command, results: list[Result] | SRSError) -> Response:
    """What a session answers; anything else that is raised is a fault, though it would make a 2400 of it."""
    mapping = REGISTER[command.verb, command.namespace].run(
        command, CONTEXT.of_command("sv-1", time.monotonic())
    )
    dealt = 0
    try:
        asked = next(mapping)
        for _ in range(MOST_QUESTIONS):
            ask = asked if isinstance(asked, Ask) else Ask(asked)
            if isinstance(results, SRSError):
                asked = mapping.throw(results)
                continue
            hand = [results[(dealt + number) % len(results)] for number in range(len(ask.actions))]
            dealt += len(hand)
            error = next((result.error for result in hand if result.error is not None), None)
            asked = mapping.throw(error) if error is not None and not ask.settle else mapping.send(hand)
    except StopIteration as done:
        response: Response = done.value
        return response
    except EppError as error:
        return Response.refusing(error)
    except SRSError as error:
        return Response.refusing(translate(error))
    finally:
        mapping.close()
    raise AssertionError(f"more than {MOST_QUESTIONS} questions")
