"""``<poll>`` (RFC 5730 section 2.9.2.3): the registrar's message queue at the registry.

op="req"  ->  GetMessages, of one message
op="ack"  ->  AckMessage, then GetMessages again for the count: sources disagree about AckResponse/@Remaining

The transactions of a poll hold nothing else: an SRS rule.
"""

from __future__ import annotations

import logging

from srs_epp.commands.domain.record import info_data
from srs_epp.commands.identifiers import NAME_LENGTH
from srs_epp.commands.mapping import Ask, Context, Mapping, handles, registrar_name
from srs_epp.commands.messageids import NotAMessageId, message_id, parse_message_id
from srs_epp.commands.statuses import recorded_statuses
from srs_epp.epp.domain import transfer_data
from srs_epp.epp.markup import Markup
from srs_epp.epp.reader import Command
from srs_epp.epp.results import CommandFailed, ParameterSyntaxError, RequiredParameterMissing
from srs_epp.epp.writer import MessageQueue, Response
from srs_epp.srs.actions import AckMessage, GetMessages
from srs_epp.srs.backend import BackendError
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import AckResponse, Domain, DomainTransfer, Message, Result

log = logging.getLogger("eppd.mapping")


@handles("poll", stalls=True)
def poll(command: Command, context: Context) -> Mapping:
    """1300 no message, 1301 one; an ack: 1000, 2003 without msgID, 2005 not a msgID of ours, 2303 no such."""
    assert command.element is not None
    if command.element.get("op", "").strip() == "req":
        return (yield from _request(context))
    return (yield from _acknowledge(command, context))


def _request(context: Context) -> Mapping:
    [found] = yield Ask([GetMessages()], alone=True)
    message = found.first(Message)
    if message is None:
        return Response(1300)
    result = message.result
    return Response(
        1301,
        data=tuple(_data(result, context)),
        queue=MessageQueue(
            # Remaining does not count the one that is shown
            count=message.remaining + 1,
            id=message_id(result.originating_registrar_id or 0, result.trans_id),
            date=result.time,
            text=_text(result),
        ),
    )


def _acknowledge(command: Command, context: Context) -> Mapping:
    assert command.element is not None
    given = command.element.get("msgID")
    if given is None:
        raise RequiredParameterMissing("attribute msgID is missing", value="msgID")
    given = given.strip(" \t\r\n")  # no more: a TransId may end in white space that XML knows nothing of
    try:
        originator, trans_id = parse_message_id(given)
    except NotAMessageId as error:
        raise ParameterSyntaxError(str(error), value=given) from None
    [acknowledged] = yield Ask(
        [
            AckMessage(
                action_id=context.action_id(command),
                originating_registrar_id=originator,
                trans_id=trans_id,
            )
        ],
        alone=True,
    )
    taken = acknowledged.first(AckResponse)
    if taken is None:
        raise CommandFailed("the registry's answer does not say which message it took")
    try:
        [found] = yield Ask([GetMessages()], alone=True)
    except (SRSError, BackendError) as error:
        # the message is off the queue, and the client must know that; the count it can ask for
        context.log.warning("the number of messages left is not known: %s", error)
        return Response(1000)
    left = found.first(Message)
    return Response(
        1000,
        queue=MessageQueue(
            count=left.remaining + 1 if left else 0,
            id=message_id(taken.originating_registrar_id, taken.trans_id),
        ),
    )


def _text(result: Result) -> str:
    """What happened: the distinct texts of the records, in their order."""
    if result.error is not None:
        return "Error"
    if result.action == "DomainUpdate":
        texts = [_update_text(domain) for domain in result.all(Domain)] or ["Domain Update"]
        return "; ".join(dict.fromkeys(texts))
    return {"DomainTransfer": "Domain Transfer", "DomainCreate": "Domain Create"}.get(
        result.action, result.action
    )


def _update_text(domain: Domain) -> str:
    if domain.udai:
        return "New UDAI"
    if domain.audit and "RenewDomains" in domain.audit.text:
        return "Domain Renewal"
    return "Domain Update"


def _data(result: Result, context: Context) -> list[Markup]:
    found = []
    for transfer in result.all(DomainTransfer):
        for name in filter(_is_name, transfer.names):
            found.append(
                transfer_data(
                    name,
                    requester=registrar_name(result.originating_registrar_id or 0),
                    acting=registrar_name(context.registrar or 0),
                    moment=transfer.time,
                )
            )
    for domain in result.all(Domain):
        if _is_name(domain.name):
            found.append(info_data(domain, context, recorded_statuses(domain)).markup())
    return found


def _is_name(name: str) -> bool:
    if len(name) in NAME_LENGTH:
        return True
    log.warning("a domain in a message is left out, for its name has %d characters", len(name))
    return False
