"""What the registry would answer, asked of the sandbox's registry once; the TransIds are new each time.

A letter stands for an action: W a Whois of a name that is free, w one of a domain that exists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.commands import CONTACT_ID, DOMAIN_NAME, NAME_SERVERS, PASSWORD, REGISTRAR
from srs_epp.commands.domain.info import FIELDS
from srs_epp.registry import Registry
from srs_epp.sandbox.folder import Folder
from srs_epp.srs import form
from srs_epp.srs.actions import (
    AccessControlListQry,
    Action,
    DomainCreate,
    DomainDetailsQry,
    GetMessages,
    HandleCreate,
    RegistrarDetailsQry,
    Whois,
)
from srs_epp.srs.crypt import hash_password
from srs_epp.srs.openpgp import SigningKey
from srs_epp.srs.transaction import Transaction
from srs_epp.srs.values import Phone, PostalAddress, Server

FILE = "answers.json"

LETTERS = {
    b"Whois": "W",
    b"DomainDetailsQry": "D",
    b"DomainCreate": "C",
    b"GetMessages": "M",
    b"RegistrarDetailsQry": "R",
    b"AccessControlListQry": "A",
}
_ACTION = re.compile(rb"<(" + b"|".join(LETTERS) + rb') (?:QryId|ActionId)="([^"]*)"')
_TRANS_ID = re.compile(rb'(?<=TransId=")[^"]*')
_RESPONSE = re.compile(rb"<Response .*</Response>", re.DOTALL)
_HASH = re.compile(rb'(<EPPAuth Password=")[^"]*')
# thousands of sessions log in, and what a hash of full strength costs is not what is measured
_PLACE = "@TransId@"
_CHEAP = "$5$rounds=1000$benchbench"


def prepare(folder: Folder) -> None:
    """Ask for one answer to each kind of action, and write them to the folder."""
    registry = folder.registry()
    try:
        found = _ask_all(registry, SigningKey.from_file(folder.file("proxy.key")))
    finally:
        registry.close()
    folder.file(FILE).write_text(json.dumps(found))


def _ask_all(registry: Registry, key: SigningKey) -> dict[str, str]:
    servers = tuple(Server(name) for name in NAME_SERVERS)
    holder = HandleCreate(
        action_id="bench-1",
        handle_id=CONTACT_ID,
        name="Kea & Co.",
        email="kea@bench.example",
        address=PostalAddress("1 Long Road", "Wellington", "NZ"),
        phone=Phone("64", "4", "5550100"),
    )
    create = DomainCreate(
        action_id="bench-2",
        name=DOMAIN_NAME,
        term=12,
        registrant=CONTACT_ID,
        admin=CONTACT_ID,
        tech=CONTACT_ID,
        servers=servers,
    )
    addresses = AccessControlListQry(
        resource="epp_connect", type="registrar_ip", registrar_id=REGISTRAR, address="127.0.0.1"
    )
    questions: Mapping[str, Action] = {
        "W": Whois("free-0.co.nz", full=False),
        "H": holder,
        "C": create,  # which leaves a message for M
        "w": Whois(DOMAIN_NAME, full=False),
        "D": DomainDetailsQry(DOMAIN_NAME, FIELDS),
        "M": GetMessages(),
        "R": RegistrarDetailsQry(REGISTRAR),
        "A": addresses,
    }
    found = {letter: _ask(registry, key, action) for letter, action in questions.items()}
    hashed = hash_password(PASSWORD, _CHEAP)
    found["R"] = _HASH.sub(lambda match: match[1] + hashed.encode(), found["R"])
    return {letter: response.decode() for letter, response in found.items()}


def _ask(registry: Registry, key: SigningKey, action: Action) -> bytes:
    document = Transaction(REGISTRAR, (action,)).document()
    body = form.encode({"r": document, "s": key.sign(document), "n": str(REGISTRAR)})
    answer = form.decode(registry.answer(body, form.MIME_TYPE))["r"]
    response = _RESPONSE.search(answer)
    if response is None or b"<Error" in answer:
        raise ValueError(f"the registry does not answer {action}: {answer.decode()}")
    return _TRANS_ID.sub(_PLACE.encode(), response[0], count=1)


class Answers:
    """Whole HTTP answers, each signed anew; the first of each kind is kept in a file, with its request.

    A signature that it has seen before would cost whoever verifies it a look into Sequoia's memory, no more.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = SigningKey.from_file(folder / "registry.key")
        self._responses: dict[str, str] = json.loads((folder / FILE).read_text())
        self._kept: set[str] = set()

    def to(self, body: bytes) -> bytes:
        """The HTTP answer to the body of a request: as many results as it has actions, and the right ones.

        The first of each kind goes into the folder as ``KIND.request`` and ``KIND.answer``.
        """
        actions = _ACTION.findall(form.decode(body)["r"])
        letters = self._letters(actions)
        answer = self._make(letters, [trans_id for _, trans_id in actions])
        if letters not in self._kept:
            self._kept.add(letters)
            (self._folder / f"{letters}.answer").write_bytes(answer)
            (self._folder / f"{letters}.request").write_bytes(body)
        return answer

    @staticmethod
    def _letters(actions: Sequence[tuple[bytes, bytes]]) -> str:
        # info asks Whois, then DomainDetailsQry; any other Whois is of a check
        return "".join(LETTERS[name] for name, _ in actions).replace("WD", "wD")

    def _make(self, letters: str, trans_ids: Sequence[bytes]) -> bytes:
        inner = "".join(
            self._responses[letter].replace(_PLACE, trans_id.decode(), 1)
            for letter, trans_id in zip(letters, trans_ids, strict=True)
        )
        document = (
            "<?xml version='1.0' encoding='UTF-8'?>\n"
            f'<NZSRSResponse VerMajor="5" VerMinor="0">{inner}</NZSRSResponse>'
        ).encode()
        body = form.encode({"r": document, "s": self._key.sign(document)})
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {form.MIME_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body
