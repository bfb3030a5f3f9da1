"""Children: to make them, and to see how they ended. Only for a process without threads."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from srs_epp.daemon.signals import HANDLED

log = logging.getLogger("eppd.master")


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


def gone(pid: int) -> bool:
    """Whether there is no process of that pid."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def ended_children() -> list[tuple[int, int]]:
    """Pid and wait status of every child that has ended, each once."""
    ended: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if not pid:
            return ended
        ended.append((pid, status))


def how(status: int) -> str:
    """A wait status in words."""
    if os.WIFSIGNALED(status):
        return f"signal {signal.Signals(os.WTERMSIG(status)).name}"
    return f"exit code {os.waitstatus_to_exitcode(status)}"
