"""Orders to a master that runs: whom they reach, and what is said of it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from srs_epp.config import Config, ConfigError
from srs_epp.daemon import service
from srs_epp.daemon.pidfile import PidFile, holder
from srs_epp.daemon.service import CannotTell, reload, status, stop
from tests.daemon.child import Child, as_nobody, living, needs_root
from tests.support import settings

ORDERS = [stop, status, reload]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return settings.config(pidfile=tmp_path / "eppd.pid", drain_timeout="2")


def path_of(config: Config) -> Path:
    assert config.pidfile is not None
    return config.pidfile


def said(order: Callable[..., int], config: Config) -> tuple[int, str]:
    out = io.StringIO()
    return order(config, out), out.getvalue()


def master(config: Config, before_its_end: Callable[[], object] = lambda: None) -> Callable[[], None]:
    """A master that ends in an orderly way, and notes each SIGHUP."""

    def run() -> None:
        def end(*_: object) -> None:
            before_its_end()
            file.remove()
            os._exit(0)

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGHUP, lambda *_: path_of(config).with_name("reloads").touch())
        file = PidFile.take(path_of(config))

    return run


@pytest.mark.parametrize("order", ORDERS)
def test_no_order_without_a_pid_file(order: Callable[..., int]) -> None:
    with pytest.raises(ConfigError, match=f"^option pidfile is required for {order.__name__}$"):
        order(settings.config(), io.StringIO())


@pytest.mark.parametrize(("order", "code"), [(stop, 0), (status, 1), (reload, 1)])
@pytest.mark.parametrize("stale", [False, True])
def test_none_runs(config: Config, order: Callable[..., int], code: int, stale: bool) -> None:
    if stale:
        path_of(config).write_text(f"{os.getpid()}\n")

    assert said(order, config) == (code, "eppd is not running\n")


def test_one_runs(config: Config) -> None:
    with living(master(config)) as child:
        assert said(status, config) == (0, f"eppd is running (pid {child.pid})\n")


def test_a_reload_is_a_sighup(config: Config) -> None:
    with living(master(config)) as child:
        assert said(reload, config) == (0, f"eppd reads its configuration again (pid {child.pid})\n")

        deadline = time.monotonic() + 5
        while not path_of(config).with_name("reloads").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert holder(path_of(config)) == child.pid


def test_stop_waits_until_it_has_ended(config: Config) -> None:
    with living(master(config, lambda: time.sleep(0.5))) as child:
        before = time.monotonic()

        assert said(stop, config) == (0, f"eppd has ended (pid {child.pid})\n")

        assert time.monotonic() - before >= 0.5
        assert not path_of(config).exists()
        assert said(status, config)[0] == 1


def test_one_that_crashes_meanwhile_has_ended_too(config: Config) -> None:
    with living(master(config, lambda: os._exit(1))) as child:
        assert said(stop, config) == (0, f"eppd has ended (pid {child.pid})\n")


def test_one_that_does_not_end_is_not_waited_for_forever(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PATIENCE", -1.5)

    def run() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        PidFile.take(path_of(config))

    with living(run) as child:
        assert said(stop, config) == (1, f"eppd (pid {child.pid}) has not ended within 0.5 s\n")


def test_the_time_to_end_is_longer_than_sessions_have(config: Config) -> None:
    assert config.drain_timeout == 2
    assert service.PATIENCE == 10


def test_a_successor_that_takes_over_just_then_is_stopped_too(config: Config) -> None:
    """The one that is told hands its place over, as it has been asked to a moment before."""
    path = path_of(config)

    def run() -> None:
        def hand_over(*_: object) -> None:
            if not os.fork():
                master_of_the_rest()
            time.sleep(0.3)
            os._exit(0)

        def master_of_the_rest() -> None:
            def end(*_: object) -> None:
                file.remove()
                os._exit(0)

            signal.signal(signal.SIGTERM, end)
            PidFile.adopt(path, file.descriptor)
            path.with_name("successor").write_text(str(os.getpid()))
            time.sleep(10)
            os._exit(1)

        signal.signal(signal.SIGTERM, hand_over)
        file = PidFile.take(path)

    with living(run) as child:
        code, text = said(stop, config)
        successor = path.with_name("successor").read_text()

    assert (code, text) == (0, f"eppd has ended (pid {successor})\n")
    assert successor != str(child.pid)
    assert not path.exists()


def test_one_that_has_ended_before_it_is_told(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    with living(lambda: None) as gone:
        pid = gone.pid
    answers = iter([pid, None, pid])
    monkeypatch.setattr(service, "holder", lambda _: next(answers))

    assert said(stop, config) == (0, f"eppd has ended (pid {pid})\n")
    assert said(reload, config) == (1, "eppd is not running\n")


def test_a_pid_that_is_another_process_by_now_is_left_alone(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        answers = iter([other.pid, None])
        monkeypatch.setattr(service, "holder", lambda _: next(answers))

        assert said(reload, config) == (1, "eppd is not running\n")

        assert other.poll() is None
        other.kill()


@needs_root
def test_root_is_not_made_to_stop_what_the_owner_of_the_file_may_not(config: Config) -> None:
    """Whoever runs as nobody can write what it likes into its pid file."""
    path = path_of(config)
    with subprocess.Popen(["sleep", "60"]) as other:

        def forge() -> None:
            file = PidFile.take(path)
            file.give_to(65534, 65534)
            os.pwrite(file.descriptor, f"{other.pid}\n".encode(), 0)

        with living(forge):
            for order in (stop, reload):
                with pytest.raises(CannotTell) as caught:
                    order(config, io.StringIO())
                assert str(caught.value) == (
                    f"option pidfile: {path}: pid {other.pid} is a process of another user (0)"
                )
        assert other.poll() is None
        other.kill()


@needs_root
@pytest.mark.parametrize("given", [True, False])
def test_root_stops_one_that_runs_as_the_user_of_the_file_or_the_configuration(
    config: Config, given: bool
) -> None:
    def run() -> None:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        file = PidFile.take(path_of(config))
        if given:
            file.give_to(65534, 65534)
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)

    changes: dict[str, Any] = {} if given else {"user": "nobody"}
    with living(run) as child:
        config = settings.config(pidfile=config.pidfile, drain_timeout="2", **changes)
        assert said(stop, config) == (0, f"eppd has ended (pid {child.pid})\n")


@needs_root
def test_who_may_not_stop_it_is_told_so(config: Config) -> None:
    path = path_of(config)
    with living(master(config)) as child:

        def act() -> str:
            with pytest.raises(CannotTell) as caught:
                stop(config, io.StringIO())
            return str(caught.value)

        folders = [one for one in path.parents if not one.stat().st_mode & 0o001]
        for folder in folders:
            folder.chmod(folder.stat().st_mode | 0o001)
        try:
            assert as_nobody(act) == f"SIGTERM to pid {child.pid}: Operation not permitted"
            assert as_nobody(lambda: said(status, config)) == (0, f"eppd is running (pid {child.pid})\n")
        finally:
            for folder in folders:
                folder.chmod(folder.stat().st_mode & ~0o001)
        assert holder(path) == child.pid


def test_a_child_is_a_child() -> None:
    """What the other tests rely on."""
    child = Child(os.getpid)
    pid = child.pid
    assert child.answer() == pid
    assert child.end() == 0
