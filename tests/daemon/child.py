"""Children of the test: what they do is done by another process, or by another user."""

from __future__ import annotations

import os
import pickle
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


class Child:
    """A process that does something, and then lives until it is ended."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self._told, tell = os.pipe()
        lives, self._keeps = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self._told)
            os.close(self._keeps)
            _be_child(act, tell, lives)
        os.close(tell)
        os.close(lives)

    def answer(self) -> Any:
        """What it has returned, once it has; AssertionError for what it raised."""
        with open(self._told, "rb", closefd=False) as stream:
            octets = stream.read()
        failure, answer = pickle.loads(octets) if octets else ("it was ended", None)
        assert not failure, f"in the child: {failure}"
        return answer

    def end(self) -> int:
        """Have it exit; its exit code."""
        with suppress(BrokenPipeError):  # it has ended by itself
            os.write(self._keeps, b".")
        return self._reap()

    def kill(self) -> None:
        """SIGKILL, as a crash would be."""
        os.kill(self.pid, signal.SIGKILL)
        self._reap()

    def _reap(self) -> int:
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        os.close(self._keeps)
        os.close(self._told)
        return os.waitstatus_to_exitcode(status)


def _be_child(act: Callable[[], Any], tell: int, lives: int) -> None:
    code = 1
    try:
        try:
            answer = ("", act())
        except BaseException:
            answer = (traceback.format_exc(), None)
        with open(tell, "wb") as stream:
            pickle.dump(answer, stream)
        os.read(lives, 1)
        code = 0
    finally:
        os._exit(code)


@contextmanager
def living(act: Callable[[], Any]) -> Iterator[Child]:
    """A child that has done something and lives on until the end of the block."""
    child = Child(act)
    try:
        child.answer()
        yield child
    finally:
        if child.pid:
            child.end()


def in_child(act: Callable[[], Any]) -> Any:
    """What ``act`` returns when another process does it."""
    child = Child(act)
    try:
        return child.answer()
    finally:
        child.end()


def as_nobody(act: Callable[[], Any]) -> Any:
    """What ``act`` returns when the user nobody does it, if we are root; else when we do."""

    def change_and_act() -> Any:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        return act()

    return in_child(change_and_act)
