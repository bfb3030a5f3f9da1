"""What became of a write that the registry did not answer: found out by its ActionId, not guessed.

The registry stores every write with its response. Right after a time-out the write may still be running, so
"not known" is asked again, with growing pauses, and believed only at the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from lxml import etree

from srs_epp.srs import results
from srs_epp.srs.actions import Action, ActionDetailsQry
from srs_epp.srs.client import Backend, BackendError
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import RawRequest, RawResponse, ResponseUnreadable, Result
from srs_epp.srs.transaction import Transaction
from srs_epp.srs.values import Element

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between two questions; doubled each time
LEAST_PATIENCE = 1.0  # seconds that the registry has for one question, however late it is


class OutcomeUnknown(BackendError):
    """Whether the registry has done the write can't be found out now."""


class NotDone(BackendError):
    """The registry does not know the write, and can't still be working on it."""


class Stored:
    """A stored request and its response."""

    def __init__(self, request: bytes, response: bytes) -> None:
        """ResponseUnreadable where they are not what they should be."""
        try:
            self._actions = list(etree.fromstring(request, results.parser()))
        except etree.XMLSyntaxError as error:
            raise ResponseUnreadable(f"a stored request is not XML (line {error.lineno})") from None
        self._results: list[Result] | SRSError
        try:
            self._results = results.parse(response)
        except SRSError as error:
            self._results = error

    def result_of(self, action: Action) -> Result | None:
        """The result of an action that equals ``action``; None where the request had none."""
        wanted = _canonical(action.element())
        for position, element in enumerate(self._actions):
            if _canonical(element) == wanted:
                if isinstance(self._results, SRSError):
                    return Result("", None, error=self._results)
                if position < len(self._results):
                    return self._results[position]
        return None


class Recovery:
    """Finds out, for one registrar, what became of writes sent at ``sent`` (on time.monotonic()'s clock).

    ``deadline``: when to give up. ``registry_timeout``: seconds after sending from which the registry itself
    has given a request up, so that one it does not know was never done.
    """

    def __init__(
        self,
        backend: Backend,
        registrar_id: int,
        *,
        sent: float,
        deadline: float,
        registry_timeout: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._backend = backend
        self._registrar_id = registrar_id
        self._deadline = deadline
        self._given_up = sent + registry_timeout
        self._sleep = sleep

    def stored(self, action_id: str) -> Stored:
        """The stored request and response of a write. NotDone, OutcomeUnknown."""
        pause = FIRST_PAUSE
        while True:
            answered = False
            try:
                [answer] = self.ask(ActionDetailsQry(action_id))
                answered = True
                request, response = answer.first(RawRequest), answer.first(RawResponse)
                if request is not None and response is not None:
                    return Stored(request.xml, response.xml)
            except SRSError:
                answered = True
            except (BackendError, ResponseUnreadable):
                pass
            if time.monotonic() + pause >= self._deadline:
                break
            self._sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        if answered and time.monotonic() >= self._given_up:
            raise NotDone("the registry does not know it")
        raise OutcomeUnknown("the registry does not know it yet" if answered else "the registry is silent")

    def ask(self, *actions: Action) -> list[Result]:
        """The results of queries, in what is left of the time."""
        left = max(LEAST_PATIENCE, self._deadline - time.monotonic())
        return self._backend.exchange(Transaction(self._registrar_id, actions), timeout=left)


def _canonical(element: Element) -> bytes:
    """The element so that equal ones are equal octets: the order of attributes does not count."""
    return bytes(etree.tostring(element, method="c14n2", with_tail=False))
