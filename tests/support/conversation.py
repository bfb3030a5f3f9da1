"""A session, its client and its registry, all in one thread."""

from __future__ import annotations

from collections.abc import Sequence

from srs_epp.commands import EXTENSIONS, OBJECTS
from srs_epp.epp.reader import Services
from srs_epp.epp.writer import Greeting
from srs_epp.session.framing import frame
from srs_epp.session.identifiers import TransactionIds
from srs_epp.session.session import Session
from tests.epp import documents
from tests.support.answers import Answer
from tests.support.registry import ScriptedRegistry
from tests.support.settings import config
from tests.support.streams import FakeStream

HELLO = documents.epp("<hello/>")
LOGIN = documents.login(services=documents.SERVICES + documents.EXTENSIONS)
LOGOUT = documents.epp("<command><logout/><clTRID>bye</clTRID></command>")
BROKEN = "<epp><command>"


def check(*names: str, trid: str = "check-1") -> str:
    """A domain check."""
    inner = "".join(f"<domain:name>{name}</domain:name>" for name in names)
    return documents.domain("check", inner, cltrid=trid)


def create(name: str = "new.co.nz", trid: str = "create-1") -> str:
    """A domain create: a write."""
    return documents.domain("create", f"<domain:name>{name}</domain:name>{documents.SECRET}", cltrid=trid)


class Conversation:
    """Says data units to a session and hears its answers, as a loop around a socket would."""

    def __init__(
        self,
        *,
        takes: int = 1 << 30,
        address: str = "192.0.2.7",
        certificate_names: Sequence[str] = (),
        **settings: object,
    ) -> None:
        self.slept: list[float] = []
        self.registry = ScriptedRegistry()
        self.stream = FakeStream(takes)
        self.session = Session(
            self.stream,
            backend=self.registry,
            config=config(**settings),
            greeting=Greeting("eppd.example.nz", Services(OBJECTS, EXTENSIONS)),
            identifiers=TransactionIds(),
            peer_address=address,
            certificate_names=certificate_names,
            sleep=self.slept.append,
        )

    @classmethod
    def opened(cls, **settings: object) -> Conversation:
        """Connected, the greeting heard."""
        conversation = cls(**settings)  # type: ignore[arg-type]
        conversation.session.connected()
        conversation.run()
        assert [answer.code for answer in conversation.hear()] == [0]
        return conversation

    @classmethod
    def logged_in(cls, **settings: object) -> Conversation:
        """Logged in as registrar 100; what the registry heard of it is forgotten."""
        conversation = cls.opened(**settings)
        assert conversation.codes(LOGIN) == [1000]
        conversation.registry.heard.clear()
        return conversation

    def ask(self, *units: str | bytes) -> list[Answer]:
        """Send these data units in one go; the answers that come."""
        self.send(*units)
        return self.hear()

    def codes(self, *units: str | bytes) -> list[int]:
        """The same, only the result codes; 0 for a greeting."""
        return [answer.code for answer in self.ask(*units)]

    def send(self, *units: str | bytes) -> None:
        """Send these data units in one go, and let the session run."""
        self.send_octets(framed(*units))

    def send_octets(self, octets: bytes) -> None:
        self.stream.coming += octets
        self.run()

    def half_close(self) -> None:
        """Send nothing more."""
        self.stream.ended = True
        self.run()

    def hear(self) -> list[Answer]:
        """The answers taken since the last time, each of them valid."""
        return [Answer.read(unit) for unit in self.stream.replies()]

    def run(self) -> None:
        """Let the session read and write until one side waits for the other."""
        while True:
            if self.session.wants_output and self.stream.takes:
                self.session.output_event()
            elif self.session.wants_input and self.stream.readable:
                self.session.input_event()
            else:
                return


def framed(*units: str | bytes) -> bytes:
    """The octets of these data units."""
    return b"".join(frame(unit.encode() if isinstance(unit, str) else unit) for unit in units)
