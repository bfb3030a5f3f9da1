"""What every test has: a look at the threads and descriptors that it leaves behind."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

PATIENCE = 5.0  # seconds for threads that are ending to be gone


def _descriptors() -> set[str]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the descriptor of the listing itself
            found.add(f"{entry.name} -> {entry.readlink()}")
    return found


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test leaves a thread or a descriptor that was not there before."""
    threads, descriptors = set(threading.enumerate()), _descriptors()
    yield
    deadline = time.monotonic() + PATIENCE
    while (left := set(threading.enumerate()) - threads) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not left, f"threads left behind: {left}"
    if _descriptors() - descriptors:
        gc.collect()  # what is only waiting for it was let go of
    opened = _descriptors() - descriptors
    assert not opened, f"descriptors left behind: {opened}"
