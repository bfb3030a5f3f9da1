"""How `eppd run` comes to serve: into the background, pid file, sockets, privileges, log, files, master.

The order is the point: what only root may do comes first, and everything that a client or a file could harm
comes after root's privileges are gone.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from srs_epp.config import Config, ConfigError
from srs_epp.daemon import background, inheritance, logs, notify, privileges, runtime, sockets
from srs_epp.daemon.master import Master
from srs_epp.daemon.pidfile import AlreadyRunning, PidFile
from srs_epp.daemon.table import Table

# what a descriptor that a master passes to the next one is called; any other name comes from systemd
_LISTEN, _METRICS, _TABLE, _PIDFILE, _READY = "listen", "metrics", "table", "pidfile", "ready"
# systemd's own, passed on; its socket unit names the one for metrics "metrics"
_ACTIVATED, _ACTIVATED_METRICS = "activated", "activated-metrics"


class CannotStart(Exception):
    """We can't serve as things are; the text says why."""


def faults(config: Config) -> list[str]:
    """What would keep us from starting, as far as can be seen without doing anything."""
    found = []
    if config.daemon and config.log_target == logs.STDERR:
        found.append("option log-target: stderr, which is closed where daemon is true")
    try:
        privileges.resolve(config.user, config.group)
    except ConfigError as error:
        found += error.faults
    logged = None if config.log_target in (logs.STDERR, logs.SYSLOG) else Path(config.log_target or ".")
    named = (("audit-log", config.audit_log), ("log-target", logged), ("pidfile", config.pidfile))
    found += [
        f"option {name}: {path}: {os.strerror(errno.ENOENT)}"
        for name, path in named
        if path is not None and not path.parent.is_dir()
    ]
    return found


def run(config: Config, reread: Callable[[], Config]) -> int:
    """Serve until told to stop; the exit code. ConfigError, CannotListen, CannotStart before that.

    ``reread``: the Config as files and environment have it now; for a reload.
    """
    if found := faults(config):
        raise ConfigError(found)
    # whoever reads our pid in the file may send them before the master has its handlers
    for number in (signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    passed = _Passed()
    release = background.detach() if config.daemon and passed.ready is None else None
    pidfile = _pidfile(config, passed)
    try:
        listeners = passed.activated or sockets.listen(config.listen, "listen", passed.listeners)
        status_listener = _status_listener(config, passed)
        if pidfile is not None:
            pidfile.give_to(*privileges.resolve(config.user, config.group))
        privileges.drop(config.user, config.group)
        logs.configure(config.log_level, config.log_format, config.log_target)
        runtime.load(config)  # every worker does it again; here its faults still have somewhere to go
        table = _table(passed)
        metrics = _ACTIVATED_METRICS if passed.activated_metrics else _METRICS
        private = [one for one in (pidfile.descriptor if pidfile else None, passed.ready) if one is not None]

        def announce() -> None:
            if passed.ready is None:
                notify.notify("READY=1")
            if release is not None:
                release()
            if passed.ready is not None:
                with suppress(BrokenPipeError):  # it has died meanwhile, and we are the master all the more
                    os.write(passed.ready, b"+")
                private.remove(passed.ready)
                os.close(passed.ready)
                # not before: our predecessor might just have lost patience, and go on
                if pidfile is not None:
                    pidfile.write()

        def succeed(ready: int) -> None:
            inheritance.exec_with(
                [
                    *((one.fileno(), _ACTIVATED if passed.activated else _LISTEN) for one in listeners),
                    *([(status_listener.fileno(), metrics)] if status_listener else []),
                    *([(pidfile.descriptor, _PIDFILE)] if pidfile else []),
                    (table.descriptor, _TABLE),
                    (ready, _READY),
                ],
                [sys.executable, *sys.orig_argv[1:]],
            )

        master = Master(
            config,
            listeners,
            table=table,
            status_listener=status_listener,
            heir=passed.ready is not None,
            private=private,
            announce=announce,
            reread=reread,
            succeed=succeed,
        )
        code = master.run()
    except BaseException:
        if pidfile is not None and passed.ready is None:
            pidfile.remove()
        raise
    if pidfile is not None and not master.handed_over:
        pidfile.remove()
    return code


class _Passed:
    """The descriptors that systemd, or a master before us, has passed to us."""

    def __init__(self) -> None:
        self.listeners: list[socket.socket] = []
        self.activated: list[socket.socket] = []
        self.metrics: socket.socket | None = None
        self.activated_metrics = False
        self.table: int | None = None
        self.pidfile: int | None = None
        self.ready: int | None = None
        passed = inheritance.inherited()
        ours = any(name == _READY for _, name in passed)
        for descriptor, name in passed:
            if name in (_METRICS, _ACTIVATED_METRICS):
                self.metrics = sockets.adopt(descriptor)
                self.activated_metrics = not ours or name == _ACTIVATED_METRICS
            elif ours and name in (_TABLE, _PIDFILE, _READY):
                setattr(self, name, descriptor)
            elif ours and name == _LISTEN:
                self.listeners.append(sockets.adopt(descriptor))
            else:
                self.activated.append(sockets.adopt(descriptor))


def _pidfile(config: Config, passed: _Passed) -> PidFile | None:
    if config.pidfile is None:
        return None
    try:
        if passed.pidfile is not None:
            # our predecessor's pid stays in it until we serve
            return PidFile(config.pidfile, passed.pidfile)
        return PidFile.take(config.pidfile)
    except AlreadyRunning as error:
        raise CannotStart(str(error)) from None
    except OSError as error:
        raise CannotStart(f"option pidfile: {config.pidfile}: {error.strerror}") from None


def _status_listener(config: Config, passed: _Passed) -> socket.socket | None:
    if config.metrics is None:
        if passed.metrics is not None:
            passed.metrics.close()
        return None
    if passed.activated_metrics:
        return passed.metrics
    inherited: Sequence[socket.socket] = [passed.metrics] if passed.metrics else []
    first, *others = sockets.listen([config.metrics], "metrics", inherited)
    for other in others:
        other.close()
    return first


def _table(passed: _Passed) -> Table:
    """Our predecessor's, so that its last connections count; a new one where it is of another release."""
    if passed.table is None:
        return Table()
    try:
        return Table(passed.table)
    except ValueError:
        os.close(passed.table)
        return Table()
