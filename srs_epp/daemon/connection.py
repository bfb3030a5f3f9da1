"""One connection, in its own thread: the TLS handshake, the loop that drives its Session, the close.

The loop owns readiness, deadlines and closing, and knows nothing of EPP.
"""

from __future__ import annotations

import math
import select
import socket
import time

from srs_epp.daemon.logs import ConnectionLog
from srs_epp.daemon.runtime import Runtime
from srs_epp.daemon.tls import HandshakeFailed, StreamBroken, TLSStream
from srs_epp.session.session import Session

CLOSING_TIME = 2.0  # seconds for a client to close its side too

_WAKING = select.POLLIN | select.POLLHUP | select.POLLERR


class Connection:
    """What the thread of one connection does."""

    def __init__(self, sock: socket.socket, peer: str, name: str, runtime: Runtime, drain: int) -> None:
        """``drain``: a descriptor that becomes readable when the worker wants its sessions to end."""
        self._sock = sock
        self._peer = peer
        self._runtime = runtime
        self._config = runtime.config
        self._drain = drain
        self._about = {"connection": name, "peer": peer}
        self._log = ConnectionLog("eppd.connection", self._about)
        self._started = time.monotonic()

    def run(self) -> None:
        """Serve the connection to its end. Closes the socket; raises nothing that a peer can cause."""
        stream = TLSStream(self._runtime.tls, self._sock)
        try:
            names = stream.handshake(self._config.handshake_timeout)
            self._log.info(
                "connected, %s%s", stream.version(), f", certificate of {names[0]}" if names else ""
            )
            self._drive(self._session(stream, names), stream)
        except HandshakeFailed as error:
            self._log.warning("TLS handshake failed: %s", error)
        except StreamBroken as error:
            self._log.info("the connection broke: %s", error)
        except _TimeOut as error:
            self._log.info("closing: %s", error)
        finally:
            stream.close(CLOSING_TIME)
            self._log.info("closed after %.1f s", time.monotonic() - self._started)

    def _session(self, stream: TLSStream, names: tuple[str, ...]) -> Session:
        return Session(
            stream,
            backend=self._runtime.backend,
            config=self._config,
            greeting=self._runtime.greeting,
            identifiers=self._runtime.identifiers,
            peer_address=self._peer,
            certificate_names=names,
            log=ConnectionLog("eppd.session", self._about),
        )

    def _drive(self, session: Session, stream: TLSStream) -> None:
        poll = select.poll()
        poll.register(self._drain, select.POLLIN)
        poll.register(stream.fileno(), 0)
        session.connected()
        while not session.ended:
            if session.user is not None:
                self._about["registrar"] = session.user
            if session.wants_output:
                session.output_event()
            if session.ended:
                break
            # who sends without a pause is not waited for, and still has deadlines and sees a drain
            pending = session.wants_input and not stream.dry
            self._wait(poll, session, stream, pending=pending)
            if pending and session.wants_input:
                session.input_event()

    def _wait(self, poll: select.poll, session: Session, stream: TLSStream, *, pending: bool) -> None:
        """Wait until there is something to do; with ``pending`` input there is, and this only looks."""
        wanted = (select.POLLIN if session.wants_input else 0) | (
            select.POLLOUT if session.wants_output else 0
        )
        poll.modify(stream.fileno(), wanted)
        deadline, reason = self._deadline(session, pending=pending)
        left = max(0.0, deadline - time.monotonic())
        ready = poll.poll(0 if pending else left * 1000)
        if time.monotonic() >= deadline and (pending or not ready):
            raise _TimeOut(reason)
        for descriptor, events in ready:
            if descriptor == self._drain:
                poll.unregister(self._drain)
                session.drain()
            elif events & _WAKING:
                stream.dry = False

    def _deadline(self, session: Session, *, pending: bool) -> tuple[float, str]:
        """The first moment at which patience ends, and with what."""
        config = self._config
        # what has come and is not read yet may be a complete command
        idle_end = math.inf if pending else session.idle_since + config.idle_timeout
        deadlines = [(idle_end, "idle-timeout: no complete command")]
        if config.session_timeout:
            end = self._started + config.session_timeout
            deadlines.append((end, "session-timeout: the session has lasted long enough"))
        if session.user is None:
            deadlines.append((self._started + config.login_timeout, "login-timeout: no login"))
        if session.unit_since is not None and session.wants_input:
            late = session.unit_since + config.frame_timeout
            deadlines.append((late, "frame-timeout: a data unit that does not end"))
        return min(deadlines)


class _TimeOut(Exception):
    """Patience has ended; the text says with what."""
