"""What became of a write that the registry did not answer: found out by its ActionId, not guessed.

The registry stores every write with its response. Right after a time-out the write may still be running, so
"not known" is asked again, with growing pauses, and believed once the registry must have given the write up.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from lxml import etree

from srs_epp.srs import results
from srs_epp.srs.actions import Action, ActionDetailsQry
from srs_epp.srs.backend import Backend, BackendError, untied
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import RawRequest, RawResponse, ResponseUnreadable, Result
from srs_epp.srs.transaction import Transaction
from srs_epp.srs.values import Element
from srs_epp.tree import own_parser

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
            self._actions = list(etree.fromstring(request, own_parser()))
        except etree.XMLSyntaxError as error:
            raise ResponseUnreadable(f"a stored request is not XML (line {error.lineno})") from None
        for element in self._actions:
            element.attrib.pop("QryId", None)  # of the transaction in which it was sent
        try:
            self._results = results.parse(response)
        except SRSError as error:
            self._results = [Result("", None, error=untied(error))] * len(self._actions)
        if len(self._results) != len(self._actions):
            raise ResponseUnreadable(
                f"{len(self._results)} results are stored for {len(self._actions)} requests"
            )

    def result_of(self, action: Action) -> Result | None:
        """The result of an action that equals ``action``; None where the request had none."""
        wanted = _canonical(action.element())
        for element, result in zip(self._actions, self._results, strict=True):
            if _canonical(element) == wanted:
                return result
        return None


class Recovery:
    """Finds out, for one registrar, what became of writes.

    ``sent``: the latest moment at which they can have been sent, on time.monotonic()'s clock.

    ``deadline``: when to give up. ``patience``: most seconds that the registry has for one question, so that
    one that gets lost does not take the time of all. ``registry_timeout``: seconds after ``sent`` from which
    the registry itself has given a request up, so that one it does not know was never done.
    """

    def __init__(
        self,
        backend: Backend,
        registrar_id: int,
        *,
        sent: float,
        deadline: float,
        patience: float,
        registry_timeout: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._backend = backend
        self._registrar_id = registrar_id
        self._deadline = deadline
        self._patience = patience
        self._given_up = sent + registry_timeout
        self._sleep = sleep

    def stored(self, action_id: str) -> Stored:
        """The stored request and response of a write. NotDone, OutcomeUnknown."""
        pause = FIRST_PAUSE
        while True:
            asked = time.monotonic()
            answer = self._answer(action_id)
            if answer is not None:
                if (found := _stored(answer)) is not None:
                    return found
                if answer.error is None and not answer.records and asked >= self._given_up:
                    raise NotDone("the registry does not know it")
            left = self._deadline - time.monotonic()
            if left <= 0:
                break
            self._sleep(min(pause, left))
            pause = min(pause * 2, LONGEST_PAUSE)
        if answer is None:
            raise OutcomeUnknown("the registry is silent")
        if answer.error is not None:
            # a registry that can not look does not know that it was not done
            raise OutcomeUnknown(f"the registry can't tell: {answer.error}")
        raise OutcomeUnknown("the registry does not know it yet")

    def ask(self, *actions: Action) -> list[Result]:
        """The results of queries, in what is left of the time."""
        left = max(LEAST_PATIENCE, self._deadline - time.monotonic())
        transaction = Transaction(self._registrar_id, actions)
        return self._backend.exchange(transaction, timeout=min(left, self._patience))

    def _answer(self, action_id: str) -> Result | None:
        """What the registry says of a write, be it an error; None where it gives no usable answer."""
        try:
            [answer] = self.ask(ActionDetailsQry(action_id))
        except SRSError as error:
            return Result("", None, error=untied(error))
        except (BackendError, ResponseUnreadable):
            return None
        return answer


def _stored(answer: Result) -> Stored | None:
    """What is stored; None where nothing is, or half of it. OutcomeUnknown where it can't be read."""
    request, response = answer.first(RawRequest), answer.first(RawResponse)
    if request is None or response is None:
        return None
    try:
        return Stored(request.xml, response.xml)
    except ResponseUnreadable as error:
        raise OutcomeUnknown(f"what is stored can't be read: {error}") from None


def _canonical(element: Element) -> bytes:
    """The element so that equal ones are equal octets: the order of attributes does not count."""
    return bytes(etree.tostring(element, method="c14n2", with_tail=False))
