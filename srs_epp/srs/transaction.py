"""Several actions in one NZSRSRequest, and the results that its response brings back, by position."""

from __future__ import annotations

import os
from dataclasses import field

from srs_epp.record import record
from srs_epp.srs import results
from srs_epp.srs.actions import Action
from srs_epp.srs.results import ResponseUnreadable, Result

VER_MAJOR, VER_MINOR = 5, 0  # of the protocol that we speak
_START = f'<NZSRSRequest VerMajor="{VER_MAJOR}" VerMinor="{VER_MINOR}">'
_LABEL_SIZE = 9  # octets, as unforeseeable as may be


@record
class Transaction:
    """What one POST carries: actions of one registrar, run by the registry in their order.

    ``label``: unlike that of any other; the registry gives it back with the results of queries.
    """

    registrar_id: int
    actions: tuple[Action, ...]
    label: str = field(default_factory=lambda: os.urandom(_LABEL_SIZE).hex(), compare=False)

    @property
    def writes(self) -> bool:
        """Whether any action changes the register, so that this must never be sent a second time blindly."""
        return any(action.writes for action in self.actions)

    def document(self) -> bytes:
        """The NZSRSRequest, UTF-8, without line breaks: some HTTP libraries would turn them into others."""
        # a line break inside a value is &#10; in an attribute; in text it stays, and is signed as it is
        actions = [action.xml() if action.writes else action.labelled(self.label) for action in self.actions]
        return f"{_START}{''.join(actions)}</NZSRSRequest>".encode()

    def results(self, document: bytes) -> list[Result]:
        """One result for each action, from the response document.

        SRSError (``whole``) where the registry refused the whole request; ResponseUnreadable where the
        document is no response, has not as many results as there are actions, or answers another request: a
        signature says who wrote it, but not to what.
        """
        found = results.parse(document)
        if len(found) != len(self.actions):
            raise ResponseUnreadable(f"{len(found)} results for {len(self.actions)} requests")
        for action, result in zip(self.actions, found, strict=True):
            # a registry may leave them out, but not have those of somebody else
            if result.trans_id not in ("", action.id or self.label):
                raise ResponseUnreadable("it answers another request, by its TransId")
            if result.originating_registrar_id not in (None, self.registrar_id):
                raise ResponseUnreadable("it answers another registrar's request")
        return found
