"""``eppd refusals``: why logins and connections were refused, out of the audit log and its rotated files."""

from __future__ import annotations

import errno
import gzip
import io
import ipaddress
import json
import os
import re
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO, TypeAlias, cast

from srs_epp import config

HEADINGS = ("time", "peer", "registrar", "reason", "connection")
LONGEST_LINE = 65536  # octets of a line of the log; a longer one is damaged
LONGEST_VALUE = 300  # characters of a value that are shown
_WIDEST = 100  # characters to which a column is filled up
_BLOCK = 1000  # rows that are held, to put them in order and under each other

_Matches: TypeAlias = Callable[["_Refusal"], bool]


class _Refusal(NamedTuple):
    time: datetime
    peer: str
    registrar: str
    text: str
    connection: str


class _Damaged(Exception):
    """A line, or the rest of a file, can't be read."""


def show(
    path: Path, *, since: datetime | None, subject: str | None, out: TextIO, err: TextIO | None = None
) -> int:
    """Print the refusals as a table, oldest first, or "no refusals"; how many there were.

    Reads the audit log ``path``, and before it what logrotate has made of it (``path.1``, ``path.2.gz``).
    ``since``: a time with zone. ``subject``: the id of a registrar, or an address or network of peers.
    ``err`` (default: standard error) is told how many lines were damaged. OSError where a file can't be read,
    or there is none; ValueError where ``subject`` is like neither.
    """
    matches = _matcher(subject)
    table = _Table(out)
    damaged = 0
    with ExitStack() as opened:
        for stream in _streams(path, since, opened):
            for found in _refusals(stream):
                if found is None:
                    damaged += 1
                elif (since is None or found.time >= since) and matches(found):
                    table.add(found)
    table.flush()
    if not table.rows:
        print("no refusals", file=out)
    if damaged:
        word = "line" if damaged == 1 else "lines"
        print(f"eppd: {path}: {damaged} damaged {word} skipped", file=err or sys.stderr)
    return table.rows


def parse_since(text: str, now: datetime) -> datetime:
    """The moment that ``text`` means, with zone; ValueError where it means none.

    ``90s``, ``5m``, ``2h``, ``3d``: so long before ``now``; ``HH:MM``: today; a date, or ISO 8601's date and
    time. Local time, unless it names a zone.

    >>> parse_since("2h", datetime.fromisoformat("2026-11-22T21:00:00+13:00")).isoformat()
    '2026-11-22T19:00:00+13:00'
    """
    try:
        if re.fullmatch(r"[0-9.]+\s*[smhd]", text):
            return now - timedelta(seconds=config.parse_duration(text))
        if re.fullmatch(r"[0-9]{1,2}:[0-9]{2}", text):
            clock = time.fromisoformat(text.rjust(5, "0"))
            return datetime.combine(now.astimezone().date(), clock).astimezone()
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.astimezone()
    except (ValueError, OverflowError):
        forms = "90s, 5m, 2h, 3d, 14:30, 2026-11-22 or 2026-11-22T14:30"
        raise ValueError(f"{text!r} is no time such as {forms}") from None


def _matcher(subject: str | None) -> _Matches:
    if subject is None:
        return lambda found: True
    if not re.search(r"[.:/]", subject):
        return lambda found: found.registrar == subject
    try:
        network = ipaddress.ip_network(_address(subject) or subject, strict=False)
    except ValueError:
        text = f"{subject!r} is neither the id of a registrar nor an address or network"
        raise ValueError(text) from None
    return lambda found: (address := _address(found.peer)) is not None and address in network


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IPv4 client of a dual-stack socket is looked for as IPv4."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _streams(path: Path, since: datetime | None, opened: ExitStack) -> list[BinaryIO]:
    """The log and its rotated files, oldest first.

    All are open before one is read: a rotation while we read neither hides nor repeats a line.
    """
    rotated: dict[int, Path] = {}
    for one in path.parent.iterdir():
        if found := re.fullmatch(rf"{re.escape(path.name)}\.([0-9]{{1,9}})(\.gz)?", one.name):
            number, packed = int(found[1]), bool(found[2])
            if not (packed and number in rotated):  # while it is being compressed there are both
                rotated[number] = one
    files = [rotated[number] for number in sorted(rotated, reverse=True)]
    if path.exists() or not files:
        files.append(path)
    if since is not None:
        # the last line of a file is as old as the file; the system's time stamps lag by some milliseconds
        files = [one for one in files[:-1] if one.stat().st_mtime >= since.timestamp() - 1] + files[-1:]
    return [_open(one, opened) for one in files]


def _open(path: Path, opened: ExitStack) -> BinaryIO:
    stream = opened.enter_context(open(path, "rb", opener=_open_at_once))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        raise OSError(errno.EINVAL, "no file", str(path))
    if path.suffix != ".gz":
        return stream
    unpacked = opened.enter_context(gzip.GzipFile(fileobj=stream, mode="rb"))
    return cast(BinaryIO, io.BufferedReader(unpacked, LONGEST_LINE))


def _open_at_once(path: str, flags: int) -> int:
    # a pipe that somebody has put there would have us wait for whoever writes to it
    return os.open(path, flags | os.O_NONBLOCK)


def _refusals(stream: BinaryIO) -> Iterator[_Refusal | None]:
    """The refusals in the stream; None for each line that is damaged, as far as one can tell at no cost."""
    for line in _lines(stream):
        if line is None or not (line.startswith(b"{") and line.rstrip().endswith(b"}")):
            yield None
        elif b'"refusal"' in line:  # few are, and JSON is slow
            try:
                fields = json.loads(line.decode("utf-8"))
                if fields["event"] == "refusal":
                    yield _read(fields)
            except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
                yield None


def _lines(stream: BinaryIO) -> Iterator[bytes | None]:
    """The lines; None for one without end, and where the stream can't be read any further."""
    try:
        while line := stream.readline(LONGEST_LINE):
            if len(line) < LONGEST_LINE or line.endswith(b"\n"):
                yield line
                continue
            while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                continue
            yield None
    except (gzip.BadGzipFile, EOFError, zlib.error):
        yield None


def _read(fields: dict[str, object]) -> _Refusal:
    moment = datetime.fromisoformat(str(fields["time"]))
    if moment.tzinfo is None:
        raise ValueError("a time without zone")
    texts = [fields.get(name) for name in ("peer", "registrar", "text", "connection")]
    return _Refusal(moment.astimezone(), *["-" if text in (None, "") else str(text) for text in texts])


class _Table:
    """Rows under headings. Values come from clients: what would control a terminal is shown as an escape."""

    def __init__(self, out: TextIO) -> None:
        self.rows = 0
        self._out = out
        self._held: list[_Refusal] = []
        self._widths = [len(heading) for heading in HEADINGS]

    def add(self, found: _Refusal) -> None:
        self._held.append(found)
        if len(self._held) == _BLOCK:
            self.flush()

    def flush(self) -> None:
        """Print what is held. A later block may be wider than an earlier one."""
        # several workers write to the log, each a little after its clock was read
        held = sorted(self._held, key=lambda one: one.time)
        cells = [(f"{one.time:%Y-%m-%d %H:%M:%S}", *map(_shown, one[1:])) for one in held]
        for row in cells:
            self._widths = [
                max(width, min(len(cell), _WIDEST)) for width, cell in zip(self._widths, row, strict=True)
            ]
        if cells and not self.rows:
            self._print(HEADINGS)
        for row in cells:
            self._print(row)
        self.rows += len(cells)
        self._held.clear()

    def _print(self, row: tuple[str, ...]) -> None:
        line = "  ".join(cell.ljust(width) for width, cell in zip(self._widths, row, strict=True)).rstrip()
        encoding = getattr(self._out, "encoding", None) or "utf-8"
        print(line.encode(encoding, "backslashreplace").decode(encoding), file=self._out)


def _shown(value: str) -> str:
    if len(value) > LONGEST_VALUE:
        value = value[: LONGEST_VALUE - 1] + "…"
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in value)
