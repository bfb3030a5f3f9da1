"""A worker process: an EPPServer on each listening socket, until it is told to drain."""

from __future__ import annotations

import logging
import operator
import os
import signal
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection as Channel

from srs_epp.commands.turns import Turns
from srs_epp.config import Config, ConfigError
from srs_epp.daemon import logs, memory, names, runtime
from srs_epp.daemon.audit import AuditLog
from srs_epp.daemon.connection import Service
from srs_epp.daemon.limits import Running, allow_descriptors
from srs_epp.daemon.metrics import Metrics
from srs_epp.daemon.names import ThreadNames
from srs_epp.daemon.records import Records
from srs_epp.daemon.server import EPPServer
from srs_epp.daemon.signals import Signals
from srs_epp.daemon.table import Table
from srs_epp.srs.openpgp import REMEMBERED

log = logging.getLogger("eppd.worker")

POLL_INTERVAL = 0.5  # seconds between two looks of socketserver whether it should end
RETIRED_INTERVAL = 0.5  # seconds between two looks of a retired worker whether its last connection has ended
WATCH_INTERVAL, WATCHES = (
    1.0,
    30,
)  # seconds between two looks at those who accept; so many in vain, and they hang
STOPPING = 10.0  # seconds for the threads that accept to end
# signatures verified, of each of which Sequoia keeps something: then another worker takes our place, and
# after as many more the sessions that are still here come to an end
LEASE = 1_000_000

RELOAD, RETIRE = "reload", "retire"  # what the master says, with a Config or None
READY, FAULTS, WORN = "ready", "faults", "worn"  # what a worker says, with a list of faults


def work(
    number: int,
    config: Config,
    listeners: Sequence[socket.socket],
    table: Table,
    channel: Channel,
    lifeline: int,
) -> int:
    """Serve until SIGTERM, or until the master is gone; the exit code.

    ``channel``: to the master. ``lifeline``: a descriptor that is closed when the master ends.
    """
    # a terminal sends it to us too, and whoever tells all of eppd to reload means the master
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):
        signal.signal(ignored, signal.SIG_IGN)
    names.name_process(f"worker {number}")
    memory.share_arenas()
    signals = Signals([signal.SIGTERM])
    try:
        worker = _Worker(number, config, listeners, table)
    except ConfigError as error:
        channel.send((FAULTS, list(error.faults)))
        return 1
    channel.send((READY, []))
    while True:
        patience = RETIRED_INTERVAL if worker.retired else WATCH_INTERVAL
        caught, ready = signals.wait([lifeline, channel.fileno()], patience)
        if caught or lifeline in ready:
            return worker.drain()
        if ready:
            try:
                order, new = channel.recv()
            except (EOFError, OSError):
                return worker.drain()
            if order == RELOAD:
                faults = worker.reload(new)
                with suppress(BrokenPipeError):  # the master is gone; the lifeline says so too
                    channel.send((FAULTS, faults))
            else:
                worker.retire()
        worker.names.bring_up_to_date()
        if not caught and not ready and worker.hangs():
            log.error("a thread that accepts connections hangs: ending, for another worker to take our place")
            return worker.drain()
        if worker.lease_ends():
            if worker.retired:
                log.info("draining: a retired worker that goes on working needs ever more memory")
                return worker.drain()
            with suppress(OSError):  # the master is gone; the lifeline says so too
                channel.send((WORN, []))
        if worker.retired and not worker.running.count:
            log.info("the last connection of a retired worker has ended")
            return 0


def _accept(server: EPPServer) -> None:
    names.name_this("accept")
    try:
        server.serve_forever(POLL_INTERVAL)
    except BaseException:
        # for want of memory, say: sessions come to their end, and a new worker accepts in our place
        os.kill(os.getpid(), signal.SIGTERM)
        raise


class _Worker:
    def __init__(self, number: int, config: Config, listeners: Sequence[socket.socket], table: Table) -> None:
        self._number = number
        self._config = config
        self._table = table
        self._turns = Turns(table.lock)
        self._metrics = Metrics() if config.metrics is not None else None
        self.running = Running()
        self.names = ThreadNames(table)
        self.retired = False
        service = self._service(config)
        drained, self._draining = os.pipe()
        self._servers = [EPPServer(listener, service, self.running, drained) for listener in listeners]
        self._threads = [threading.Thread(target=_accept, args=(server,)) for server in self._servers]
        for thread in self._threads:
            thread.start()
        self._looks: list[int] = []
        self._in_vain = 0
        self._lease_end = LEASE

    def _service(self, config: Config) -> Service:
        """What connections are served with. ConfigError where a file does not serve."""
        serving = runtime.load(config)
        audit = AuditLog(config.audit_log) if config.audit_log is not None else None
        allow_descriptors(config.max_connections + config.backend_connections)
        records = Records(self._number, audit, self._metrics)
        return Service(serving, records, self._table, self._turns, self.names)

    def reload(self, config: Config) -> list[str]:
        """Serve new connections by another Config; faults, with which all stays as it is."""
        try:
            service = self._service(config)
            logs.configure(config.log_level, config.log_format, config.log_target)
        except ConfigError as error:
            return list(error.faults)
        self._config = config
        for server in self._servers:
            server.service = service
        return []

    def hangs(self) -> bool:
        """Whether one who accepts has not looked for a long time; to be asked every WATCH_INTERVAL.

        So it is where a thread that was to serve a connection has died before its first step, for want of
        memory: whoever has started it waits for that step. Times would not do: we may have been stopped.
        """
        before, self._looks = self._looks, [server.looks for server in self._servers]
        stuck = any(now == then for now, then in zip(self._looks, before, strict=False))
        self._in_vain = self._in_vain + 1 if stuck else 0
        return self._in_vain >= WATCHES

    def lease_ends(self) -> bool:
        """Whether it has just come to an end; another begins then."""
        ends = REMEMBERED.signatures >= self._lease_end
        if ends:
            self._lease_end = REMEMBERED.signatures + LEASE
        return ends

    def retire(self) -> None:
        """Accept no more; the sessions that there are may last as long as they like."""
        self._stop_accepting()
        self.retired = True
        self._lease_end = REMEMBERED.signatures + LEASE

    def drain(self) -> int:
        """Accept no more, let the sessions come to their ends; the exit code."""
        self._stop_accepting(last=True)
        log.info("draining %d connections", self.running.count)
        os.close(self._draining)  # wakes every connection's thread
        if not self._wait_until_none():
            log.warning("drain-timeout: %d connections are cut", self.running.count)
            # our master would do it, but it may be gone, and the table be another's by now
            self._table.free_of(partial(operator.eq, os.getpid()))
        return 0

    def _wait_until_none(self) -> bool:
        """Whether the last connection has ended within drain-timeout."""
        deadline = time.monotonic() + self._config.drain_timeout
        while not self.running.wait_until_none(min(WATCH_INTERVAL, deadline - time.monotonic())):
            if time.monotonic() >= deadline:
                return False
            self.names.bring_up_to_date()
        return True

    def _stop_accepting(self, *, last: bool = False) -> None:
        """``last``: nobody else may accept after us."""
        deadline = time.monotonic() + STOPPING
        # daemons: one that hangs does not keep us
        stopping = [threading.Thread(target=server.shutdown, daemon=True) for server in self._servers]
        for thread in stopping:
            try:
                thread.start()
            except RuntimeError:  # the system has none left: one after the other, then
                thread.run()
        for thread in (*stopping, *self._threads):
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        for server, accepting in zip(self._servers, self._threads, strict=True):
            if last and not accepting.is_alive():
                server.accept_waiting()
            server.server_close()
        self._servers, self._threads = [], []
