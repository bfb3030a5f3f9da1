"""Descriptors from whoever starts us, and to whoever takes our place: numbered from 3 on, named in LISTEN_*.

systemd passes listening sockets this way (sd_listen_fds(3)), and so does a master to its successor.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from typing import NoReturn

FIRST = 3
UNNAMED = "unknown"  # what systemd itself calls one without a name

_PID, _COUNT, _NAMES = "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"


def inherited() -> list[tuple[int, str]]:
    """Descriptor and name of each that was passed to this process, in order; the second time none.

    No child of ours takes them for its own, or gets them by an exec. OSError where one is not open.
    """
    pid, count, names = (os.environ.pop(name, "") for name in (_PID, _COUNT, _NAMES))
    # a process in between may have kept the variables for us that were meant for it
    if pid != str(os.getpid()) or not count.isdecimal():
        return []
    descriptors = range(FIRST, FIRST + int(count))
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    known = names.split(":") if names else []
    known += [UNNAMED] * (len(descriptors) - len(known))
    return list(zip(descriptors, known, strict=False))


def expected() -> bool:
    """Whether descriptors were passed to this process that nobody has asked for yet."""
    return os.environ.get(_PID) == str(os.getpid())


def exec_with(descriptors: Sequence[tuple[int, str]], argv: Sequence[str]) -> NoReturn:
    """Become the program ``argv``, which finds these by ``inherited``; for a forked child. OSError.

    ``argv[0]`` is a path. Our environment and the mask of blocked signals go along. ValueError for a name
    that can't be written.
    """
    if any(":" in name or not name.isascii() or not name.isprintable() for _, name in descriptors):
        raise ValueError("a descriptor's name has no colon, and only printable ASCII")
    # first out of the way: the place of one may be where another still is
    free = FIRST + len(descriptors)
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, free) for descriptor, _ in descriptors]
    for place, descriptor in enumerate(moved, FIRST):
        os.dup2(descriptor, place)
    ours = {
        _PID: str(os.getpid()),
        _COUNT: str(len(descriptors)),
        _NAMES: ":".join(name for _, name in descriptors),
    }
    os.execve(argv[0], list(argv), os.environ | ours)
