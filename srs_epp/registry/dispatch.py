"""One action in, one Response out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lxml import etree

from srs_epp.registry import ledger, messages, records
from srs_epp.registry.actions import ACTIONS, Action
from srs_epp.registry.ledger import Kept
from srs_epp.registry.refusals import refusal
from srs_epp.registry.store import savepoint
from srs_epp.registry.transaction import Answer, Notice, Transaction
from srs_epp.srs.errors import SRSError
from srs_epp.srs.values import Element

FE_ID = 1  # the front end that answers requests; what jobs do is numbered by another one


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the actions of one request are answered, one after the other."""

    transaction: Transaction
    fe_seq: int
    effective: int

    def answer(self, element: Element) -> Element:
        """The Response to an action: its records, or the error that refused it and undid what it had done."""
        try:
            action = ACTIONS[str(element.tag)]
            if action.writes:
                return self._write(element, action)
            return self._response(element, action, self._run(element, action))
        except SRSError as error:
            return self._refused(element, error)

    def _write(self, element: Element, action: Action) -> Element:
        """Do it, unless the ActionId was used before; an action that was refused has used its id up too."""
        database, sender = self.transaction.database, self.transaction.sender
        action_id = element.get("ActionId") or ""
        if not action_id.strip():
            raise refusal("MISSING_MANDATORY_FIELD", "ActionId", str(element.tag))
        content = ledger.content(element, self.effective)
        earlier = ledger.find(sender, action_id, database)
        if earlier is not None:
            return _again(earlier, content, action_id)
        notices: Sequence[Notice] = ()
        try:
            with savepoint(database):
                answer = self._run(element, action)
                response = self._response(element, action, answer)
            notices = answer.notices
        except SRSError as error:
            response = self._refused(element, error)
        ledger.keep_action(sender, action_id, self.fe_seq, Kept(content, etree.tostring(response)), database)
        self._post(element, action, response, notices)
        return response

    def _post(self, element: Element, action: Action, response: Element, notices: Iterable[Notice]) -> None:
        """Put on the queues what the registrars are to learn of a write."""
        transaction = self.transaction
        for notice in notices:
            told = self._envelope(element, [notice.record], action=notice.action, recipient=notice.recipient)
            messages.post(told, transaction.seconds, transaction.database)
        for_another = self.effective != transaction.sender
        if action.announced and (for_another or response.find("Domain[@UDAI]") is not None):
            messages.post(response, transaction.seconds, transaction.database)

    def _run(self, element: Element, action: Action) -> Answer:
        if not self.transaction.roles.intersection(action.roles):
            raise refusal("PERMISSION_DENIED", action.roles[0])
        return action.handler(element, self.effective, self.transaction)

    def _response(self, element: Element, action: Action, answer: Answer) -> Element:
        response = self._envelope(element, answer.records)
        if action.rows:
            response.set("Rows", str(len(answer.records)))
        if answer.count is not None:
            response.set("Count", str(answer.count))
        if answer.more:
            response.set("MoreRowsAvailable", "1")
        return response

    def _refused(self, element: Element, error: SRSError) -> Element:
        return self._envelope(element, [records.error(error)])

    def _envelope(
        self,
        element: Element,
        children: Iterable[Element],
        *,
        action: str | None = None,
        recipient: int | None = None,
    ) -> Element:
        transaction = self.transaction
        return records.response(
            action or str(element.tag),
            (FE_ID, self.fe_seq),
            transaction.now,
            (transaction.sender, recipient or self.effective),
            _trans_id(element),
            children,
        )


def _trans_id(element: Element) -> str | None:
    """The id that the sender gave; in a query, an ActionId is that of another action."""
    return element.get("ActionId" if ACTIONS[str(element.tag)].writes else "QryId") or None


def _again(earlier: Kept, content: bytes, action_id: str) -> Element:
    if earlier.content != content:
        raise refusal("ACTION_ID_ALREADY_USED", action_id)
    return etree.fromstring(earlier.response)
