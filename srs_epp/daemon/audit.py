"""The audit log: one JSON line for each connection, login, refusal and command; no secret in any.

Every worker appends to the same file, a line with one write, so that lines stay whole. A file that logrotate
has renamed is opened anew.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from srs_epp.config import ConfigError
from srs_epp.daemon.logs import LogFile
from srs_epp.masking import mask

log = logging.getLogger("eppd.audit")

COMPLAINT = 60.0  # seconds between two complaints that it can't be written


class AuditLog:
    """A file to which any thread may write."""

    def __init__(self, path: Path) -> None:
        """ConfigError where the file can't be written to."""
        try:
            self._handler = _File(path)
        except OSError as error:
            raise ConfigError([f"option audit-log: {path}: {error.strerror}"]) from None

    def write(self, event: str, fields: Mapping[str, Any]) -> None:
        """Append a line; a file that does not take it (a full disk) must not end a session."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        # each value for itself: what looks like a secret in one must not take the rest of the line with it
        known = {name: _masked(value) for name, value in fields.items()}
        line = json.dumps({"time": now, "event": event, **known})
        self._handler.handle(logging.makeLogRecord({"msg": line}))

    def close(self) -> None:
        """Close the file."""
        self._handler.close()


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    return list(map(_masked, value)) if isinstance(value, list) else value


class _File(LogFile):
    def __init__(self, path: Path) -> None:
        self._complained = -COMPLAINT
        super().__init__(path)

    def handleError(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if now - self._complained >= COMPLAINT:
            self._complained = now
            log.exception("audit-log can't be written; lines are lost")
