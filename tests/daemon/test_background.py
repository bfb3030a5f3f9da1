"""Into the background: who waits for whom, and what is left of the terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

PATIENCE = 20.0  # seconds

# what the third process does; it says what it is in a file, which no terminal can take away
START = """
import os, signal, sys, time
from pathlib import Path
from srs_epp.daemon import background
from srs_epp.daemon.background import detach, leave_terminal
background.PATIENCE = 0.5
Path("first").write_text(str(os.getpid()))
ready = detach()
Path("new").write_text(f"{os.getpid()} {os.getppid()} {os.getsid(0)} {os.getpgid(0)}")
Path("new").rename("third")
"""
SERVE = "ready()\ntime.sleep(600)\n"


def until(found: Callable[[], object], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Started:
    """A program that detaches itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def popen(self, script: str, before: Callable[[], object] | None = None) -> subprocess.Popen[bytes]:
        top = str(Path(__file__).parents[2])

        def prepare() -> None:
            # a test that runs in the background may ignore them
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            if before:
                before()

        return subprocess.Popen(
            [sys.executable, "-c", START + script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": top},
            start_new_session=True,
            preexec_fn=prepare,
        )

    def run(self, script: str, before: Callable[[], object] | None = None) -> tuple[int, str, str]:
        """Exit code, output and errors, once nobody can print any more."""
        with self.popen(script, before) as process:
            out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out.decode(), err.decode()

    def third(self) -> list[int]:
        """pid, parent, session and group of the process in the background, when it was started."""
        until((self.folder / "third").exists)
        return [int(word) for word in (self.folder / "third").read_text().split()]

    def end(self) -> None:
        if (self.folder / "third").exists():
            with suppress(ProcessLookupError):
                os.kill(self.third()[0], signal.SIGKILL)


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    one = Started(tmp_path)
    yield one
    one.end()


def test_who_was_started_ends_with_0_once_all_is_ready(started: Started) -> None:
    before = time.monotonic()
    code, out, err = started.run(
        "print('out'); print('err', file=sys.stderr); time.sleep(0.5)\n"
        "ready(); print('more'); time.sleep(600)"
    )

    assert time.monotonic() - before > 0.5
    assert (code, out, err) == (0, "out\n", "err\n")
    pid, _, session, group = started.third()
    assert alive(pid)
    assert pid not in (session, group)
    assert session == group
    assert not alive(session)  # the second has ended
    status = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    assert int(status[1]) != session  # and whoever takes orphans has taken the third
    assert status[4] == "0"  # no terminal


def test_all_standard_streams_are_let_go_of(started: Started) -> None:
    started.run(SERVE)

    pid = started.third()[0]
    for descriptor in (0, 1, 2):
        assert Path(f"/proc/{pid}/fd/{descriptor}").readlink() == Path(os.devnull)
    assert sorted(entry.name for entry in Path(f"/proc/{pid}/fd").iterdir()) == ["0", "1", "2"]


def test_workers_let_go_of_them_too(started: Started) -> None:
    """Else whoever waits for the end of the output waits for the workers' end."""
    worker = """
told, tell = os.pipe()
if not os.fork():
    leave_terminal()
    os.write(tell, b"+")
    time.sleep(600)
    os._exit(0)
os.read(told, 1)
"""
    code, _, _ = started.run(worker + SERVE)

    assert code == 0
    pid = started.third()[0]
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)


def test_a_terminal_is_lost_and_can_not_be_had_again(started: Started) -> None:
    """A terminal that is opened becomes that of a session's leader who has none."""
    main, terminal = pty.openpty()
    try:
        name = os.ttyname(terminal)
        code, _, _ = started.run(
            f"os.open({name!r}, os.O_RDWR)\nPath('tty').write_text(open('/proc/self/stat').read())\n" + SERVE
        )
        assert code == 0
        assert (started.folder / "tty").read_text().rsplit(")", 1)[1].split()[4] == "0"
    finally:
        os.close(main)
        os.close(terminal)


def test_the_folder_stays_and_the_umask_gets_no_weaker(started: Started) -> None:
    code, _, _ = started.run("Path('made').touch(0o777)\n" + SERVE, lambda: os.umask(0o002))

    assert code == 0
    pid = started.third()[0]
    assert Path(f"/proc/{pid}/cwd").readlink() == started.folder
    assert (started.folder / "made").stat().st_mode & 0o777 == 0o750


def test_a_stricter_umask_stays(started: Started) -> None:
    started.run("Path('made').touch(0o777)\n" + SERVE, lambda: os.umask(0o077))

    assert (started.folder / "made").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("script", "code", "err"),
    [
        ("sys.exit(2)", 2, ""),
        ("sys.exit('eppd: option user: no')", 1, "eppd: option user: no\n"),
        ("sys.exit(0)", 0, ""),
        ("os.kill(os.getpid(), signal.SIGKILL)", 1, "eppd: ended by SIGKILL before it was ready\n"),
    ],
)
def test_the_end_before_that_is_the_end_of_who_was_started(
    started: Started, script: str, code: int, err: str
) -> None:
    assert started.run(script) == (code, "", err)


def test_nobody_waits_for_workers_that_outlive_it(started: Started) -> None:
    script = """
worker = os.fork()
if not worker:
    leave_terminal()
    time.sleep(600)
    os._exit(0)
Path("worker").write_text(str(worker))
time.sleep(0.2)
os.kill(os.getpid(), signal.SIGKILL)
"""
    try:
        assert started.run(script)[0] == 1
    finally:
        worker = started.folder / "worker"
        if worker.exists():
            os.kill(int(worker.read_text()), signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP])
def test_whoever_gives_it_up_ends_it_all(started: Started, number: signal.Signals) -> None:
    with started.popen("time.sleep(600)") as process:
        third, second, *_ = started.third()
        process.send_signal(number)
        until(lambda: not alive(third) and not alive(second))

        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert "Traceback" not in err.decode()


def test_one_that_takes_no_notice_is_killed(started: Started) -> None:
    script = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    with started.popen(script) as process:
        third = started.third()[0]
        assert process.stdout is not None
        process.stdout.read(1)
        process.kill()

        until(lambda: not alive(third))


def test_one_that_loses_the_second_process_does_not_get_ready(started: Started) -> None:
    script = """
signal.signal(signal.SIGUSR1, lambda *_: None)
signal.pause()
try:
    ready()
except BrokenPipeError:
    Path("seen").write_text("nobody waits")
"""
    with started.popen(script) as process:
        third, second, *_ = started.third()
        time.sleep(0.2)
        os.kill(second, signal.SIGKILL)
        assert process.wait(PATIENCE) == 1
        os.kill(third, signal.SIGUSR1)
        until((started.folder / "seen").exists)


def test_an_exit_code_is_had_where_dead_children_are_ignored(started: Started) -> None:
    """Whoever has started us may have said so, and it is inherited."""

    def ignore() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    assert started.run("sys.exit(2)", ignore)[0] == 2
    assert started.run(SERVE, ignore)[0] == 0


def test_what_was_printed_before_is_printed_once(tmp_path: Path) -> None:
    script = "import sys\nfrom srs_epp.daemon.background import detach\nprint('once')\ndetach()()\n"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, b"once\n")
