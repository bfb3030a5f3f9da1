"""A process that the bench starts, talks to in lines of JSON, and is sure to end."""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[1]
PATIENCE = 60.0  # seconds for a process to start, and to end

# a developer's RUST_BACKTRACE=1, say, makes every signature dearer: operators have none of these
_NOT_INHERITED = ("EPPD_", "PYTHON", "RUST_")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class BenchFailed(Exception):
    """The bench can't go on; the text says why."""


def _end_with_parent() -> None:
    """In the child: be told to end when the bench is gone, however it ended."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whoever started the bench may ignore it
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def start(words: Sequence[str], *, stderr: Path, talks: bool = False) -> subprocess.Popen[bytes]:
    """Start Python with these words; ``talks``: over pipes at its standard input and output.

    It is in a session of its own: a terminal's Ctrl-C goes to the bench alone, which ends the others.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
    # what is measured must be what lies beside the bench
    clean["PYTHONPATH"] = str(TOP)
    with stderr.open("ab") as errors:
        return subprocess.Popen(
            [sys.executable, *words],
            stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
            stdout=subprocess.PIPE if talks else subprocess.DEVNULL,
            stderr=errors,
            cwd=stderr.parent,
            env=clean,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )


def end(process: subprocess.Popen[bytes], seconds: float = PATIENCE) -> int:
    """SIGTERM, after ``seconds`` SIGKILL; the exit code."""
    process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


class Helper:
    """A module of the bench as a process: one JSON value a line, both ways."""

    def __init__(self, module: str, *words: str, log: Path) -> None:
        """``log``: where its standard error goes."""
        self._module = module
        self._log = log
        self._held = b""
        self.process = start(["-m", module, *words], stderr=log, talks=True)

    @property
    def pid(self) -> int:
        return self.process.pid

    def tell(self, value: Any) -> None:
        """Send it a line."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(value).encode() + b"\n")
            self.process.stdin.flush()
        except OSError as error:
            raise self._failure(f"does not listen: {error}") from None

    def hear(self, seconds: float = PATIENCE) -> Any:
        """The next line from it. BenchFailed where none comes in time, or it tells of an error."""
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        deadline = time.monotonic() + seconds
        while b"\n" not in self._held:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise self._failure(f"said nothing for {seconds:.0f} s")
            octets = os.read(descriptor, 1 << 20)
            if not octets:
                raise self._failure("has ended")
            self._held += octets
        line, self._held = self._held.split(b"\n", 1)
        value = json.loads(line)
        if isinstance(value, dict) and "error" in value:
            raise self._failure(str(value["error"]))
        return value

    def close(self) -> None:
        """End it."""
        end(self.process)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            try:
                stream.close()
            except OSError:  # a line that it did not want to hear any more
                continue

    def _failure(self, text: str) -> BenchFailed:
        tail = self._log.read_text("utf-8", "replace")[-2000:] if self._log.exists() else ""
        return BenchFailed(f"{self._module} {text}\n{tail}".rstrip())
