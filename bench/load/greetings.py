"""Connects again and again: TCP, TLS, greeting, close."""

from __future__ import annotations

import ssl
import threading
import time
from pathlib import Path

from bench.load.tally import Tally
from bench.load.wire import Answered, Wrong, connect, context, read_unit


def greetings(port: int, threads: int, certificate: Path | None, resume: bool, tally: Tally) -> None:
    """Let so many threads connect, one connection each at a time, until the window is over.

    ``resume``: each TLS session goes on from the thread's last one; one that does not is a wrong answer.
    """
    lock = threading.Lock()
    failures: list[BaseException] = []

    def work() -> None:
        tls = context(certificate)
        session: ssl.SSLSession | None = None
        try:
            while time.monotonic() < tally.end and not failures:
                started = time.monotonic()
                with connect(port, tls, session) as sock:
                    read_unit(sock)
                    came = time.monotonic()
                    right = not session or bool(sock.session_reused)
                    session = sock.session if resume else None
                with lock:
                    tally.add([Answered(started, came, right)])
        except (OSError, Wrong) as error:
            failures.append(error)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    while not tally.over() and not failures:
        time.sleep(0.01)
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
