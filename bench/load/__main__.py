"""A generator's process: ``python -m bench.load`` reads a job a line, and says what it has counted.

First it opens the connections of the job and says so, then it is told when the window of time begins and
ends, then it loads the server and tells what it saw. The job ``hold`` only holds the connections, until the
next line.
"""

from __future__ import annotations

import json
import resource
import ssl
import sys
from pathlib import Path
from typing import Any

from bench.commands import BY_NAME
from bench.load.greetings import greetings
from bench.load.loops import closed, paced
from bench.load.tally import Tally
from bench.load.wire import Wire, Wrong, open_many


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for line in sys.stdin:
        try:
            _do(json.loads(line))
        except (OSError, Wrong) as error:
            _say({"error": f"{type(error).__name__}: {error}"})


def _do(job: dict[str, Any]) -> None:
    sockets: list[ssl.SSLSocket] = []
    try:
        if job["do"] != "greetings":
            sockets = open_many(job["port"], job["connections"])
        _say({"ready": True})
        go = json.loads(sys.stdin.readline())
        if job["do"] == "hold":
            return
        tally = Tally(go["begin"], go["end"])
        _load(job, sockets, tally)
        _say(tally.result())
    finally:
        for sock in sockets:
            sock.close()
        if job["do"] == "hold":
            _say({"released": True})


def _load(job: dict[str, Any], sockets: list[ssl.SSLSocket], tally: Tally) -> None:
    if job["do"] == "greetings":
        certificate = Path(job["certificate"]) if job["certificate"] else None
        greetings(job["port"], job["connections"], certificate, job["resume"], tally)
        return
    mix = [BY_NAME[name] for name in job["mix"]]
    wires = [Wire(sock, mix, number) for number, sock in enumerate(sockets)]
    if job["do"] == "closed":
        closed(wires, job["depth"], job["apart"], tally)
    else:
        paced(wires, job["rate"], tally)


def _say(value: Any) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
