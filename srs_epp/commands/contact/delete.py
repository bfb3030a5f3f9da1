"""``<contact:delete>`` (RFC 5733 section 3.2.2): one HandleUpdate Delete="1"."""

from __future__ import annotations

from srs_epp.commands.mapping import Context, Mapping, handles
from srs_epp.epp.contact import read_id
from srs_epp.epp.namespaces import CONTACT
from srs_epp.epp.reader import Command
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import HandleUpdate


@handles("delete", CONTACT)
def delete_contact(command: Command, context: Context) -> Mapping:
    """2305 a domain still names it; 2303 no such contact."""
    assert command.payload is not None
    yield [
        HandleUpdate(action_id=context.action_id(command), handle_id=read_id(command.payload), delete=True)
    ]
    return Response(1000)
