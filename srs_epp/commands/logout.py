"""``<logout>`` (RFC 5730 section 2.9.1.2): nothing to ask the registry."""

from __future__ import annotations

from srs_epp.commands.mapping import Context, Mapping, handles
from srs_epp.epp.reader import Command
from srs_epp.epp.writer import Response


@handles("logout", stalls=True)
def logout(_command: Command, _context: Context) -> Mapping:
    """1500; the session closes once it is sent."""
    yield from ()
    return Response(1500)
