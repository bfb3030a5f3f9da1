"""What is kept of connections and commands: in the audit log, and in numbers; how a session adds to it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from lxml import etree

from srs_epp.commands.mapping import registrar_name
from srs_epp.commands.overseer import Answered, Overseer, Refusal
from srs_epp.commands.turns import Turns
from srs_epp.config import Config
from srs_epp.daemon.audit import AuditLog
from srs_epp.daemon.logs import ConnectionLog
from srs_epp.daemon.metrics import Metrics
from srs_epp.daemon.table import Full, Table
from srs_epp.epp.namespaces import CONTACT, DOMAIN, HOST
from srs_epp.epp.reader import Command
from srs_epp.session.states import State

_STATE_NUMBERS = {str(state): number for number, state in enumerate(State)}
STATE_NAMES = tuple(map(str, State))

_MAPPINGS: Mapping[str, str] = {DOMAIN: "domain", CONTACT: "contact", HOST: "host"}
_LONGEST_OBJECT = 8192  # characters of the names in a check
_LONGEST_CLIENT_ID = 64  # characters; what is longer is none

# what a row of the audit log calls a login's refusal, so that one can look for it
_LOGIN_REASONS = {
    Refusal.CLIENT_ID: "client-id",
    Refusal.UNKNOWN: "unknown-registrar",
    Refusal.SIGNATURE: "signature",
    Refusal.PASSWORD: "password",
    Refusal.ADDRESS: "address",
    Refusal.CERTIFICATE_NAME: "certificate-name",
}


class Records:
    """Where a worker writes down what happens: whatever of the two is wanted."""

    def __init__(self, worker: int, audit: AuditLog | None, metrics: Metrics | None) -> None:
        self._worker = worker
        self._audit = audit
        self.metrics = metrics

    def write(self, event: str, about: Mapping[str, Any], **fields: Any) -> None:
        """A line of the audit log; ``about``: connection, peer and perhaps registrar."""
        if self._audit is not None:
            known = {"connection": about["connection"], "peer": about["peer"]}
            registrar = {"registrar": about.get("registrar")}
            self._audit.write(event, {"worker": self._worker, **known, **registrar, **fields})

    def refused(self, about: Mapping[str, Any], reason: str, text: str, **fields: Any) -> None:
        """A connection or a login was refused, for a reason that has a short name, and in words.

        ``fields`` may hold the registrar who wanted to log in.
        """
        self.write("refusal", about, **fields, reason=reason, text=text)
        if self.metrics is not None:
            self.metrics.refused(reason)

    def accepted(self) -> None:
        """A connection has come, and there is room for it."""
        if self.metrics is not None:
            self.metrics.accepted()

    def connected(self, about: Mapping[str, Any], version: str, certificate: tuple[str, ...]) -> None:
        """A client and we have agreed on TLS."""
        self.write("connection", about, tls=version, certificate=list(certificate))
        if self.metrics is not None:
            self.metrics.agreed(version)

    def closed(self, about: Mapping[str, Any], seconds: float, reason: str | None) -> None:
        """The connection is over; ``reason``: why, where it was not its usual end."""
        self.write("close", about, seconds=round(seconds, 3), reason=reason)

    def answered(self, about: Mapping[str, Any], done: Answered) -> None:
        """A command has its answer."""
        if self._audit is not None:
            self.write(
                "login" if done.command.verb == "login" else "command",
                about,
                verb=done.command.verb or None,
                mapping=_mapping_of(done.command),
                object=object_of(done.command),
                code=done.code,
                clTRID=done.command.client_trid,
                svTRID=done.server_trid,
                srs=list(dict.fromkeys(done.identities)),
                ms=round(done.seconds * 1000, 3),
                registry_ms=round(done.registry_seconds * 1000, 3),
            )
        if self.metrics is not None:
            self.metrics.answered(about.get("registrar", ""), done)


def _mapping_of(command: Command) -> str | None:
    """The kind of object that the command is about, such as "domain"; None for a session's own commands."""
    return _MAPPINGS.get(command.namespace or "")


def object_of(command: Command) -> str | None:
    """What the command is about: the names of domains, the ids of contacts, a clID, a message's id."""
    element = command.element
    if element is None:
        return None
    if command.verb == "poll":
        return element.get("msgID")
    where = element if command.payload is None else command.payload
    wanted = {"login": {"clID"}}.get(command.verb, {"name", "id"})
    found = [
        " ".join((child.text or "").split())
        for child in where.iterchildren(etree.Element)
        if etree.QName(child).localname in wanted
    ]
    return " ".join(found)[:_LONGEST_OBJECT] or None


class Witness(Overseer):
    """A session's overseer: limits from the shared table, records of what happens, a name for its thread."""

    def __init__(
        self,
        records: Records,
        table: Table,
        slot: int,
        config: Config,
        about: dict[str, Any],
        turns: Turns,
    ) -> None:
        """``about``: the connection's fields, which all its records share; the registrar is added here."""
        super().__init__(turns)
        self._records = records
        self._metrics = records.metrics
        self._table = table
        self._slot = slot
        self._config = config
        self._about = about
        self._log = ConnectionLog("eppd.session", about)
        self._state = ""

    def admit(self, registrar: int) -> bool:
        try:
            self._table.set_registrar(self._slot, registrar, self._config.max_sessions_per_registrar)
        except Full as full:
            self._log.warning("login of registrar %03d refused: %s", registrar, full)
            self._records.refused(self._about, full.limit, str(full), registrar=registrar_name(registrar))
            return False
        return True

    def dismiss(self) -> None:
        self._table.clear_registrar(self._slot)

    def pace(self, registrar: int) -> float:
        rate = self._config.command_rate
        return self._table.reserve(registrar, rate) if rate is not None else 0.0

    def state(self, name: str) -> None:
        if name != self._state:
            self._state = name
            self._table.states[self._slot] = _STATE_NUMBERS[name]

    def login_refused(self, client_id: str, why: Refusal) -> None:
        self._records.refused(
            self._about, _LOGIN_REASONS[why], why.value, registrar=client_id[:_LONGEST_CLIENT_ID]
        )

    def answered(self, done: Answered) -> None:
        if done.command.verb == "login" and done.code is not None and done.code < 2000:
            number = int(object_of(done.command) or 0)
            self._about["registrar"] = registrar = registrar_name(number)
            self._table.note_registrar(number)
            if self._metrics is not None:
                self._metrics.logged_in(registrar)
        self._table.commands[self._slot] += 1
        self._table.last[self._slot] = time.time()
        self._records.answered(self._about, done)

    def exchanged(self, actions: int, seconds: float, *, answered: bool) -> None:
        if answered:
            self._table.note_answer()
        if self._metrics is not None:
            registrar = self._about.get("registrar", "")
            self._metrics.exchanged(registrar, actions, seconds, answered=answered)

    def recovered(self, outcome: str) -> None:
        if self._metrics is not None:
            self._metrics.recovered(outcome)
