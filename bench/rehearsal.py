"""How the floor learns its part: each command goes through eppd once, and is written down.

So the floor's octets are eppd's own, in both directions, whatever eppd comes to ask of the registry.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from bench.child import BenchFailed
from bench.commands import HELLO, KINDS, LOGIN, Kind
from bench.load.wire import connect, context, read_unit
from srs_epp.session.framing import frame
from srs_epp.srs import form


def rehearse(port: int, folder: Path) -> dict[str, Any]:
    """The floor's script, but for the address of the registry; ``folder``: where the stub keeps requests."""
    with connect(port, context()) as sock:
        greeting = read_unit(sock)
        scenes = []
        for kind in (LOGIN, *KINDS):
            known = set(folder.glob("*.request"))
            sock.sendall(kind.unit)
            reply = read_unit(sock)
            if kind.sign not in reply:
                raise BenchFailed(f"eppd answers {kind.name} with {reply.decode('utf-8', 'replace')}")
            exchange = _exchange(kind, set(folder.glob("*.request")) - known)
            scenes.append({"unit": _text(kind.unit), "reply": _text(frame(reply)), "exchange": exchange})
    return {"greeting": _text(frame(greeting)), "scenes": scenes}


def _exchange(kind: Kind, requests: set[Path]) -> dict[str, str] | None:
    """What the floor is to send and to expect. For a hello, and a login, which is not measured: nothing."""
    if kind in (HELLO, LOGIN):
        return None
    if len(requests) != 1:
        raise BenchFailed(f"{kind.name} takes {len(requests)} requests to the registry: one was expected")
    [path] = requests
    request = path.read_bytes()
    answer = path.with_suffix(".answer").read_bytes().partition(b"\r\n\r\n")[2]
    before, after = request.index(b"&s=") + len(b"&s="), request.index(b"&n=")
    signed = answer.index(b"&s=") + len(b"&s=")
    return {
        "document": _text(form.decode(request)["r"]),
        "before": _text(request[:before]),
        "after": _text(request[after:]),
        "answer_before": _text(answer[:signed]),
        "answer_document": _text(form.decode(answer)["r"]),
    }


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def write_script(path: Path, found: dict[str, Any], backend: tuple[str, int]) -> None:
    """Write the floor's script, whole."""
    path.write_text(json.dumps({"backend": list(backend), **found}))
