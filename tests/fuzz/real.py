"""A session before the sandbox's real registry: signed requests over HTTP, a database behind them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from srs_epp.commands import EXTENSIONS, OBJECTS
from srs_epp.epp.reader import Services
from srs_epp.epp.writer import Greeting
from srs_epp.registry import Registry, RegistryServer
from srs_epp.session.identifiers import TransactionIds
from srs_epp.session.session import Session
from srs_epp.srs.client import Client
from srs_epp.srs.openpgp import Keyring, SigningKey, generate_key
from tests.support.answers import Answer
from tests.support.conversation import LOGIN, Conversation
from tests.support.registry import PASSWORD
from tests.support.settings import config

REGISTRAR = 100
ADDRESS = "192.0.2.7"


class RealConversation(Conversation):
    """A Conversation whose registry is a real one."""

    _numbers = itertools.count(1)

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.session = Session(
            self.stream,
            backend=client,
            config=config(),
            greeting=Greeting("eppd.example.nz", Services(OBJECTS, EXTENSIONS)),
            identifiers=TransactionIds(),
            peer_address=ADDRESS,
            sleep=self.slept.append,
        )
        self.session.connected()
        self.run()
        self.hear()

    def one(self, unit: str) -> Answer:
        """The answer to one data unit, which gets a clTRID that is its own."""
        trid = f"trid-{next(self._numbers)}"
        [answer] = self.ask(unit.replace("TEST-0001", trid))
        return answer


@dataclass
class Site:
    """A registry at work, an eppd's client to it, and a session that is logged in."""

    registry: Registry
    client: Client
    conversation: RealConversation = field(init=False)

    def __post_init__(self) -> None:
        self.conversation = self.connect()
        assert self.conversation.one(LOGIN).code == 1000

    def connect(self) -> RealConversation:
        return RealConversation(self.client)


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """A registry with one registrar, until the block is left."""
    signing, certificate = generate_key("eppd <eppd@example.nz>")
    registry_key, registry_certificate = generate_key("registry <registry@example.nz>")
    registry = Registry(folder / "registry.sqlite", signing_key=SigningKey(registry_key))
    registry.add_registrar(REGISTRAR, name="One Hundred", password=PASSWORD, keys=[certificate])
    registry.allow_address(REGISTRAR, ADDRESS)
    server = RegistryServer(registry, ("127.0.0.1", 0))
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    client = Client(server.url, signing_key=SigningKey(signing), keyring=Keyring([registry_certificate]))
    try:
        yield Site(registry, client)
    finally:
        client.close()
        server.shutdown()
        server.server_close()
        serving.join()
        registry.close()
