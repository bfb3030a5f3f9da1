"""The two queues of a session: commands, which are answered in order, and what they ask of the registry."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from srs_epp.commands.mapping import Ask, Handler, Mapping
from srs_epp.epp.reader import Command
from srs_epp.epp.writer import Greeting, Response
from srs_epp.record import record
from srs_epp.session.states import Event
from srs_epp.srs.actions import Action
from srs_epp.srs.results import Result


@dataclass(slots=True, eq=False)
class Entry:
    """A command from being read to being answered.

    ``late``: it came when the server was going away already, and is not run. ``final``: the session ends
    once it is answered. ``identities``: FeId,FeSeq of what the registry did. ``registry_seconds``: how
    long that was waited for.
    """

    command: Command
    event: Event
    received: float
    server_trid: str
    handler: Handler | None = None
    late: bool = False
    final: bool = False
    mapping: Mapping | None = None
    reply: Response | Greeting | None = None
    wrote: bool = False
    identities: list[str] = field(default_factory=list)
    registry_seconds: float = 0.0

    @property
    def stalls(self) -> bool:
        """Whether those behind it wait until it is answered."""
        return self.final or (not self.late and self.handler is not None and self.handler.stalls)


class CommandQueue:
    """Entries in the order in which they were read; some at its head are started, none behind them."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._started = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def head(self) -> Entry | None:
        """The oldest entry not yet answered."""
        return self._entries[0] if self._entries else None

    @property
    def waiting(self) -> int:
        """Entries that are not started."""
        return len(self._entries) - self._started

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)

    def startable(self) -> Entry | None:
        """The next entry to start; None where there is none, or where one before it holds it back."""
        started = self._started
        if started == len(self._entries) or (started and self._entries[started - 1].stalls):
            return None
        return self._entries[started]

    def start(self) -> None:
        """Count the startable entry as started."""
        self._started += 1

    def answered(self) -> Iterator[Entry]:
        """Take the entries off the head that have their reply."""
        while self._entries and self._entries[0].reply is not None:
            self._started -= 1
            yield self._entries.popleft()

    def clear(self) -> None:
        """Forget everything: the session ends."""
        self._entries.clear()
        self._started = 0


@dataclass(slots=True, eq=False)
class Inquiry:
    """What one command asks at one time, and the results that it has so far.

    ``over``: an error of one part has gone to the command, which wants no other part any more.
    """

    entry: Entry
    ask: Ask
    results: list[Result] = field(default_factory=list)
    sent: int = 0
    over: bool = False

    @property
    def left(self) -> int:
        """Actions that are in no transaction yet, and are to be."""
        return 0 if self.over else len(self.ask.actions) - self.sent


@record
class Part:
    """Those actions of an inquiry that travel in one transaction."""

    inquiry: Inquiry
    actions: tuple[Action, ...]


class BackendQueue:
    """Inquiries in the order of their commands, handed out by the transaction."""

    def __init__(self) -> None:
        self._inquiries: deque[Inquiry] = deque()

    def __len__(self) -> int:
        """Actions waiting."""
        return sum([inquiry.left for inquiry in self._inquiries]) if self._inquiries else 0

    def add(self, inquiry: Inquiry) -> None:
        self._inquiries.append(inquiry)

    def take(self, most: int) -> list[Part]:
        """The next transaction: parts for one registrar, of at most ``most`` actions in all.

        An inquiry is cut only if it does not fit into a transaction of its own.
        """
        parts: list[Part] = []
        room = most
        while self._inquiries and room:
            inquiry = self._inquiries[0]
            if inquiry.over:
                self._inquiries.popleft()
                continue
            if parts and not self._fits(inquiry, parts[0].inquiry, room):
                break
            actions = tuple(inquiry.ask.actions[inquiry.sent : inquiry.sent + room])
            inquiry.sent += len(actions)
            room -= len(actions)
            parts.append(Part(inquiry, actions))
            if not inquiry.left:
                self._inquiries.popleft()
            if inquiry.ask.alone:
                break
        return parts

    @staticmethod
    def _fits(inquiry: Inquiry, first: Inquiry, room: int) -> bool:
        return inquiry.left <= room and not inquiry.ask.alone and inquiry.ask.registrar == first.ask.registrar

    def clear(self) -> None:
        self._inquiries.clear()
