"""What a session asks of the process around it, and what it tells it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from srs_epp.commands.turns import Turns
from srs_epp.epp.reader import Command
from srs_epp.record import record


class Refusal(Enum):
    """Why a login was refused; the client is not told."""

    CLIENT_ID = "clID is not a number"
    UNKNOWN = "the registry does not know the registrar"
    SIGNATURE = "the registry does not accept our signature in the registrar's name"
    PASSWORD = "wrong password, or none set"
    ADDRESS = "the address is not on the registrar's list"
    CERTIFICATE_NAME = "no name of the client certificate is on the registrar's list"


@record
class Answered:
    """A command and what became of it.

    ``code``: None for a greeting. ``identities``: FeId,FeSeq of what the registry did. ``seconds``: from its
    last octet to its answer; ``registry_seconds``: those of them in which the registry was waited for.
    """

    command: Command
    code: int | None
    server_trid: str
    identities: Sequence[str]
    seconds: float
    registry_seconds: float


class Overseer:
    """This one lets everything pass and keeps no record: a session that is alone needs no other."""

    def __init__(self, turns: Turns | None = None) -> None:
        self.turns = Turns() if turns is None else turns

    def admit(self, registrar: int) -> bool:
        """Whether the registrar may have one more session; this one counts from now on."""
        return True

    def dismiss(self) -> None:
        """The session that was admitted has not come to be."""

    def pace(self, registrar: int) -> float:
        """Seconds to wait before the registrar's next command is run."""
        return 0.0

    def state(self, name: str) -> None:
        """The session is in this state now, and will be for some time."""

    def login_refused(self, client_id: str, why: Refusal) -> None:
        """A login has failed."""

    def answered(self, done: Answered) -> None:
        """A command has its answer."""

    def exchanged(self, actions: int, seconds: float, *, answered: bool) -> None:
        """A transaction of so many actions took so long, and the registry has answered, or not."""

    def recovered(self, outcome: str) -> None:
        """A write's unknown outcome was found out: "done", "not done", or "unknown" after all."""
