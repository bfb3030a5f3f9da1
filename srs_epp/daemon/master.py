"""The master process: holds the listening sockets, forks workers, looks after them, takes the signals.

It has no threads and speaks no EPP, so that it can fork at any time.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from srs_epp.config import Config
from srs_epp.daemon import sockets
from srs_epp.daemon.logs import say
from srs_epp.daemon.signals import HANDLED, Signals
from srs_epp.daemon.worker import work

log = logging.getLogger("eppd.master")

WORKERS = 1
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a dead worker's successor starts; doubled each time
CALM = 60.0  # seconds after which a worker's life was long enough to start with FIRST_PAUSE again
PATIENCE = 5.0  # seconds beyond drain-timeout before a worker is killed


class Master:
    """Runs workers on listening sockets until it is told to stop."""

    def __init__(
        self,
        config: Config,
        listeners: Sequence[socket.socket],
        *,
        lifeline: int | None = None,
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        """``lifeline``: a descriptor that is closed when whoever started us is gone, so that we end too.

        ``announce``: called once, when connections are served.
        """
        self._announce = announce
        self._config = config
        self._listeners = listeners
        self._lifeline = lifeline
        self._workers: dict[int, float] = {}
        self._pause = FIRST_PAUSE
        self._start_at: list[float] = []
        # workers hold the reading end: it is closed when this process ends, however it ends
        self._workers_lifeline, self._alive = os.pipe()
        self._signals = Signals(HANDLED)

    def run(self) -> int:
        """Serve; the exit code. Says ``listening on ADDRESS:PORT`` for each socket once it is served."""
        for _ in range(WORKERS):
            if not self._start_worker():
                log.error("a worker did not start")
                return 1
        for listener in self._listeners:
            say(f"listening on {sockets.name_of(listener)}", sys.stderr)
        self._announce()
        while not self._told_to_stop():
            self._bury_dead()
            self._start_due()
        self._stop()
        return 0

    def _told_to_stop(self) -> bool:
        lifeline = [self._lifeline] if self._lifeline is not None else []
        seconds = max(0.0, min(self._start_at) - time.monotonic()) if self._start_at else None
        caught, ready = self._signals.wait(lifeline, seconds)
        return bool(ready) or any(number is not signal.SIGCHLD for number in caught)

    def _start_worker(self) -> bool:
        """Fork a worker and wait until it serves; False where it ended before that."""
        told, ready = os.pipe()
        pid = fork(lambda: self._be_worker(told, ready))
        os.close(ready)
        self._workers[pid] = time.monotonic()
        try:
            return os.read(told, 1) == b"+"
        finally:
            os.close(told)

    def _be_worker(self, told: int, ready: int) -> int:
        self._signals.close()
        os.close(told)
        os.close(self._alive)
        return work(self._config, self._listeners, self._workers_lifeline, ready)

    def _bury_dead(self) -> None:
        for pid, status in _ended_children():
            born = self._workers.pop(pid, None)
            if born is None:
                continue
            if time.monotonic() - born > CALM:
                self._pause = FIRST_PAUSE
            log.error("worker %d ended (%s); the next starts in %.1f s", pid, _how(status), self._pause)
            self._start_at.append(time.monotonic() + self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _start_due(self) -> None:
        now = time.monotonic()
        due = [moment for moment in self._start_at if moment <= now]
        self._start_at = [moment for moment in self._start_at if moment > now]
        for _ in due:
            if self._start_worker():
                log.info("worker started again")

    def _stop(self) -> None:
        log.info("stopping")
        for listener in self._listeners:
            listener.close()
        self._tell_workers(signal.SIGTERM)
        deadline = time.monotonic() + self._config.drain_timeout + PATIENCE
        while self._workers:
            for pid, _ in _ended_children():
                self._workers.pop(pid, None)
            left = deadline - time.monotonic()
            if not self._workers:
                return
            caught = self._signals.wait((), max(0.0, left))[0]
            if left <= 0 or any(number is not signal.SIGCHLD for number in caught):
                log.warning("killing %d workers that do not end", len(self._workers))
                self._tell_workers(signal.SIGKILL)
                deadline = time.monotonic() + PATIENCE

    def _tell_workers(self, number: signal.Signals) -> None:
        for pid in self._workers:
            os.kill(pid, number)


def fork(child: Callable[[], int]) -> int:
    """Run ``child`` in a new process that ends with the code that it returns; the new process's id.

    The child sees no signal of ours until it makes its own ``Signals``.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a pipe that nobody reads
            stream.flush()
    # a signal that comes before the child has its own handlers waits until it has
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return pid
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        code = child()
    except BaseException:
        log.exception("a process ends by a fault of ours")
    finally:
        logging.shutdown()
        os._exit(code)


def _ended_children() -> list[tuple[int, int]]:
    ended: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if not pid:
            return ended
        ended.append((pid, status))


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"signal {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit code {os.waitstatus_to_exitcode(status)}"
