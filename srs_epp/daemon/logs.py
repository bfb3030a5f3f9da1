"""Log lines: one stream for all processes, a connection's lines under its id, no secret in any of them."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

from srs_epp.masking import mask

FORMAT = "%(asctime)s %(levelname)s [%(process)d] %(name)s: %(message)s"


class MaskingFormatter(logging.Formatter):
    """Takes secrets out of the whole text, tracebacks included; a message stays one line."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:
        # a client's text can't start a line of its own
        return super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")


class ConnectionLog(logging.LoggerAdapter[logging.Logger]):
    """A logger whose lines start with the connection's id and peer."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        extra = self.extra or {}
        return f"{extra['connection']} {extra['peer']} {msg}", kwargs


def connection_log(name: str, connection: str, peer: str) -> ConnectionLog:
    """The log of one connection."""
    return ConnectionLog(logging.getLogger(name), {"connection": connection, "peer": peer})


def configure(level: str) -> None:
    """Log to stderr from here on, from ``level`` up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MaskingFormatter(FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # a log that can't be written (a full disk, a closed pipe) must not end a session
    logging.raiseExceptions = False
