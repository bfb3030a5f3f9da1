"""``eppd refusals``: what is shown of an audit log, and what a log may hold without doing harm."""

from __future__ import annotations

import gzip
import io
import json
import os
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from srs_epp.daemon import refusals
from srs_epp.daemon.refusals import parse_since, show

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)  # 21:00 in Auckland
TEXT = "wrong password, or none set"


@pytest.fixture(autouse=True)
def _in_auckland(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def line(second: float = 0, **changes: object) -> str:
    """A line of the log, that many seconds after START."""
    moment = (START + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields: dict[str, object] = {
        "time": moment,
        "event": "refusal",
        "worker": 1,
        "connection": "c4711-12",
        "peer": "192.0.2.7",
        "registrar": "100",
        "reason": "password",
        "text": TEXT,
    }
    return json.dumps(fields | changes, ensure_ascii=False)


class Shown:
    """What ``show`` has printed of these lines."""

    def __init__(self, path: Path, since: datetime | None = None, subject: str | None = None) -> None:
        out, err = io.StringIO(), io.StringIO()
        self.number = show(path, since=since, subject=subject, out=out, err=err)
        self.out, self.err = out.getvalue(), err.getvalue()
        self.rows = self.out.splitlines()[1:]

    def column(self, heading: str) -> list[str]:
        """A column, without the blanks behind its values."""
        place = self.out.index(heading)
        after = [self.out.index(other) for other in refusals.HEADINGS if self.out.index(other) > place]
        return [row[place : min(after, default=None)].rstrip() for row in self.rows]


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., Path]:
    """Write these lines into an audit log."""

    def write(*lines: str) -> Path:
        path = tmp_path / "audit.log"
        path.write_text("".join(f"{one}\n" for one in lines), "utf-8", "backslashreplace")
        return path

    return write


def test_a_table_under_headings_in_local_time(log: Callable[..., Path]) -> None:
    path = log(
        line(connection="c1-1"),
        line(60, peer="2001:db8::1", registrar=None, text="too many", connection="c1-23"),
    )

    shown = Shown(path)

    assert shown.number == 2
    assert shown.out == (
        "time                 peer         registrar  reason                       connection\n"
        "2026-11-22 21:00:00  192.0.2.7    100        wrong password, or none set  c1-1\n"
        "2026-11-22 21:01:00  2001:db8::1  -          too many                     c1-23\n"
    )
    assert shown.err == ""


def test_other_events_are_no_refusals(log: Callable[..., Path]) -> None:
    path = log(
        line(event="connection"),
        line(event="command", object="refusal"),
        line(event="close", text='"refusal"'),
        line(event="login"),
    )

    assert (Shown(path).number, Shown(path).out, Shown(path).err) == (0, "no refusals\n", "")


def test_a_text_that_is_missing_is_a_dash(log: Callable[..., Path]) -> None:
    path = log(json.dumps({"time": "2026-11-22T08:00:00Z", "event": "refusal", "peer": ""}))

    assert Shown(path).rows == ["2026-11-22 21:00:00  -     -          -       -"]


@pytest.mark.parametrize(
    ("since", "subject", "expected"),
    [
        (None, None, ["a", "b", "c", "d", "e"]),
        (START + timedelta(seconds=120), None, ["c", "d", "e"]),
        (START + timedelta(days=1), None, []),
        (None, "100", ["a", "e"]),
        (None, "10", []),
        (None, "192.0.2.7", ["a", "d"]),
        (None, "192.0.2.0/24", ["a", "b", "d"]),
        (None, "192.0.2.9/24", ["a", "b", "d"]),
        (None, "::ffff:192.0.2.7", ["a", "d"]),
        (None, "fe80::1", ["c"]),
        (None, "fe80::/10", ["c"]),
        (None, "0.0.0.0/0", ["a", "b", "d"]),
        (START + timedelta(seconds=60), "192.0.2.7", ["d"]),
    ],
)
def test_only_those_that_are_asked_for(
    log: Callable[..., Path], since: datetime | None, subject: str | None, expected: list[str]
) -> None:
    path = log(
        line(0, text="a"),
        line(60, text="b", peer="192.0.2.200", registrar="101"),
        line(120, text="c", peer="fe80::1%eth0", registrar=None),
        line(180, text="d", peer="::ffff:192.0.2.7", registrar=None),
        line(240, text="e", peer="a path", registrar="100"),
    )

    shown = Shown(path, since, subject)

    assert shown.number == len(expected)
    assert expected == ([] if shown.out == "no refusals\n" else shown.column("reason"))


@pytest.mark.parametrize("subject", ["192.0.2.300", "192.0.2.0/33", "a.example", "::g", "1/2", "."])
def test_a_subject_that_can_be_nothing_is_said(log: Callable[..., Path], subject: str) -> None:
    with pytest.raises(ValueError, match="is neither the id of a registrar nor an address or network"):
        Shown(log(line()), subject=subject)


def test_rotated_files_come_first_and_the_oldest_of_them_before_the_others(log: Callable[..., Path]) -> None:
    path = log(line(500, text="now"))
    path.with_name("audit.log.1").write_text(line(400, text="1") + "\n")
    for number in (2, 3, 10):
        octets = gzip.compress((line(300 - number, text=str(number)) + "\n").encode())
        path.with_name(f"audit.log.{number}.gz").write_bytes(octets)
    for other in ("audit.log.old", "audit.log.1.bak", "audit.log.x.gz", "xaudit.log.1", "audit-log.1"):
        path.with_name(other).write_text(line(text="another") + "\n")

    assert Shown(path).column("reason") == ["10", "3", "2", "1", "now"]


def test_what_is_being_compressed_is_read_once(log: Callable[..., Path]) -> None:
    path = log(line(100, text="now"))
    path.with_name("audit.log.1").write_text(line(text="1") + "\n")
    path.with_name("audit.log.1.gz").write_bytes(gzip.compress(line(text="1").encode())[:20])

    shown = Shown(path)

    assert shown.column("reason") == ["1", "now"]
    assert shown.err == ""


def test_right_after_a_rotation_the_log_itself_may_be_missing(log: Callable[..., Path]) -> None:
    path = log(line(text="1"))
    path.rename(path.with_name("audit.log.1"))

    assert Shown(path).column("reason") == ["1"]


def test_without_any_log_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"audit\.log"):
        Shown(tmp_path / "audit.log")


@pytest.mark.parametrize("name", ["audit.log", "audit.log.1", "audit.log.2.gz"])
def test_what_is_no_file_is_not_waited_for(log: Callable[..., Path], name: str) -> None:
    path = log(line(text="1")).with_name(name)
    path.unlink(missing_ok=True)
    os.mkfifo(path)

    with pytest.raises(OSError, match=f"no file: '.*{name}'"):
        Shown(path.with_name("audit.log"))


def test_files_that_ended_before_that_time_are_not_read(log: Callable[..., Path]) -> None:
    path = log(line(500, text="now"))
    for number in (1, 2):
        rotated = path.with_name(f"audit.log.{number}")
        rotated.write_text(line(500 - number, text=str(number)) + "\n")
        moment = (START + timedelta(seconds=500 - number * 200)).timestamp()
        os.utime(rotated, (moment, moment))
    os.utime(path, (0, 0))

    shown = Shown(path, START + timedelta(seconds=300))

    assert shown.column("reason") == ["1", "now"]


def test_lines_of_several_workers_are_put_in_order(log: Callable[..., Path]) -> None:
    path = log(*[line(second, text=str(second)) for second in (3, 1, 2)])

    assert Shown(path).column("reason") == ["1", "2", "3"]


DAMAGED = {
    "cut": line()[:-20],
    "cut, with another behind": line()[:40] + line(),
    "nothing": "",
    "no JSON": '{"refusal" nothing}',
    "no object": '["refusal"]',
    "an endless object": '{"refusal":' * 3000 + "}" * 3000,
    "a number that is too long": '{"refusal": ' + "1" * 5000 + "}",
    "no event": '{"time": "2026-11-22T08:00:00Z", "other": "refusal"}',
    "no time": '{"event": "refusal"}',
    "another kind of time": line(time=12),
    "a time that is none": line(time="yesterday"),
    "a time without zone": line(time="2026-11-22T08:00:00"),
    "a time outside of the calendar": line(time="0001-01-01T00:00:00+14:00"),
    "a line without end": line(text="x" * 70_000),
    "zeros, where a machine has crashed": "\0" * 4096,
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_damaged_lines_are_passed_over_and_counted(log: Callable[..., Path], damaged: str) -> None:
    path = log(line(text="before"), damaged, line(1, text="after"), damaged)

    shown = Shown(path)

    assert shown.column("reason") == ["before", "after"]
    assert shown.err == f"eppd: {path}: 2 damaged lines skipped\n"


def test_octets_that_are_no_text_are_damage(log: Callable[..., Path]) -> None:
    path = log(line(text="before"))
    with path.open("ab") as file:
        file.write(line(text="x\udc80").encode("utf-8", "surrogateescape") + b"\n")

    shown = Shown(path)

    assert shown.column("reason") == ["before"]
    assert shown.err == f"eppd: {path}: 1 damaged line skipped\n"


@pytest.mark.parametrize("cut", [5, 200, -8])
def test_a_damaged_archive_is_read_as_far_as_it_goes(log: Callable[..., Path], cut: int) -> None:
    path = log(line(500, text="now"))
    lines = "".join(f"{line(second, connection=os.urandom(8).hex())}\n" for second in range(50))
    path.with_name("audit.log.1.gz").write_bytes(gzip.compress(lines.encode())[:cut])
    path.with_name("audit.log.2.gz").write_bytes(b"no archive")

    shown = Shown(path)

    assert shown.column("reason")[-1] == "now"
    assert shown.err == f"eppd: {path}: 2 damaged lines skipped\n"


HOSTILE = {
    "escape sequence": ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
    "C1 control": ("\x9b31m", r"\x9b31m"),
    "line break": ("a\r\nb\u2028c\x0b", r"a\r\nb\u2028c\x0b"),
    "other direction": ("\u202egpj", r"\u202egpj"),
    "half a pair": ("\ud800", r"\ud800"),
    "tag of a language": ("\U000e0001", r"\U000e0001"),
    "letters": ("Māori ☂ 漢字", "Māori ☂ 漢字"),
}


@pytest.mark.parametrize("field", ["peer", "registrar", "text", "connection"])
@pytest.mark.parametrize(("value", "expected"), HOSTILE.values(), ids=HOSTILE)
def test_nothing_that_a_client_sent_moves_the_terminal(
    log: Callable[..., Path], field: str, value: str, expected: str
) -> None:
    path = log(json.dumps(json.loads(line()) | {field: value}))

    shown = Shown(path)

    assert expected in shown.rows[0]
    assert len(shown.rows) == 1
    assert shown.out.replace("\n", "").isprintable()


def test_a_long_value_is_cut_and_pushes_no_column_far_away(log: Callable[..., Path]) -> None:
    path = log(line(text="x" * 5000), line(1))

    shown = Shown(path)

    assert "x" * 299 + "…  c4711-12" in shown.rows[0]
    assert len(shown.rows[1]) < 200


def test_a_terminal_that_can_not_show_a_letter_gets_its_number(log: Callable[..., Path]) -> None:
    octets = io.BytesIO()
    out = io.TextIOWrapper(octets, encoding="ascii")

    assert show(log(line(text="Māori")), since=None, subject=None, out=out) == 1

    out.flush()
    assert rb"M\u0101ori" in octets.getvalue()


def test_a_big_log_does_not_fill_memory(log: Callable[..., Path]) -> None:
    path = log()
    with path.open("w") as file:
        for block in range(200):
            file.write(f"{line(block, event='command')}\n" * 500 + f"{line(block)}\n" * 15)
    size = path.stat().st_size
    assert size > 15_000_000

    tracemalloc.start()
    try:
        shown = Shown(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert shown.number == 3000
    assert peak < size / 5


NOW = datetime.fromisoformat("2026-11-22T21:00:00+13:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", "2026-11-22T20:58:30+13:00"),
        ("5m", "2026-11-22T20:55:00+13:00"),
        ("1.5h", "2026-11-22T19:30:00+13:00"),
        ("3 d", "2026-11-19T21:00:00+13:00"),
        ("08:15", "2026-11-22T08:15:00+13:00"),
        ("8:15", "2026-11-22T08:15:00+13:00"),
        ("2026-11-20", "2026-11-20T00:00:00+13:00"),
        ("2026-07-20", "2026-07-20T00:00:00+12:00"),
        ("20260720", "2026-07-20T00:00:00+12:00"),
        ("2026-11-20T10:30", "2026-11-20T10:30:00+13:00"),
        ("2026-11-20 10:30:15", "2026-11-20T10:30:15+13:00"),
        ("2026-11-20T10:30Z", "2026-11-20T10:30:00+00:00"),
        ("2026-11-20T10:30:00.5-05:00", "2026-11-20T10:30:00.500000-05:00"),
    ],
)
def test_a_time_can_be_said_in_many_ways(text: str, expected: str) -> None:
    assert parse_since(text, NOW).isoformat() == expected


def test_today_is_the_day_of_the_clock_on_the_wall() -> None:
    assert parse_since("08:15", NOW.astimezone(UTC)).isoformat() == "2026-11-22T08:15:00+13:00"


@pytest.mark.parametrize(
    "text",
    ["", " ", "5", "2026", "m", "5w", "-5m", "25:00", "8:1", "2026-13-01", "yesterday", "999999999d",
     "\u0663m", "0001-01-01", "2026-11-20T10:30+99:00"],
)  # fmt: skip
def test_what_is_no_time_is_said_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="is no time such as 90s, 5m, 2h"):
        parse_since(text, NOW)
