"""Log lines, as text or as JSON: a connection's under its id, peer and registrar, no secret in any."""

from __future__ import annotations

import errno
import io
import json
import logging
import logging.handlers
import os
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from srs_epp.config import ConfigError
from srs_epp.masking import mask

STDERR, SYSLOG = "stderr", "syslog"  # any other target is a file
SYSLOG_SOCKET = "/dev/log"

MODE = 0o640  # addresses of clients and names of domains are nobody else's business

# what a terminal, or a reader of lines, would obey, as escapes: C0 but the tab, DEL and C1, ends of lines and
# paragraphs, and signs that turn the direction of text
_OBEYED = ((0x00, 0x08), (0x0A, 0x1F), (0x7F, 0x9F), (0x2028, 0x202E), (0x2066, 0x2069))
_CONTROLS = {one: ascii(chr(one))[1:-1] for first, last in _OBEYED for one in range(first, last + 1)}

CONNECTION_FIELDS = ("connection", "peer", "registrar")


class TextFormatter(logging.Formatter):
    """``time level [process] logger: connection peer registrar message`` in one line.

    A traceback follows, indented.
    """

    def __init__(self, *, with_time: bool = True) -> None:
        super().__init__()
        self._with_time = with_time

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(str(value) for value in _connection(record).values())
        line = f"{record.levelname} [{record.process}] {record.name}: {fields}{' ' if fields else ''}"
        if self._with_time:
            line = f"{self.formatTime(record)} {line}"
        # a client's text can't start a line of its own, nor move the terminal of who reads it
        line += mask(record.getMessage()).translate(_CONTROLS)
        if record.exc_info:
            trace = mask(self.formatException(record.exc_info))
            line += "".join(f"\n    {one.translate(_CONTROLS)}" for one in trace.split("\n"))
        return line


class JSONFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, process, logger, message, and the connection's fields."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        fields = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "process": record.process,
            "logger": record.name,
            **_connection(record),
            "message": mask(record.getMessage()),
        }
        if record.exc_info:
            fields["exception"] = mask(self.formatException(record.exc_info))
        return json.dumps(fields)


def _connection(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of the connection that the record is about."""
    found = ((name, getattr(record, name, None)) for name in CONNECTION_FIELDS)
    return {name: value for name, value in found if value is not None}


class ConnectionLog(logging.LoggerAdapter[logging.Logger]):
    """A logger that knows its connection; ``fields`` may be shared by several, and may change."""

    def __init__(self, name: str, fields: dict[str, Any]) -> None:
        super().__init__(logging.getLogger(name), fields)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return msg, {**kwargs, "extra": self.extra}


class LogFile(logging.handlers.WatchedFileHandler):
    """A file that is opened anew once logrotate has renamed it; where that fails, no session does.

    A new one can be read by us and our group, whatever the umask.
    """

    def _open(self) -> Any:
        return _WholeLines(self.baseFilename)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)


class _WholeLines:
    """A file to which a text is appended with one write, whole or not at all.

    What a buffer keeps of a line when the disk is full, or the file, would later be the beginning of another.
    """

    def __init__(self, path: str) -> None:
        self._file = io.FileIO(path, "ab", opener=lambda path, flags: os.open(path, flags, MODE))
        self.fileno, self.close = self._file.fileno, self._file.close

    def write(self, text: str) -> None:
        octets = text.encode("utf-8", "backslashreplace")
        written = self._file.write(octets)
        if written < len(octets):
            self._take_back(written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def flush(self) -> None:
        """There is nothing that waits."""

    def _take_back(self, written: int) -> None:
        end = self._file.tell()
        # unless another process has found room behind it
        if os.fstat(self._file.fileno()).st_size == end:
            self._file.truncate(end - written)


def configure(level: str, style: str = "text", target: str = STDERR) -> None:
    """Log from ``level`` up, from here on. ConfigError where the target can't be written to."""
    handler = _handler(target)
    # syslog has a time of its own
    handler.setFormatter(JSONFormatter() if style == "json" else TextFormatter(with_time=target != SYSLOG))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # a log that can't be written (a full disk, a closed pipe) must not end a session
    logging.raiseExceptions = False


def say(text: str, stream: TextIO) -> None:
    """Print for whoever has started us. A stream that can't be written to is no reason to end."""
    with suppress(OSError):
        print(text, file=stream, flush=True)


def _handler(target: str) -> logging.Handler:
    if target == STDERR:
        return logging.StreamHandler(sys.stderr)
    try:
        if target == SYSLOG:
            Path(SYSLOG_SOCKET).stat()  # the handler itself would keep quiet about a missing one
            daemon = logging.handlers.SysLogHandler.LOG_DAEMON
            handler = logging.handlers.SysLogHandler(SYSLOG_SOCKET, facility=daemon)
            handler.ident = "eppd: "
            return handler
        return LogFile(Path(target))
    except OSError as error:
        where = SYSLOG_SOCKET if target == SYSLOG else target
        raise ConfigError([f"option log-target: {where}: {error.strerror}"]) from None
