"""A worker process: an EPPServer on each listening socket, until it is told to drain."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Sequence

from srs_epp.config import Config, ConfigError
from srs_epp.daemon import runtime
from srs_epp.daemon.limits import Slots, allow_descriptors
from srs_epp.daemon.server import EPPServer
from srs_epp.daemon.signals import Signals

log = logging.getLogger("eppd.worker")

POLL_INTERVAL = 0.5  # seconds between two looks of socketserver whether it should end


def work(config: Config, listeners: Sequence[socket.socket], lifeline: int, ready: int) -> int:
    """Serve until SIGTERM, or until the master is gone; the exit code.

    ``lifeline``: a descriptor that is closed when the master ends. ``ready``: one to write an octet to when
    connections are served.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to us too; the master decides
    signals = Signals([signal.SIGTERM])
    try:
        serving = runtime.load(config)
    except ConfigError as error:
        for fault in error.faults:
            log.error("%s", fault)
        return 1
    allow_descriptors(config.max_connections + config.backend_connections)
    slots = Slots(config.max_connections)
    drained, draining = os.pipe()
    servers = [EPPServer(listener, serving, slots, drained) for listener in listeners]
    threads = [threading.Thread(target=server.serve_forever, args=(POLL_INTERVAL,)) for server in servers]
    for thread in threads:
        thread.start()
    os.write(ready, b"+")
    os.close(ready)
    signals.wait([lifeline])
    _stop_accepting(servers, threads)
    log.info("draining %d connections", slots.taken)
    os.close(draining)  # wakes every connection's thread
    if not slots.wait_until_free(config.drain_timeout):
        log.warning("drain-timeout: %d connections are cut", slots.taken)
    return 0


def _stop_accepting(servers: Sequence[EPPServer], threads: Sequence[threading.Thread]) -> None:
    stopping = [threading.Thread(target=server.shutdown) for server in servers]
    for thread in stopping:
        thread.start()
    for thread in (*stopping, *threads):
        thread.join()
    for server in servers:
        server.server_close()
