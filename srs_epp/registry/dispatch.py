"""One action in, one Response out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from srs_epp.registry import ledger, records
from srs_epp.registry.actions import ACTIONS, Action
from srs_epp.registry.ledger import Kept
from srs_epp.registry.refusals import refusal
from srs_epp.registry.store import savepoint
from srs_epp.registry.transaction import Answer, Transaction
from srs_epp.srs.errors import SRSError
from srs_epp.srs.values import Element, make

FE_ID = 1  # this registry has one front end


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the actions of one request are answered, one after the other."""

    transaction: Transaction
    fe_seq: int
    effective: int

    def answer(self, element: Element) -> Element:
        """The Response to an action: its records, or the error that refused it and undid what it had done."""
        try:
            action = ACTIONS.get(str(element.tag))
            if action is None:
                raise refusal("UNKNOWN_TRANSACTION_TYPE", str(element.tag))
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
        try:
            with savepoint(database):
                response = self._response(element, action, self._run(element, action))
        except SRSError as error:
            response = self._refused(element, error)
        ledger.keep_action(sender, action_id, self.fe_seq, Kept(content, etree.tostring(response)), database)
        return response

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

    def _envelope(self, element: Element, children: Iterable[Element]) -> Element:
        response = make(
            "Response",
            Action=str(element.tag),
            FeId=FE_ID,
            FeSeq=self.fe_seq,
            OrigRegistrarId=self.transaction.sender,
            RecipientRegistrarId=self.effective,
            TransId=_trans_id(element),
        )
        response.append(records.moment("FeTimeStamp", self.transaction.now))
        response.extend(children)
        return response


def _trans_id(element: Element) -> str | None:
    """The id that the sender gave; in ActionDetailsQry the ActionId is that of another action."""
    name = "QryId" if element.tag == "ActionDetailsQry" else "ActionId"
    return element.get(name) or element.get("QryId") or None


def _again(earlier: Kept, content: bytes, action_id: str) -> Element:
    if earlier.content != content:
        raise refusal("ACTION_ID_ALREADY_USED", action_id)
    return etree.fromstring(earlier.response)
