"""``<contact:check>`` (RFC 5733 section 3.1.1): one HandleDetailsQry with every id as HandleIdFilter."""

from __future__ import annotations

from srs_epp.commands.mapping import Context, Mapping, handles
from srs_epp.epp.contact import check_data, read_ids
from srs_epp.epp.namespaces import CONTACT
from srs_epp.epp.reader import Command
from srs_epp.epp.writer import Response
from srs_epp.srs.actions import HandleDetailsQry


@handles("check", CONTACT)
def check_contact(command: Command, _context: Context) -> Mapping:
    """A handle that the registry shows is in use; answered in the order asked."""
    assert command.payload is not None
    ids = read_ids(command.payload)
    [found] = yield [HandleDetailsQry(tuple(dict.fromkeys(ids)))]
    taken = {handle.contact.handle_id for handle in found.handles}
    answers = [(handle_id, "In use" if handle_id in taken else None) for handle_id in ids]
    return Response(1000, data=(check_data(answers),))
