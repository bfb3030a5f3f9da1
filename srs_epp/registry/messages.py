"""The queues of the registrars: what was done for a registrar by others, or made for it by the registry.

A message is the Response to the write that caused it, as it was, and is named by who sent the write
(OrigRegistrarId) and its ActionId (TransId). What a registrar caused itself is of the type
server-generated-data, everything else of the type third-party.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from lxml import etree

from srs_epp.registry import matching, registrars
from srs_epp.registry.elements import make
from srs_epp.registry.fields import DateRange, whole_number
from srs_epp.registry.months import to_seconds
from srs_epp.registry.paging import Page
from srs_epp.registry.refusals import refusal
from srs_epp.registry.transaction import Answer, Transaction
from srs_epp.srs.values import Element, attribute, flag, text_of

_QUEUE = """
    SELECT 'messages' AS source, message_id AS number, originator, trans_id, moment FROM messages
    WHERE recipient = :owner AND acknowledged IS NULL
"""
# what others have done for the registrar, on its queue still or not, and all that it has done itself
_HISTORY = """
    SELECT 'messages' AS source, message_id AS number, originator, trans_id, moment FROM messages
    WHERE recipient = :owner AND originator <> :owner
    UNION ALL
    SELECT 'actions', actions.rowid, actions.registrar_id, action_id, moment FROM actions JOIN requests
    USING (fe_seq) WHERE actions.registrar_id = :owner
"""


def post(response: Element, seconds: int, database: sqlite3.Connection) -> None:
    """Put a Response on the queue of its recipient, as it is."""
    database.execute(
        "INSERT INTO messages (recipient, originator, trans_id, moment, response) VALUES (?, ?, ?, ?, ?)",
        (
            int(response.get("RecipientRegistrarId", "")),
            int(response.get("OrigRegistrarId", "")),
            response.get("TransId", ""),
            seconds,
            etree.tostring(response),
        ),
    )


def get(query: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """GetMessages: the effective registrar's queue, or stored Responses by ActionId or date; oldest first."""
    page, queued = Page.read(query), flag(query, "QueueMode") is True
    if not queued and "ActionId" not in query.attrib and query.find("TransDateRange") is None:
        raise refusal("NO_MESSAGE_FILTER_VALUES")
    database = transaction.database
    owner = _owner(query, registrar_id, database)
    found = list(_found(query, _QUEUE if queued else _HISTORY, owner, database))
    if not queued:
        return page.of(found, lambda row: _stored(row, database))
    behind = range(len(found) - 1, -1, -1)
    return page.of(
        zip(behind, found, strict=True),
        lambda numbered: _message(_stored(numbered[1], database), remaining=numbered[0]),
    )


def acknowledge(order: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """AckMessage: take a message off the queue, which is named character for character."""
    originator, trans_id = order.get("OriginatingRegistrarId", ""), order.get("TransId", "")
    # a name that came twice stands for the older one that is still on the queue
    found = transaction.database.execute(
        "SELECT message_id, acknowledged FROM messages WHERE recipient = ? AND originator = ?"
        " AND trans_id = ? ORDER BY acknowledged IS NOT NULL, message_id",
        (registrar_id, whole_number(originator.strip(), "OriginatingRegistrarId"), trans_id),
    ).fetchone()
    if found is None:
        raise refusal("MESSAGE_DOES_NOT_EXIST", originator, trans_id)
    if found["acknowledged"] is not None:
        raise refusal("ALREADY_ACKED_MESSAGE", originator, trans_id)
    transaction.database.execute(
        "UPDATE messages SET acknowledged = ? WHERE message_id = ?",
        (transaction.seconds, found["message_id"]),
    )
    return Answer([make("AckResponse", OriginatingRegistrarId=originator, TransId=trans_id)])


def reset(order: Element, registrar_id: int, transaction: Transaction) -> Answer:
    """ResetMsgQ: empty the queue."""
    transaction.database.execute(
        "UPDATE messages SET acknowledged = ? WHERE recipient = ? AND acknowledged IS NULL",
        (transaction.seconds, registrar_id),
    )
    return Answer()


def _owner(query: Element, registrar_id: int, database: sqlite3.Connection) -> int:
    """Whose messages are asked for: the registry may look at anybody's."""
    wanted = attribute(query, "RecipientRegistrarId")
    owner = whole_number(wanted, "RecipientRegistrarId") if wanted is not None else registrar_id
    if owner != registrar_id and "Registry" not in registrars.roles(registrar_id, database):
        raise refusal("PERMISSION_DENIED", "Registry")
    return owner


def _found(query: Element, source: str, owner: int, database: sqlite3.Connection) -> Iterator[sqlite3.Row]:
    conditions, values = _conditions(query)
    # the clock may have been put back; on a queue nothing gets ahead by that
    order = "number" if source == _QUEUE else "moment, number"
    rows = database.execute(
        f"SELECT source, number FROM ({source}) WHERE {' AND '.join(conditions)} ORDER BY {order}",
        {"owner": owner, **values},
    )
    audit = query.find("AuditTextFilter")
    if audit is None:
        yield from rows
        return
    matches = matching.pattern(text_of(audit))
    for row in rows:
        if any(matches(text_of(text)) for text in _stored(row, database).iter("AuditText")):
            yield row


def _conditions(query: Element) -> tuple[list[str], dict[str, str | int]]:
    """The filters as SQL, with the values in it; the audit text is in the Responses only."""
    conditions, values = ["TRUE"], dict[str, str | int]()
    types = {one.get("Type") for one in query.iterchildren("TypeFilter")}
    originator = attribute(query, "OriginatingRegistrarId")
    if types == {"third-party"} or originator == "OTHERS":
        conditions.append("originator <> :owner")
    if types == {"server-generated-data"}:
        conditions.append("originator = :owner")
    if originator not in (None, "OTHERS"):
        conditions.append("originator = :originator")
        values["originator"] = whole_number(str(originator), "OriginatingRegistrarId")
    if "ActionId" in query.attrib:
        conditions.append("trans_id = :trans_id")
        values["trans_id"] = query.get("ActionId", "")
    dates = query.find("TransDateRange")
    if dates is not None:
        range_ = DateRange.read(dates)
        for bound, moment in ((">=", range_.start), ("<=", range_.end)):
            if moment is not None:
                conditions.append(f"moment {bound} {to_seconds(moment)}")
    return conditions, values


def _stored(row: sqlite3.Row, database: sqlite3.Connection) -> Element:
    [(response,)] = database.execute(
        f"SELECT response FROM {row['source']} WHERE rowid = ?", (row["number"],)
    )
    return etree.fromstring(response)


def _message(response: Element, *, remaining: int) -> Element:
    message = make("Message", Remaining=remaining)
    message.append(response)
    return message
