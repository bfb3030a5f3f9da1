"""What a client sends: octets to a Command that is valid, or to an answer that is; and on to the registry.

A valid command's mapping is run up to its first question, which has to be a valid SRS request.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from lxml import etree

from srs_epp.commands import EXTENSIONS, OBJECTS, REGISTER
from srs_epp.commands.mapping import Ask, Context
from srs_epp.epp.namespaces import EPP
from srs_epp.epp.reader import VERBS, Command, Services, load_schema, read
from srs_epp.epp.results import EppError
from srs_epp.epp.writer import Response
from srs_epp.srs.transaction import Transaction
from tests.epp.documents import DOCUMENTS
from tests.fuzz.xmlmutator import XMLMutator
from tests.srs.test_schema import REQUESTS
from tests.support.settings import config
from tests.support.validity import assert_valid

OFFERED = Services(OBJECTS, EXTENSIONS)
REFUSALS = {2000, 2001, 2003, 2004, 2005, 2100, 2102, 2103, 2307}  # of what is no valid command at all
SECRETS = {"pw", "newPW", "authInfo"}
SECRET_WORDS = ("2fooBAR", "se cret", "16 octets at top")  # of the documents
SCHEMA = load_schema()
CONTEXT = Context(config(), "192.0.2.7", registrar=100, services=OFFERED, server_trid="sv-1")


def seeds() -> Iterator[bytes]:
    """Every command that EPP has; and responses, which a client may not send."""
    for name, document in DOCUMENTS.items():
        if not name.endswith("-response") or name.startswith("epp-"):
            yield document.encode()


def mutator() -> Callable[[bytes, int, int], bytes]:
    return XMLMutator([document.encode() for document in DOCUMENTS.values()])


def check(octets: bytes) -> None:
    command = read(octets)
    secrets = _secrets(octets)
    try:
        command.check_services(OFFERED, OFFERED)
        command.check_schema()
    except EppError as refusal:
        response = Response.refusing(refusal)
    else:
        _assert_right(octets, command)
        if command.element is not None:
            _ask(command, secrets)
        return
    assert response.code in REFUSALS, response
    answered(response, command, secrets)


def answered(response: Response, command: Command, secrets: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    """See that the client gets a valid answer, in which there is none of its secrets."""
    xml = response.identified(command.client_trid, "sv-1").octets()
    root = assert_valid(xml)
    trid = root.findtext(f"{EPP('response')}/{EPP('trID')}/{EPP('clTRID')}")
    assert trid == command.client_trid
    for secret in secrets:
        assert secret not in xml.decode(), f"a secret in {xml.decode()}"


def _assert_right(octets: bytes, command: Command) -> None:
    """What was let pass is one of EPP's commands, in a document that anybody else would call valid."""
    root = etree.fromstring(octets, etree.XMLParser(resolve_entities=False, load_dtd=False))
    assert root.getroottree().docinfo.internalDTD is None
    if command.verb == "hello":
        assert [child.tag for child in root.iterchildren(etree.Element)] == [EPP("hello")]
    else:
        assert command.verb in VERBS
        assert root.find(f"{EPP('command')}/{EPP(command.verb)}") is not None
        trid = root.findtext(f"{EPP('command')}/{EPP('clTRID')}")
        assert (command.client_trid is None) == (trid is None)
    assert_valid(etree.tostring(root))


def _ask(command: Command, secrets: set[str]) -> None:
    """Run the mapping up to its first question."""
    handler = REGISTER.get((command.verb, command.namespace))
    if handler is None:
        return
    mapping = handler.run(command, CONTEXT.of_command("sv-1", time.monotonic() - 10))
    try:
        asked = next(mapping)
    except StopIteration as done:
        answered(done.value, command, secrets)
    except EppError as refusal:
        answered(Response.refusing(refusal), command, secrets)
    else:
        actions = asked.actions if isinstance(asked, Ask) else asked
        assert actions
        document = etree.fromstring(Transaction(100, tuple(actions)).document())
        assert REQUESTS.validate(document), f"{REQUESTS.error_log} {etree.tostring(document)!r}"
        mapping.close()


def _secrets(octets: bytes) -> set[str]:
    """Those of the documents' secrets that stand in a password or in authInfo, and nowhere else."""
    try:
        root = etree.fromstring(octets, etree.XMLParser(resolve_entities=False, load_dtd=False))
    except (etree.XMLSyntaxError, ValueError):
        return set()
    whole = etree.tostring(root, encoding="unicode")
    holders = [element for element in root.iter(etree.Element) if element.tag.rpartition("}")[2] in SECRETS]
    texts = [text for holder in holders for text in holder.itertext()]
    return {
        words for words in SECRET_WORDS if whole.count(words) == 1 and any(words in text for text in texts)
    }
