"""Good clients beside hostile ones: whatever these do, the good ones are served, old and new."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

from tests.end_to_end.client import HELLO, LOGOUT, Client, Server, check
from tests.end_to_end.test_session import contact_info

PATIENCE = 30.0  # seconds for one more answer
PAUSE = 0.01  # seconds between two commands


class Neighbours:
    """One that stays, and one that comes again and again. What they must not see is in ``troubles``."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.troubles: list[str] = []
        self.waits: list[float] = []
        """Seconds for each answer."""
        self._visits = 0
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,)) for work in (self._stay, self._visit)
        ]

    def __enter__(self) -> Neighbours:
        for thread in self._threads:
            thread.start()
        with self._news:
            assert self._news.wait_for(lambda: self.waits or self.troubles, PATIENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self._threads)

    def see_each(self) -> None:
        """Wait until the one that stays has had an answer, and a new one a whole session, from now on."""
        with self._news:
            answers, visits = len(self.waits), self._visits
            # the visit under way may have begun before
            assert self._news.wait_for(
                lambda: self.troubles or (len(self.waits) > answers and self._visits > visits + 1), PATIENCE
            ), "the neighbours are not served"
        assert not self.troubles, self.troubles

    def report(self) -> str:
        """How long they have waited, their own validation of the answers included."""
        waits = sorted(self.waits)
        p99, longest = waits[len(waits) * 99 // 100] * 1000, waits[-1] * 1000
        return f"{len(waits)} answers to good clients: p99 {p99:.0f} ms, longest {longest:.0f} ms"

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            with self._news:
                self.troubles.append(f"{type(error).__name__}: {error}")
                self._news.notify_all()

    def _stay(self) -> None:
        with Client(self.server) as client:
            client.log_in(self.server.registrar(100))
            while not self._stop.wait(PAUSE):
                self._work(client)

    def _visit(self) -> None:
        while not self._stop.wait(PAUSE):
            with Client(self.server) as client:
                client.log_in(self.server.registrar(101))
                self._work(client)
                assert client.ask(LOGOUT).code == 1500
                assert client.at_end()
            with self._news:
                self._visits += 1
                self._news.notify_all()

    def _work(self, client: Client) -> None:
        for unit, code in ((check("neighbour.nz"), 1000), (contact_info("nobody"), 2303), (HELLO, None)):
            started = time.monotonic()
            answer = client.ask(unit)
            took = time.monotonic() - started
            assert answer.is_greeting if code is None else answer.code == code, answer.text
            with self._news:
                self.waits.append(took)
                self._news.notify_all()
