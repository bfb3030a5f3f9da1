"""One connection, in its own thread: the TLS handshake, the loop that drives its Session, the close.

The loop owns readiness, deadlines and closing, and knows nothing of EPP.
"""

from __future__ import annotations

import math
import select
import socket
import time
from dataclasses import dataclass
from typing import Any

from srs_epp.baton import BATON
from srs_epp.commands.turns import Turns
from srs_epp.daemon import proxy
from srs_epp.daemon.logs import ConnectionLog
from srs_epp.daemon.names import ThreadNames
from srs_epp.daemon.proxy import NotProxied
from srs_epp.daemon.records import Records, Witness
from srs_epp.daemon.runtime import Runtime
from srs_epp.daemon.table import Full, Table
from srs_epp.daemon.tls import HandshakeFailed, StreamBroken, TLSStream
from srs_epp.session.session import Session

CLOSING_TIME = 2.0  # seconds for a client to close its side too
QUIET, LONGEST_LEAVE = (
    1.0,
    5.0,
)  # seconds without a command, and in all, until a session that leaves is closed
# octets, or seconds, after which what was transferred is counted, where the connection does not end before
_COUNTED, _COUNT_INTERVAL = 1 << 20, 10.0

_WAKING = select.POLLIN | select.POLLHUP | select.POLLERR


@dataclass(frozen=True, slots=True)
class Service:
    """What the connections of a worker are served with. A reload makes another, for new ones."""

    runtime: Runtime
    records: Records
    table: Table
    turns: Turns
    names: ThreadNames


class Connection:
    """What the thread of one connection does."""

    def __init__(
        self,
        sock: socket.socket,
        about: dict[str, Any],
        slot: int,
        service: Service,
        drain: int,
        *,
        proxied: bool,
    ) -> None:
        """``about``: the connection's name and peer. ``slot``: its place in the table.

        ``drain``: a descriptor that becomes readable when the worker wants its sessions to end. ``proxied``:
        a PROXY header comes first.
        """
        self._sock = sock
        self._about = about
        self._slot = slot
        self._service = service
        self._config = service.runtime.config
        self._records = service.records
        self._drain = drain
        self._proxied = proxied
        self._log = ConnectionLog("eppd.connection", about)
        self._started = time.monotonic()
        self._leaving_since: float | None = None
        self._active = self._started
        self._login_end = self._started + self._config.login_timeout
        self._session_end = self._started + (self._config.session_timeout or math.inf)
        self._wanted = 0
        self._counted, self._counted_at = (0, 0), self._started

    def run(self) -> None:
        """Serve the connection to its end. Closes the socket; raises nothing that a peer can cause."""
        self._service.names.enter(self._slot)
        if not self._knows_its_peer():
            self._sock.close()
            return
        reason = None
        stream = TLSStream(self._service.runtime.tls, self._sock)
        try:
            names = stream.handshake(self._config.handshake_timeout, self._drain)
            version = stream.version()
            self._log.info("connected, %s%s", version, f", certificate of {names[0]}" if names else "")
            self._records.connected(self._about, version, names)
            self._service.table.set_tls(self._slot, version)
            with BATON.carried():
                self._drive(self._session(stream, names), stream)
        except HandshakeFailed as error:
            self._log.warning("TLS handshake failed: %s", error)
            self._records.refused(self._about, error.reason, str(error))
            reason = "TLS handshake failed"
        except StreamBroken as error:
            self._log.info("the connection broke: %s", error)
            reason = "the connection broke"
        except _TimeOut as error:
            self._log.info("closing: %s", error)
            reason = str(error)
        finally:
            stream.close(CLOSING_TIME)
            self._count(stream)
            seconds = time.monotonic() - self._started
            self._log.info("closed after %.1f s", seconds)
            self._records.closed(self._about, seconds, reason)

    def give_back(self) -> None:
        """Free the connection's place in the table."""
        self._service.names.leave(self._slot)
        self._service.table.give_back(self._slot)

    def _knows_its_peer(self) -> bool:
        """Read the PROXY header where there has to be one; False where the connection ends here."""
        if not self._proxied:
            return True
        config = self._config
        try:
            header = proxy.read_header(self._sock, config.handshake_timeout, self._about["peer"])
            if header.address is not None:
                self._about["peer"] = header.address
                self._service.table.set_address(
                    self._slot,
                    self._about["connection"],
                    header.address,
                    config.max_connections_per_address,
                )
        except NotProxied as error:
            if error.silent:  # who only looks whether the port is open
                self._log.debug("no PROXY header: %s", error)
                return False
            self._log.warning("no PROXY header: %s", error)
            self._records.refused(self._about, "proxy", f"no PROXY header: {error}")
            return False
        except Full as full:
            self._log.warning("refused: %s", full)
            self._records.refused(self._about, full.limit, str(full))
            return False
        return not header.local or self._speaks()

    def _speaks(self) -> bool:
        """Whether the load balancer itself wants TLS of us; a health check closes without a word."""
        self._sock.setblocking(True)
        self._sock.settimeout(self._config.handshake_timeout)
        try:
            return bool(self._sock.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _session(self, stream: TLSStream, names: tuple[str, ...]) -> Session:
        service = self._service
        self._witness = Witness(
            self._records, service.table, self._slot, self._config, self._about, service.turns
        )
        return Session(
            stream,
            backend=service.runtime.backend,
            config=self._config,
            greeting=service.runtime.greeting,
            identifiers=service.runtime.identifiers,
            peer_address=self._about["peer"],
            certificate_names=names,
            overseer=self._witness,
            log=ConnectionLog("eppd.session", self._about),
            sleep=BATON.sleep,
        )

    def _drive(self, session: Session, stream: TLSStream) -> None:
        poll = select.poll()
        poll.register(self._drain, select.POLLIN)
        poll.register(stream.fileno(), 0)
        session.connected()
        while not session.ended:
            if session.wants_output:
                session.output_event()
                if session.ended:
                    break
            self._wait(poll, session, stream)
            if not stream.dry and session.wants_input and session.input_event():
                self._active = time.monotonic()
                uncounted = stream.received + stream.sent - sum(self._counted)
                if uncounted >= _COUNTED or self._active - self._counted_at >= _COUNT_INTERVAL:
                    self._count(stream)
        self._witness.state(str(session.state))

    def _wait(self, poll: select.poll, session: Session, stream: TLSStream) -> None:
        """Wait until there is something to do."""
        wants_input = session.wants_input
        # who sends without a pause is not waited for, and still has deadlines and sees a drain
        pending = wants_input and not stream.dry
        wanted = (select.POLLIN if wants_input else 0) | (select.POLLOUT if session.wants_output else 0)
        if wanted != self._wanted:
            poll.modify(stream.fileno(), wanted)
            self._wanted = wanted
        deadline, _ = self._deadline(session, pending=pending)
        left = max(0.0, deadline - time.monotonic())
        if not pending:
            self._witness.state(str(session.state))
        with BATON.laid_down:
            ready = poll.poll(0 if pending else left * 1000)
        if time.monotonic() >= deadline:
            self._end_patience(session, pending=pending or bool(ready))
        for descriptor, events in ready:
            if descriptor == self._drain:
                poll.unregister(self._drain)
                self._leaving_since = time.monotonic()
                session.wind_down()
            elif events & _WAKING:
                stream.dry = False

    def _end_patience(self, session: Session, *, pending: bool) -> None:
        deadline, reason = self._deadline(session, pending=pending)
        if time.monotonic() < deadline:
            return
        if reason is not None:
            raise _TimeOut(reason)
        self._leaving_since = None
        session.drain()

    def _deadline(self, session: Session, *, pending: bool) -> tuple[float, str | None]:
        """The first moment at which patience ends, and with what; None: with a client that we leave."""
        config = self._config
        end: float = self._session_end
        reason: str | None = "session-timeout: the session has lasted long enough"
        # what has come and is not read yet may be a complete command
        if not pending and (idle_end := session.idle_since + config.idle_timeout) < end:
            end, reason = idle_end, "idle-timeout: no complete command"
        if session.user is None and self._login_end < end:
            end, reason = self._login_end, "login-timeout: no login"
        if session.unit_since is not None and session.wants_input:
            unit_end = session.unit_since + config.frame_timeout
            if unit_end < end:
                end, reason = unit_end, "frame-timeout: a data unit that does not end"
        if self._leaving_since is not None:
            # a client that was in the middle of its work gets an answer to what it is just sending
            leave = min(self._active + QUIET, self._leaving_since + LONGEST_LEAVE)
            if leave < end:
                end, reason = leave, None
        return end, reason

    def _count(self, stream: TLSStream) -> None:
        if self._records.metrics is not None:
            received, sent = self._counted
            self._records.metrics.transferred(stream.received - received, stream.sent - sent)
        self._counted, self._counted_at = (stream.received, stream.sent), time.monotonic()


class _TimeOut(Exception):
    """Patience has ended; the text says with what."""
