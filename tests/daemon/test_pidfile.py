"""The pid file: who has its lock runs, whatever stands in it."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from srs_epp.daemon import pidfile
from srs_epp.daemon.pidfile import AlreadyRunning, PidFile, holder
from tests.daemon.child import Child, as_nobody, in_child, living, needs_root

UNUSED = 4_000_000_000  # more than any pid


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "eppd.pid"


@pytest.fixture
def open_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that any user gets at, and only its owner writes to."""
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    closed = [one for one in (tmp_path, *tmp_path.parents) if not one.stat().st_mode & stat.S_IXOTH]
    for one in closed:
        one.chmod(one.stat().st_mode | stat.S_IXOTH)
    yield folder
    for one in closed:
        one.chmod(one.stat().st_mode & ~stat.S_IXOTH)


def taker(path: Path) -> Callable[[], None]:
    def take() -> None:
        PidFile.take(path)

    return take


def test_it_holds_the_pid_of_whoever_has_taken_it(path: Path) -> None:
    with living(taker(path)) as master:
        assert path.read_text() == f"{master.pid}\n"
        assert holder(path) == master.pid


def test_everybody_may_read_it_whatever_the_umask(path: Path) -> None:
    def take() -> None:
        os.umask(0o077)
        PidFile.take(path)

    in_child(take)

    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_second_one_is_told_who_runs(path: Path) -> None:
    with living(taker(path)) as master:
        with pytest.raises(AlreadyRunning) as caught:
            PidFile.take(path)

        assert (caught.value.pid, caught.value.path) == (master.pid, path)
        assert str(caught.value) == f"option pidfile: {path}: eppd is running already (pid {master.pid})"
        assert path.read_text() == f"{master.pid}\n"


def test_nobody_holds_one_that_is_not_there(path: Path) -> None:
    assert holder(path) is None


def test_a_crash_leaves_a_file_that_nobody_holds(path: Path) -> None:
    with living(taker(path)) as master:
        master.kill()

        assert path.exists()
        assert holder(path) is None
        file = PidFile.take(path)
        assert holder(path) == os.getpid()
        assert path.read_text() == f"{os.getpid()}\n"
        file.remove()


def test_the_number_in_a_stale_file_is_nobodys_even_while_it_is_taken(path: Path) -> None:
    path.write_text(f"{os.getppid()}\n")
    descriptor = os.open(path, os.O_RDWR)
    try:
        assert pidfile._lock(descriptor, pidfile._TAKEN)  # as far as a starting one has come

        assert holder(path) is None
        with pytest.raises(AlreadyRunning, match="another eppd is starting") as caught:
            PidFile.take(path)
        assert caught.value.pid is None
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("content", ["", "\n", "123", "99999\n00\n", "\0" * 6])
def test_what_may_be_left_in_it_is_overwritten(path: Path, content: str) -> None:
    path.write_text(content)

    file = PidFile.take(path)

    assert path.read_text() == f"{os.getpid()}\n"
    file.remove()


@pytest.mark.parametrize("content", ["root:x:0:0::/root:/bin/sh\n", "12 monkeys", "1" * 33])
def test_a_file_with_something_else_in_it_is_left_alone(path: Path, content: str) -> None:
    path.write_text(content)

    with pytest.raises(OSError, match=r"not a pid file: there is something else in it: '.*/eppd\.pid'"):
        PidFile.take(path)

    assert path.read_text() == content


def test_what_is_no_file_is_refused(tmp_path: Path, path: Path) -> None:
    os.mkfifo(path)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "else")

    for wrong in (path, tmp_path, link, tmp_path / "missing" / "eppd.pid"):
        with pytest.raises(OSError, match=str(wrong)):
            PidFile.take(wrong)

    assert holder(path) is None
    assert not (tmp_path / "else").exists()


def test_another_name_of_some_other_file_is_refused(tmp_path: Path, path: Path) -> None:
    other = tmp_path / "other.pid"
    other.write_text("1\n")
    path.hardlink_to(other)

    with pytest.raises(OSError, match=rf"it has another name: '{path}'"):
        PidFile.take(path)

    assert other.read_text() == "1\n"


def test_it_is_held_while_a_child_has_not_let_go_of_it(path: Path) -> None:
    file = PidFile.take(path)

    def let_go() -> None:
        file.close()

    with living(lambda: None), living(let_go):
        file.close()
        assert holder(path) == os.getpid()
    assert holder(path) is None

    file = PidFile.take(path)
    with living(let_go):
        file.close()
        assert holder(path) is None


def test_a_child_that_is_the_master_writes_its_own_pid(path: Path) -> None:
    file = PidFile.take(path)

    with living(file.write) as master:
        file.close()
        assert holder(path) == master.pid
    path.unlink()


def test_removed_it_is_gone_and_held_by_nobody(path: Path) -> None:
    file = PidFile.take(path)

    file.remove()

    assert not path.exists()
    assert holder(path) is None


def test_a_child_removes_nothing(path: Path) -> None:
    file = PidFile.take(path)

    in_child(file.remove)

    assert holder(path) == os.getpid()
    file.remove()


def test_a_successor_adopts_it_and_the_predecessor_leaves_it_alone(path: Path) -> None:
    file = PidFile.take(path)

    with living(lambda: PidFile.adopt(path, file.descriptor) and None) as successor:
        assert holder(path) == successor.pid
        file.remove()

        assert path.read_text() == f"{successor.pid}\n"
        assert holder(path) == successor.pid


def test_a_shorter_pid_leaves_nothing_of_a_longer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 1234567)
    file = PidFile.take(path)
    monkeypatch.setattr(os, "getpid", lambda: 12)

    file.write()

    assert path.read_text() == "12\n"
    file.remove()


def test_who_has_not_inherited_the_lock_cannot_adopt_it(path: Path) -> None:
    with living(taker(path)) as master:
        descriptor = os.open(path, os.O_RDWR)
        with pytest.raises(AlreadyRunning) as caught:
            PidFile.adopt(path, descriptor)
        os.close(descriptor)

        assert caught.value.pid == master.pid


def test_another_file_of_the_same_name_is_left_alone(path: Path) -> None:
    file = PidFile.take(path)
    path.unlink()
    path.write_text(f"{os.getpid()}\n")

    file.remove()

    assert path.exists()


def test_the_lock_of_a_file_without_a_name_counts_for_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is opened, then removed by its owner, then locked by us: two masters, if nobody looked."""
    owner = PidFile.take(path)
    lock = pidfile._lock
    locks: list[int] = []

    def lock_after_its_end(descriptor: int, octet: int) -> bool:
        if not locks:
            owner.remove()
        locks.append(octet)
        return lock(descriptor, octet)

    monkeypatch.setattr(pidfile, "_lock", lock_after_its_end)
    file = PidFile.take(path)

    assert len(locks) == 3  # the nameless one; a new one, and what is written in it
    assert holder(path) == os.getpid()
    file.remove()


def test_of_many_that_start_and_end_one_runs_at_a_time(path: Path) -> None:
    """Each that has it looks whether another believes the same, by a folder that only one can make."""

    def start_and_end(rounds: int) -> int:
        mine = 0
        deadline = time.monotonic() + 20
        while mine < rounds and time.monotonic() < deadline:
            try:
                file = PidFile.take(path)
            except AlreadyRunning:
                continue
            Path(f"{path}.runs").mkdir()
            assert holder(path) == os.getpid()
            Path(f"{path}.runs").rmdir()
            file.remove()
            mine += 1
        return mine

    children = [Child(lambda: start_and_end(100)) for _ in range(4)]
    done = threading.Event()
    seen: set[int | None] = set()

    def ask() -> None:
        while not done.is_set():
            with suppress(FileNotFoundError):
                seen.add(holder(path))

    asking = threading.Thread(target=ask)
    asking.start()
    answers = [child.answer() for child in children]
    done.set()
    asking.join()
    pids = {child.pid for child in children}
    for child in children:
        child.end()

    assert answers == [100] * 4
    assert seen <= pids | {None}
    assert not path.exists()


def test_whoever_may_only_read_it_can_ask_and_not_pretend(open_folder: Path) -> None:
    path = open_folder / "eppd.pid"
    path.write_text(f"{os.getpid()}\n")  # a stale one

    def pretend_and_ask() -> tuple[int | None, str]:
        descriptor = os.open(path, os.O_RDONLY)
        refused = ""
        try:
            pidfile._lock(descriptor, pidfile._WRITTEN)
        except OSError as error:
            refused = str(error.strerror)
        return holder(path), refused

    assert as_nobody(pretend_and_ask) == (None, "Bad file descriptor")


@needs_root
def test_who_is_not_root_any_more_empties_what_it_may_not_remove(open_folder: Path) -> None:
    path = open_folder / "eppd.pid"
    file = PidFile.take(path)
    file.give_to(65534, 65534)

    def be_master() -> tuple[str, int | None]:
        file.write()
        seen = path.read_text(), holder(path)
        file.remove()
        return seen

    written, held = as_nobody(be_master)
    file.close()

    assert written == f"{held}\n"
    assert path.read_text() == ""
    assert path.stat().st_uid == 65534
    assert holder(path) is None
    PidFile.take(path).remove()


@needs_root
def test_one_that_another_user_has_left_in_a_folder_for_all_is_taken(open_folder: Path) -> None:
    open_folder.chmod(0o1777)
    path = open_folder / "eppd.pid"

    def leave() -> None:
        PidFile.take(path)

    as_nobody(leave)
    assert path.stat().st_uid == 65534

    PidFile.take(path).remove()
