"""Descriptors that pass from one program to the next."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from srs_epp.daemon.inheritance import exec_with, expected, inherited
from tests.daemon.child import in_child

# what the successor sees
SEE = """
import json, os, sys
from pathlib import Path
from srs_epp.daemon.inheritance import inherited

def links():
    found = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            pass
    return found

before = {number: link for number, link in links().items() if number > 2}
found = inherited()
json.dump({
    "found": found,
    "links": [before[number] for number, _ in found],
    "more": sorted(set(before) - {number for number, _ in found}),
    "inheritable": [os.get_inheritable(number) for number, _ in found],
    "left": [name for name in os.environ if name.startswith("LISTEN_")],
    "kept": os.environ.get("KEPT"),
    "again": inherited(),
}, sys.stdout)
"""


def successor(choose: Callable[[], list[tuple[int, str]]]) -> dict[str, Any]:
    """What a program sees that a child of ours becomes with these descriptors."""
    told, tell = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.dup2(tell, 1)
            os.environ |= {"PYTHONPATH": str(Path(__file__).parents[2]), "KEPT": "yes"}
            exec_with(choose(), [sys.executable, "-c", SEE])
        finally:
            os._exit(1)
    os.close(tell)
    with os.fdopen(told, "rb") as answer:
        seen = answer.read()
    assert os.waitpid(pid, 0)[1] == 0
    return dict(json.loads(seen))


def is_open(number: int) -> bool:
    return Path(f"/proc/self/fd/{number}").is_symlink()


def test_each_is_found_under_its_name_and_goes_no_further() -> None:
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        names = ["listen", "listen", "metrics"]
        seen = successor(lambda: [(one.fileno(), name) for one, name in zip(listeners, names, strict=True)])
        links = [str(Path(f"/proc/self/fd/{one.fileno()}").readlink()) for one in listeners]
        # the tests may have been started with some that go to everybody
        goes_along = {number for number in range(6, 1024) if is_open(number) and os.get_inheritable(number)}

    assert seen["found"] == [[3, "listen"], [4, "listen"], [5, "metrics"]]
    assert seen["links"] == links
    assert set(seen["more"]) <= goes_along
    assert seen["inheritable"] == [False] * 3
    assert seen["left"] == []
    assert seen["kept"] == "yes"
    assert seen["again"] == []


def test_one_is_not_lost_where_another_goes() -> None:
    """Numbers that the descriptors are to have are those of others that are still to be moved."""
    paths = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random"]

    def choose() -> list[tuple[int, str]]:
        opened = [os.open(path, os.O_RDONLY) for path in paths]
        wanted = [6, 3, 5, 4]  # each has the place of another
        for descriptor, number in zip([os.dup(one) for one in opened], wanted, strict=True):
            spare = os.open("/dev/null", os.O_RDONLY)
            assert spare > 6
            os.dup2(descriptor, 100 + number)
        for number in wanted:
            os.dup2(100 + number, number)
            os.close(100 + number)
        return [(number, Path(f"/proc/self/fd/{number}").readlink().name) for number in (6, 3, 5, 4, 6)]

    seen = successor(choose)

    assert seen["links"] == [*paths, "/dev/null"]
    assert [name for _, name in seen["found"]] == ["null", "zero", "full", "random", "null"]


def test_none_at_all() -> None:
    assert successor(list)["found"] == []


@pytest.mark.parametrize("name", ["a:b", "a\nb", "ä"])
def test_a_name_that_cannot_be_written(name: str) -> None:
    with pytest.raises(ValueError, match="no colon"):
        exec_with([(0, name)], ["/bin/true"])


def test_a_program_that_is_not_there() -> None:
    def act() -> str:
        with pytest.raises(OSError, match="No such file") as caught:
            exec_with([(0, "x")], ["/no/such/program"])
        return str(caught.value)

    assert "/no/such/program" in in_child(act)


def found_with(**variables: str) -> Any:
    """What a child finds that has these descriptors open: 3 and 4."""

    def act() -> Any:
        null = os.open(os.devnull, os.O_RDONLY)
        kept = os.dup(null) + 50
        os.dup2(null, kept)
        os.dup2(kept, 3)
        os.dup2(kept, 4)
        os.closerange(5, 10)
        os.environ.update({"LISTEN_PID": str(os.getpid())} | variables)
        assert expected() == (variables.get("LISTEN_PID") != "1")
        try:
            found: Any = inherited()
        except OSError as error:
            found = error.strerror
        assert not any(name.startswith("LISTEN_") for name in os.environ)
        assert not expected()
        return found

    return in_child(act)


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b"}, [(3, "a"), (4, "b")]),
        ({"LISTEN_FDS": "2", "LISTEN_FDNAMES": "a"}, [(3, "a"), (4, "unknown")]),
        ({"LISTEN_FDS": "2"}, [(3, "unknown"), (4, "unknown")]),
        ({"LISTEN_FDS": "1", "LISTEN_FDNAMES": "a:b"}, [(3, "a")]),
        ({"LISTEN_FDS": "2", "LISTEN_PID": "1"}, []),
        ({"LISTEN_FDS": "0"}, []),
        ({"LISTEN_FDS": "two"}, []),
        ({"LISTEN_FDS": "-1"}, []),
        ({}, []),
        ({"LISTEN_FDS": "3"}, "Bad file descriptor"),
        ({"LISTEN_FDS": "99999999999999999999"}, "Bad file descriptor"),
    ],
)
def test_what_the_variables_say(variables: dict[str, str], found: Any) -> None:
    assert found_with(**variables) == found
