"""The audit log: whole lines of JSON, whatever is in them, whoever else writes, whatever the disk does."""

from __future__ import annotations

import json
import logging
import os
import random
import resource
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srs_epp.config import ConfigError
from srs_epp.daemon.audit import COMPLAINT, AuditLog
from tests.daemon.child import Child, as_nobody, living, needs_root

LOST = "audit-log can't be written"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "audit.log"


@pytest.fixture
def audit(path: Path) -> Iterator[AuditLog]:
    path.parent.mkdir()
    opened = AuditLog(path)
    yield opened
    opened.close()


def rows(path: Path) -> list[dict[str, Any]]:
    """The lines; each is whole, and JSON."""
    text = path.read_bytes().decode("utf-8")
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


def complaints(caplog: pytest.LogCaptureFixture) -> int:
    return sum(LOST in record.getMessage() for record in caplog.records)


# -- lines


def test_a_line_has_time_and_event_and_the_fields_in_their_order(audit: AuditLog, path: Path) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    audit.write("command", {"worker": 1, "clTRID": None, "ms": 1.5, "srs": ["1,2", "1,3"]})

    [row] = rows(path)

    assert list(row) == ["time", "event", "worker", "clTRID", "ms", "srs"]
    assert before <= datetime.fromisoformat(row["time"]) <= datetime.now(UTC)
    assert row["time"].endswith("Z")
    assert (row["event"], row["clTRID"], row["ms"], row["srs"]) == ("command", None, 1.5, ["1,2", "1,3"])


@pytest.mark.parametrize(
    "text",
    [
        'a "quoted" \\ word',
        "two\nlines\r\n",
        "\x1b[31mred",
        "\x9b31mred",
        "\u2028\u2029\x85",
        "\u202egnp.exe",
        "kākāpō.nz 🦜",
        "\ud800 alone",
        "</script>",
        "x" * 10000,
    ],
    ids=ascii,
)
def test_whatever_a_client_says_is_one_line_that_controls_no_terminal(
    audit: AuditLog, path: Path, text: str
) -> None:
    audit.write("command", {"clTRID": text, "svTRID": "s-1"})

    [row] = rows(path)

    assert (row["clTRID"], row["svTRID"]) == (text, "s-1")
    assert path.read_text("utf-8").rstrip("\n").isprintable()


# what a mask takes for the beginning of a secret, without an end
OPEN = ["<pw>", "<epp:newPW>", "<pw", "UDAI='", 'UDAI="', "Password = '", "UDAI=%22", "UDAI%253D%2522"]


@pytest.mark.parametrize("beginning", OPEN)
def test_what_looks_like_a_secret_takes_nothing_else_of_the_line_with_it(
    audit: AuditLog, path: Path, beginning: str
) -> None:
    audit.write("command", {"clTRID": f"{beginning}x-1", "object": ["kea.nz", beginning], "svTRID": "s-1"})

    [row] = rows(path)

    assert row["svTRID"] == "s-1"
    assert row["clTRID"].startswith(beginning)
    assert row["object"][0] == "kea.nz"


@pytest.mark.parametrize("secret", ["<pw>{}</pw>", "<e:newPW>{}", 'UDAI="{}"', "UDAI='{}'", "UDAI=%22{}%22"])
def test_what_is_written_like_a_secret_is_masked_wherever_it_is(
    audit: AuditLog, path: Path, secret: str
) -> None:
    text = secret.format("Hk7mNp2Q")
    audit.write("command", {"clTRID": text, "object": f"kea.nz {text}", "srs": [text]})

    assert len(rows(path)) == 1
    assert "Hk7mNp2Q" not in path.read_text()


@settings(deadline=None, max_examples=50)
@given(texts=st.lists(st.text() | st.sampled_from(OPEN) | st.text("<>/pw=\"' UDAI=%2"), max_size=5))
def test_every_line_is_json_and_has_all_its_fields(texts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        audit = AuditLog(Path(folder) / "audit.log")
        for text in texts:
            audit.write("command", {"clTRID": text, "names": [text], "last": 1})
        audit.close()

        assert [row["last"] for row in rows(Path(folder) / "audit.log")] == [1] * len(texts)


# -- the file


def test_the_file_is_for_us_and_our_group(audit: AuditLog, path: Path) -> None:
    mask = os.umask(0)
    try:
        other = path.with_name("other.log")
        AuditLog(other).close()
    finally:
        os.umask(mask)

    assert stat.S_IMODE(other.stat().st_mode) == 0o640


def test_what_is_in_the_file_is_kept(audit: AuditLog, path: Path) -> None:
    audit.write("command", {"number": 1})
    later = AuditLog(path)
    later.write("command", {"number": 2})
    later.close()

    assert [row["number"] for row in rows(path)] == [1, 2]


@pytest.mark.parametrize(
    ("name", "why"),
    [("nowhere/audit.log", "No such file or directory"), (".", "Is a directory"), ("a/b", "Not a directory")],
)
def test_a_file_that_can_not_be_is_told_by_option_and_reason(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "a").write_text("")

    with pytest.raises(ConfigError) as error:
        AuditLog(tmp_path / name)

    assert error.value.faults == (f"option audit-log: {tmp_path / name}: {why}",)


@needs_root
def test_a_file_that_is_not_ours_is_told_too(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.touch(0o600)

    def refused() -> str:
        with pytest.raises(ConfigError) as error:
            AuditLog(path)
        return error.value.faults[0]

    assert as_nobody(refused).startswith(f"option audit-log: {path}: ")


def test_a_renamed_file_is_opened_anew_at_the_next_line(audit: AuditLog, path: Path) -> None:
    old = path.with_suffix(".log.1")
    audit.write("command", {"number": 1})
    path.rename(old)
    audit.write("command", {"number": 2})
    path.unlink()
    audit.write("command", {"number": 3})

    assert [row["number"] for row in rows(old)] == [1]
    assert [row["number"] for row in rows(path)] == [3]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("obstacle", ["no folder", "a folder in its place"])
def test_one_that_can_not_be_opened_anew_ends_nothing_and_is_tried_again(
    audit: AuditLog, path: Path, obstacle: str, caplog: pytest.LogCaptureFixture
) -> None:
    away = path.parent.with_name("away")
    audit.write("command", {"number": 1})
    path.parent.rename(away)
    if obstacle == "a folder in its place":
        path.mkdir(parents=True)

    for number in (2, 3):
        audit.write("command", {"number": number})
    assert complaints(caplog) == 1

    if obstacle == "a folder in its place":
        path.rmdir()
    else:
        path.parent.mkdir()
    audit.write("command", {"number": 4})
    assert [row["number"] for row in rows(path)] == [4]
    assert [row["number"] for row in rows(away / path.name)] == [1]


def test_a_full_disk_ends_nothing_and_is_complained_of_once(caplog: pytest.LogCaptureFixture) -> None:
    full = AuditLog(Path("/dev/full"))
    for number in range(500):
        full.write("command", {"number": number, "text": "x" * 1000})

    assert complaints(caplog) == 1
    full.close()


def test_it_is_complained_of_again_after_a_while(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock:
        now = 1000.0

        @classmethod
        def monotonic(cls) -> float:
            return cls.now

    monkeypatch.setattr("srs_epp.daemon.audit.time", Clock)
    full = AuditLog(Path("/dev/full"))
    for seconds in (0, 1, COMPLAINT - 2, 2, 1):
        Clock.now += seconds
        full.write("command", {})

    assert complaints(caplog) == 2
    full.close()


def test_a_disk_that_is_full_for_a_while_damages_no_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"

    def write() -> None:
        logging.disable()  # standard error is a file too
        audit = AuditLog(path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
        for number in range(100):
            audit.write("command", {"number": number, "text": "x" * 300})
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        for number in range(1000, 1010):
            audit.write("command", {"number": number, "text": "x" * 300})
        audit.close()

    with living(write):
        numbers = [row["number"] for row in rows(path)]
    assert numbers[:20] == list(range(20))
    assert numbers[-10:] == list(range(1000, 1010))
    assert numbers == sorted(set(numbers))


# -- several writers


def test_processes_and_threads_that_write_at_once_write_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"

    def write(worker: int) -> int:
        audit, dice = AuditLog(path), random.Random(worker)

        def work(thread: int) -> None:
            for number in range(100):
                text = "ā" * dice.choice((10, 1000, 9000))
                audit.write("command", {"worker": worker, "thread": thread, "number": number, "text": text})

        threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        audit.close()
        return 0

    with ExitStack() as stack:
        children = [Child(lambda worker=worker: write(worker)) for worker in range(3)]  # type: ignore[misc]
        for child in children:
            stack.callback(child.end)
        for child in children:
            child.answer()
    found = rows(path)

    assert len(found) == 3 * 2 * 100
    for worker in range(3):
        for thread in range(2):
            numbers = [row["number"] for row in found if (row["worker"], row["thread"]) == (worker, thread)]
            assert numbers == list(range(100))


def test_a_rotation_while_lines_are_written_loses_none(tmp_path: Path) -> None:
    path, enough = tmp_path / "audit.log", tmp_path / "enough"

    def write() -> int:
        audit, written = AuditLog(path), 0
        while not enough.exists():
            audit.write("command", {"number": written})
            written += 1
        audit.close()
        return written

    child = Child(write)
    try:
        for number in range(20):
            while not path.exists() or path.stat().st_size < 2000:
                os.sched_yield()
            path.rename(tmp_path / f"audit.log.{number}")
        enough.touch()
        written = child.answer()
    finally:
        child.kill()
    numbers = [row["number"] for file in tmp_path.glob("audit.log*") for row in rows(file)]

    assert sorted(numbers) == list(range(written))
