"""The master process: holds the listening sockets, forks the others, looks after them, takes the signals.

It has no threads and speaks no EPP, so that it can fork at any time.
"""

from __future__ import annotations

import logging
import operator
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection as Channel

from srs_epp.config import Config, ConfigError, long_name
from srs_epp.daemon import background, logs, metrics, names, notify, runtime, sockets, status
from srs_epp.daemon.audit import AuditLog
from srs_epp.daemon.logs import say
from srs_epp.daemon.processes import ended_children, fork, gone, how
from srs_epp.daemon.signals import HANDLED, Signals
from srs_epp.daemon.table import Table
from srs_epp.daemon.worker import READY, RELOAD, RETIRE, WORN, work

log = logging.getLogger("eppd.master")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a dead process's successor starts; doubled each time
CALM = 60.0  # seconds after which a life was long enough to start with FIRST_PAUSE again
PATIENCE = 5.0  # seconds beyond drain-timeout before a worker is killed
TAKEOVER = 60.0  # seconds for a new master to serve
BEGINNING = 60.0  # seconds for a worker to serve, where connections need not wait for it
RELOADING = 30.0  # seconds for children to say that they have reloaded
_PID_SIZE = 8  # octets

STATUS = 0  # the number of the process that serves metrics; workers count from 1

# what a reload can't change
_FIXED = ("listen", "metrics", "user", "group", "pidfile", "daemon")


@dataclass(slots=True)
class _Child:
    number: int
    channel: Channel | None  # None: it has closed its end
    born: float = field(default_factory=time.monotonic)
    ready: bool = False
    ready_by: float | None = None  # None: it is, or we do not wait for it
    reloads: int = 0  # that it has been told of, and has not said yet that it has done
    worn: bool = False  # it wants another to take its place
    retired: bool = False

    @property
    def name(self) -> str:
        return f"worker {self.number}" if self.number else "the status process"

    def close_channel(self) -> None:
        if self.channel is not None:
            self.channel.close()
        self.channel = None


@dataclass(slots=True)
class _Successor:
    pid: int
    told: int
    deadline: float


class Master:
    """Runs workers on listening sockets until it is told to stop, or has a successor."""

    def __init__(
        self,
        config: Config,
        listeners: Sequence[socket.socket],
        *,
        table: Table | None = None,
        status_listener: socket.socket | None = None,
        lifeline: int | None = None,
        heir: bool = False,
        private: Sequence[int] = (),
        announce: Callable[[], None] = lambda: None,
        reread: Callable[[], Config] | None = None,
        succeed: Callable[[int], None] | None = None,
    ) -> None:
        """``lifeline``: a descriptor that is closed when whoever started us is gone, so that we end too.

        ``heir``: a master before us hands over to us. ``private``: descriptors that no child may keep.
        ``announce``: called once, when connections are served. ``reread``: the Config as it would be now, or
        ConfigError. ``succeed``: becomes a new master on our sockets, in a process of its own; the new one
        writes an octet to that descriptor when it serves.
        """
        self._config = config
        self._listeners = listeners
        self._table = table or Table()
        self._table.free_of(gone)
        self._status_listener = status_listener
        self._lifeline = lifeline
        self._private = private
        self._announce = announce
        self._reread = reread
        self._succeed = succeed
        self._children: dict[int, _Child] = {}
        self._successor: _Successor | None = None
        self._reload_end: float | None = None
        self.handed_over = False
        """Whether a new master serves in our place."""
        self._pauses: dict[int, float] = {}
        self._start_at: dict[int, float] = {}
        # children hold the reading end: it is closed when this process ends, however it ends
        self._childrens_lifeline, self._alive = os.pipe()
        self._signals = Signals(HANDLED)
        # one that our predecessor has left us is ours once we serve
        self._owns_numbers = status_listener is not None and metrics.make_folder(keep=heir)
        names.name_process("master")

    def run(self) -> int:
        """Serve; the exit code. Says ``listening on ADDRESS:PORT`` for each socket once it is served."""
        try:
            return self._run()
        finally:
            if self._owns_numbers and not self.handed_over:
                metrics.remove_folder()

    def _run(self) -> int:
        self._table.note_answer()  # readiness is lost by silence, and there was no time for any yet
        for number in self._wanted():
            self._start(number)
        if self._start_at or not self._all_ready():
            log.error("a worker did not start")
            self._tell(signal.SIGKILL)
            return 1
        if self._status_listener is not None:
            self._start(STATUS)
        for listener in self._listeners:
            say(f"listening on {sockets.name_of(listener)}", sys.stderr)
        self._announce()
        self._owns_numbers = self._status_listener is not None
        while self._serve_once():
            pass
        self._stop()
        return 0

    def _wanted(self) -> range:
        """The numbers of the workers that there should be."""
        return range(1, (self._config.workers or len(os.sched_getaffinity(0))) + 1)

    # -- one turn of the loop

    def _serve_once(self) -> bool:
        """Wait for something, and deal with it; False where it is time to stop."""
        lifeline = [self._lifeline] if self._lifeline is not None else []
        channels = {child.channel.fileno(): child for child in self._children.values() if child.channel}
        told = [self._successor.told] if self._successor else []
        caught, ready = self._signals.wait([*lifeline, *channels, *told], self._patience())
        if signal.SIGTERM in caught or signal.SIGINT in caught or ready.intersection(lifeline):
            return False
        for descriptor in ready & channels.keys():
            self._listen_to(channels[descriptor])
        if self._successor is not None and self._taken_over(self._successor, told[0] in ready):
            return False
        self._end_hanging()
        self._bury_dead()
        self._end_reload()
        self._start_due()
        if signal.SIGHUP in caught:
            self._reload()
        if signal.SIGUSR2 in caught:
            self._hand_over()
        return True

    def _patience(self) -> float | None:
        moments = [*self._start_at.values(), *([self._successor.deadline] if self._successor else [])]
        moments += [child.ready_by for child in self._children.values() if child.ready_by is not None]
        if self._reload_end is not None:
            moments.append(self._reload_end)
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    # -- children

    def _start(self, number: int) -> None:
        """Fork the child of that number; where the system has no process left, try again later."""
        try:
            ours, theirs = Pipe()
            pid = fork(lambda: self._be_child(number, ours, theirs))
        except OSError as error:
            pause = self._pauses.get(number, FIRST_PAUSE)
            log.error("no new process: %s; the next try in %.1f s", error.strerror, pause)
            self._start_at[number] = time.monotonic() + pause
            self._pauses[number] = min(pause * 2, LONGEST_PAUSE)
            return
        theirs.close()
        self._children[pid] = _Child(number, ours, ready_by=time.monotonic() + BEGINNING)

    def _be_child(self, number: int, ours: Channel, theirs: Channel) -> int:
        self._signals.close()
        for descriptor in (self._alive, *self._private):
            os.close(descriptor)
        if self._config.daemon:
            background.leave_terminal()
        for channel in (ours, *(child.channel for child in self._children.values())):
            if channel is not None:
                channel.close()
        if self._successor is not None:
            os.close(self._successor.told)
        if number == STATUS:
            for listener in self._listeners:
                listener.close()
            assert self._status_listener is not None
            return status.serve(
                self._config, self._status_listener, self._table, theirs, self._childrens_lifeline
            )
        if self._status_listener is not None:
            self._status_listener.close()
        return work(number, self._config, self._listeners, self._table, theirs, self._childrens_lifeline)

    def _all_ready(self) -> bool:
        """Wait until every worker serves; False where one has ended instead."""
        for child in self._children.values():
            while not child.ready:
                if not self._listen_to(child):
                    return False
        return True

    def _listen_to(self, child: _Child) -> bool:
        """Take what a child says; False where it is gone."""
        assert child.channel is not None
        try:
            what, faults = child.channel.recv()
        except (EOFError, OSError):
            child.close_channel()
            return False
        if what == READY:
            self._begins(child)
        elif what == WORN:
            self._renew(child)
        else:
            child.reloads = max(0, child.reloads - 1)
        for fault in faults:
            log.error("%s: %s", child.name, fault)
        return True

    def _begins(self, child: _Child) -> None:
        child.ready, child.ready_by = True, None
        if child.number in self._pauses:
            log.info("%s started again", child.name)
        worn = {
            pid: other
            for pid, other in self._children.items()
            if other.number == child.number and other.worn and other is not child
        }
        if all(other.retired for other in worn.values()):
            return
        for pid, other in worn.items():
            if not other.retired:
                other.retired = True
                self._send(other, RETIRE, self._config)
            else:  # they would become ever more, each for a client that stays for weeks
                log.info("%s, pid %d, drains: two have taken its place since", other.name, pid)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)

    def _renew(self, child: _Child) -> None:
        """Have another worker take the place of one that has grown old; it serves until that one does."""
        if child.retired:  # by a reload, of which it does not know yet
            return
        log.info("%s has worked for long: another takes its place", child.name)
        child.worn = True
        if not self._namesakes(child) and child.number not in self._start_at:
            self._start(child.number)

    def _namesakes(self, child: _Child) -> list[_Child]:
        """The others of its number that are to stay."""
        return [
            other
            for other in self._children.values()
            if other is not child and other.number == child.number and not other.retired
        ]

    def _bury_dead(self) -> None:
        for pid, code in ended_children():
            child = self._children.pop(pid, None)
            if child is None:
                continue
            child.close_channel()
            lost = self._table.free_of(partial(operator.eq, pid))
            if child.retired:
                if code or lost:
                    log.error("%s, retired, %s", child.name, _end(pid, code, lost))
                continue
            if namesakes := self._namesakes(child):
                serves = any(other.ready for other in namesakes)
                then = "another serves" if serves else "another is starting"
                log.error("%s, %s: %s", child.name, _end(pid, code, lost), then)
                continue
            if time.monotonic() - child.born > CALM:
                self._pauses.pop(child.number, None)
            pause = self._pauses.get(child.number, FIRST_PAUSE)
            log.error("%s, %s; the next starts in %.1f s", child.name, _end(pid, code, lost), pause)
            self._start_at[child.number] = time.monotonic() + pause
            self._pauses[child.number] = min(pause * 2, LONGEST_PAUSE)

    def _end_hanging(self) -> None:
        """End a child that hangs before it serves, over a file on a disk that is gone, say."""
        for pid, child in self._children.items():
            if child.ready_by is not None and child.ready_by <= time.monotonic():
                log.error("%s, pid %d, does not serve after %.0f s: killed", child.name, pid, BEGINNING)
                child.ready_by = None
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _start_due(self) -> None:
        now = time.monotonic()
        for number in [number for number, moment in self._start_at.items() if moment <= now]:
            del self._start_at[number]
            self._start(number)

    # -- reload

    def _reload(self) -> None:
        if self._reread is None:
            log.info("SIGHUP: nothing to read again")
            return
        notify.reloading()
        try:
            config = self._reread()
            faults = _check(config)
            if not faults:
                logs.configure(config.log_level, config.log_format, config.log_target)
        except ConfigError as error:
            faults = list(error.faults)
        if faults:
            for fault in faults:
                log.error("not reloaded: %s", fault)
            notify.notify("READY=1")
        else:
            self._change_to(config)
            self._reload_end = time.monotonic() + RELOADING
            self._end_reload()

    def _end_reload(self) -> None:
        """Say so once every child serves by the new Config."""
        if self._reload_end is None:
            return
        late = [child.name for child in self._children.values() if child.reloads]
        if late and time.monotonic() < self._reload_end:
            return
        self._reload_end = None
        if late:
            log.error("configuration reloaded, but for %s: no answer", ", ".join(late))
        else:
            log.info("configuration reloaded")
        notify.notify("READY=1")

    def _change_to(self, config: Config) -> None:
        for name in _FIXED:
            if getattr(config, name) != getattr(self._config, name):
                log.warning(
                    "option %s: changed, which takes a restart or a hand-over (SIGUSR2) to have effect",
                    long_name(name),
                )
        self._config = config
        wanted = self._wanted()
        for child in self._children.values():
            if not child.retired:
                child.retired = child.number not in wanted and child.number != STATUS
                child.reloads += not child.retired
                self._send(child, RETIRE if child.retired else RELOAD, config)
        for number in [number for number in self._start_at if number not in (STATUS, *wanted)]:
            del self._start_at[number]
        there = {child.number for child in self._children.values() if not child.retired}
        for number in wanted:
            if number not in there and number not in self._start_at:
                self._start(number)

    @staticmethod
    def _send(child: _Child, order: str, config: Config) -> None:
        with suppress(OSError):  # one that is just dying; its successor has the new Config
            if child.channel is not None:
                child.channel.send((order, config))

    # -- hand-over

    def _hand_over(self) -> None:
        if self._succeed is None or self._successor is not None:
            log.warning("SIGUSR2: %s", "a new master is starting already" if self._succeed else "not here")
            return
        succeed = self._succeed
        try:
            told, ready = os.pipe()
        except OSError as error:
            log.error("not handed over: %s", error.strerror)
            return
        try:
            os.waitpid(fork(lambda: _become(succeed, ready)), 0)
        except OSError as error:
            log.error("not handed over: %s", error.strerror)
            os.close(told)
            return
        finally:
            os.close(ready)
        pid = int.from_bytes(os.read(told, _PID_SIZE), "big")
        if not pid:
            log.error("not handed over: no new process")
            os.close(told)
            return
        self._successor = _Successor(pid, told, time.monotonic() + TAKEOVER)
        log.info("handing over to a new master, pid %d", pid)

    def _taken_over(self, successor: _Successor, told: bool) -> bool:
        if told and os.read(successor.told, 1):
            log.info("the new master serves")
            notify.notify(f"MAINPID={successor.pid}")
            self.handed_over = True
            return True
        if told:
            self._give_up_successor("it has ended")
        elif time.monotonic() >= successor.deadline:
            with suppress(ProcessLookupError):
                os.kill(successor.pid, signal.SIGKILL)
            self._give_up_successor(f"it did not serve within {TAKEOVER:.0f} s")
        return False

    def _give_up_successor(self, why: str) -> None:
        log.error("not handed over, going on: the new master failed: %s", why)
        assert self._successor is not None
        os.close(self._successor.told)
        self._successor = None

    # -- the end

    def _stop(self) -> None:
        log.info("stopping")
        if self.handed_over:
            # the successor's own serves on the same socket
            self._tell(signal.SIGTERM, status=True)
        else:
            notify.notify("STOPPING=1")
            if self._successor is not None:
                with suppress(ProcessLookupError):
                    os.kill(self._successor.pid, signal.SIGKILL)
        for listener in self._listeners:
            listener.close()
        for child in self._children.values():
            if child.number == STATUS:
                self._send(child, RETIRE, self._config)
        self._tell(signal.SIGTERM)
        self._see_end(self._config.drain_timeout + PATIENCE)
        # until here it has said that we are draining
        self._tell(signal.SIGTERM, status=True)
        self._see_end(PATIENCE, status=True)

    def _see_end(self, seconds: float, *, status: bool = False) -> None:
        """Wait until the workers, or the status process, have ended, and kill them at last."""
        deadline = time.monotonic() + seconds
        while True:
            for pid, _ in ended_children():
                self._children.pop(pid, None)
                self._table.free_of(partial(operator.eq, pid))
            if not any((child.number == STATUS) == status for child in self._children.values()):
                return
            left = deadline - time.monotonic()
            caught = self._signals.wait((), max(0.0, left))[0]
            if left <= 0 or signal.SIGTERM in caught or signal.SIGINT in caught:
                log.warning("killing processes that do not end")
                self._tell(signal.SIGKILL, status=status)
                deadline = time.monotonic() + PATIENCE

    def _tell(self, number: signal.Signals, *, status: bool = False) -> None:
        """Signal the workers, or the status process."""
        for pid, child in self._children.items():
            if (child.number == STATUS) == status:
                with suppress(ProcessLookupError):
                    os.kill(pid, number)


def _end(pid: int, code: int, lost: int) -> str:
    return f"pid {pid}, ended ({how(code)}) with {lost} connections"


def _check(config: Config) -> list[str]:
    """The faults of the files that the Config names, found in a process that is gone afterwards."""
    try:
        ours, theirs = Pipe()
    except OSError as error:
        return [f"no pipe to check it by: {error.strerror}"]
    try:
        pid = fork(lambda: _say_faults(config, theirs))
    except OSError as error:
        return [f"no new process to check it: {error.strerror}"]
    finally:
        theirs.close()
    try:
        faults: list[str] = ours.recv()
    except EOFError:
        faults = ["reading it failed in us"]
    ours.close()
    os.waitpid(pid, 0)
    return faults


def _say_faults(config: Config, channel: Channel) -> int:
    try:
        runtime.load(config)
        if config.audit_log is not None:
            AuditLog(config.audit_log).close()
    except ConfigError as error:
        channel.send(list(error.faults))
        return 1
    channel.send([])
    return 0


def _become(succeed: Callable[[int], None], ready: int) -> int:
    """Leave a new master behind, and say its pid; the exit code.

    It must be no child of the old master's: systemd takes no main process that it can't wait for itself.
    """
    pid = os.fork()
    if pid:
        os.write(ready, pid.to_bytes(_PID_SIZE, "big"))
        return 0
    # until it has its own handlers, neither may end it
    for number in (signal.SIGHUP, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    succeed(ready)
    return 1
