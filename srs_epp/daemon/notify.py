"""What systemd is told of us (sd_notify(3)), by a datagram; nothing where nobody asks for it."""

from __future__ import annotations

import logging
import os
import socket
import time

log = logging.getLogger("eppd.master")

VARIABLE = "NOTIFY_SOCKET"
_PATIENCE = 1.0  # seconds for a queue of systemd that is full


def notify(*states: str) -> None:
    """Send these, such as ``READY=1`` and ``MAINPID=12``, in one message. What fails is logged."""
    name = os.environ.get(VARIABLE, "")
    if not name:
        return
    # an abstract socket's name begins with a NUL, which no variable can hold
    address = "\0" + name[1:] if name.startswith("@") else name
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(_PATIENCE)
            sender.connect(address)
            sender.send("\n".join(states).encode())
    except OSError as error:
        log.warning("%s: %s: %s", VARIABLE, name, error.strerror or error)


def reloading() -> None:
    """A reload begins; it ends with ``notify("READY=1")``."""
    # the time is asked for by Type=notify-reload, to tell this reload's end from that of another
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
