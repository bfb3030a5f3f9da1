"""``eppd stop``, ``status`` and ``reload``: orders to a master that runs, which is found by its pid file."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import TextIO

from srs_epp.config import Config, ConfigError
from srs_epp.daemon import privileges
from srs_epp.daemon.logs import say
from srs_epp.daemon.pidfile import holder

DONE, FAILED = 0, 1

PATIENCE = 10.0  # seconds beyond drain-timeout for a master to end
_INTERVAL = 0.05  # seconds between two looks


class CannotTell(OSError):
    """A master that runs and may not be sent a signal; the text says which, and why."""


def status(config: Config, out: TextIO) -> int:
    """Say whether a master runs: 0 where it does, 1 where not. ConfigError, OSError."""
    pid = holder(_pidfile(config, "status"))
    say("eppd is not running" if pid is None else f"eppd is running (pid {pid})", out)
    return FAILED if pid is None else DONE


def reload(config: Config, out: TextIO) -> int:
    """Have the master read its configuration again: 0, or 1 where none runs. ConfigError, OSError.

    The master checks it and says in its log what is wrong with it; whoever calls checks it before that.
    """
    pid = holder(_pidfile(config, "reload"))
    if pid is None or not _tell(config, pid, signal.SIGHUP):
        say("eppd is not running", out)
        return FAILED
    say(f"eppd reads its configuration again (pid {pid})", out)
    return DONE


def stop(config: Config, out: TextIO) -> int:
    """Have the master drain, and wait until it is gone: 0, also where none ran. ConfigError, OSError.

    1 where it is there after drain-timeout and ten seconds more.
    """
    pid = holder(_pidfile(config, "stop"))
    if pid is None:
        say("eppd is not running", out)
        return DONE
    seconds = config.drain_timeout + PATIENCE
    deadline = time.monotonic() + seconds
    told: set[int] = set()
    last = pid
    while pid is not None:
        last = pid
        if pid not in told and _tell(config, pid, signal.SIGTERM):
            told.add(pid)
        if time.monotonic() >= deadline:
            say(f"eppd (pid {pid}) has not ended within {seconds:g} s", out)
            return FAILED
        time.sleep(_INTERVAL)
        # another's where the master was just about to hand its place over
        pid = holder(_pidfile(config, "stop"))
    say(f"eppd has ended (pid {last})", out)
    return DONE


def _pidfile(config: Config, command: str) -> Path:
    if config.pidfile is None:
        raise ConfigError([f"option pidfile is required for {command}"])
    return config.pidfile


def _tell(config: Config, pid: int, number: signal.Signals) -> bool:
    """Send the signal to the master with that pid; False where it is not the master any more. CannotTell."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        # from here on the number can't become another process's unseen
        if holder(_pidfile(config, number.name)) != pid:
            return False
        _check_user(config, pid)
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        return False
    except PermissionError as error:
        raise CannotTell(f"{number.name} to pid {pid}: {error.strerror}") from None
    finally:
        os.close(process)
    return True


def _check_user(config: Config, pid: int) -> None:
    """Whoever owns the file can write any pid into it; root must not be made to stop another user's process.

    CannotTell, ProcessLookupError.
    """
    if os.geteuid() != 0:
        return  # the system looks after it
    path = _pidfile(config, "it")
    may = {path.lstat().st_uid}
    if config.user is not None:
        may.add(privileges.resolve(config.user, config.group)[0])
    if (uid := _user_of(pid)) not in may:
        raise CannotTell(f"option pidfile: {path}: pid {pid} is a process of another user ({uid})")


def _user_of(pid: int) -> int:
    # the owner of /proc/PID is root for whoever was root once
    try:
        text = Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
    except FileNotFoundError:
        raise ProcessLookupError from None
    found = re.search(r"^Uid:\s+\d+\s+(\d+)", text, re.MULTILINE)
    if not found:
        raise ProcessLookupError
    return int(found[1])
