"""Into the background, once there is something to leave alone.

There are three processes: the one that was started waits for the second, which ends as soon as the third is
ready, or ends. The third is in a session that the second has made, and does not lead it: so it can't get a
terminal again. The working directory stays what it was: a configuration may name files relative to it, which
are read again at each reload.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from srs_epp.daemon import logs

UMASK = 0o027  # what is logged is not for everybody's eyes
PATIENCE = 5.0  # seconds for one that is given up to end, before it is killed


def detach() -> Callable[[], None]:
    """Go on in the background; returns there only. To be called before anything is opened. OSError.

    What it returns is to be called once, when all is ready: it lets go of standard input, output and error,
    and then lets the process that was started exit with 0. Where we end before that, it exits with our exit
    code; where it is killed before that, we are ended, as nobody would know of us.
    """
    # whoever has started us may ignore it, and then there would be no exit code to wait for
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told, ready = os.pipe()
    waiting, alive = os.pipe()
    _flush()
    second = os.fork()
    if second:
        os.close(ready)
        _wait_for(second)
    os.close(alive)  # only the process that was started holds it
    try:
        os.setsid()
        third = os.fork()
    except BaseException as error:
        logs.say(f"eppd: {error}", sys.stderr)
        os._exit(1)
    if third:
        os.close(ready)
        _watch(third, told, waiting)
    os.close(told)
    os.close(waiting)
    os.umask(os.umask(UMASK) | UMASK)

    def be_ready() -> None:
        leave_terminal()
        os.write(ready, b"+")
        os.close(ready)

    return be_ready


def leave_terminal() -> None:
    """Make standard input, output and error /dev/null.

    Whoever waits for the end of what we print, such as a shell's ``$(eppd start)``, waits for every process
    that could still print: so workers that were started before we were ready must do it too.
    """
    _flush()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if null > 2:
        os.close(null)


def _wait_for(second: int) -> NoReturn:
    """The process that was started. It ends here: what its callers would clean up belongs to the third."""
    code = 1
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(second, 0)[1])
        code = 1 if code < 0 else code  # by a signal
    except KeyboardInterrupt:
        logs.say("eppd: interrupted", sys.stderr)
    finally:
        os._exit(code)


def _watch(third: int, told: int, waiting: int) -> NoReturn:
    """The second process: ends with 0 when the third is ready, else with the third's exit code."""
    code = 1
    try:
        ended = os.pidfd_open(third)
        poll = select.poll()
        for descriptor in (told, waiting, ended):
            poll.register(descriptor, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll()}
        # the pipe alone would not do: workers that outlive the third have its other end too
        if told in ready and os.read(told, 1):
            code = 0
        elif waiting in ready:
            _give_up(third, ended)
        else:
            code = _code_of(third)
    finally:
        os._exit(code)


def _give_up(third: int, ended: int) -> None:
    os.kill(third, signal.SIGTERM)
    if not select.select([ended], [], [], PATIENCE)[0]:
        os.kill(third, signal.SIGKILL)
    os.waitpid(third, 0)


def _code_of(third: int) -> int:
    _, status = os.waitpid(third, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        logs.say(f"eppd: ended by {name} before it was ready", sys.stderr)
        return 1
    return os.waitstatus_to_exitcode(status)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # a pipe that nobody reads
            stream.flush()
