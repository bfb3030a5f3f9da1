"""What is left of eppd when all of EPP and of the SRS is taken away: TLS, signatures, HTTP.

A server with a thread for each connection, pyOpenSSL on a socket that does not block, and poll(2), as eppd
has it. It knows the data units that come, octet for octet. To each it sends a ready-made one back; for a
command it signs a ready-made request before, POSTs it over a kept connection, and verifies the signature of
the answer. For a hello and a login it does nothing of that: hello is a bare echo inside TLS.

It takes nothing from eppd's code, so that it stays what it is while eppd changes.
``python -m bench.floor FOLDER`` reads ``script.json`` there, and says its ports: at
``asking`` it asks for a client certificate.
"""

from __future__ import annotations

import base64
import http.client
import json
import select
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote_plus, unquote_plus

import pysequoia
from cryptography import x509
from OpenSSL import SSL, crypto
from pysequoia import Cert, Sig, SignatureMode, Tsk

SCRIPT = "script.json"
_HEADER = 4
_READ_SIZE = 16384
# RELEASE_BUFFERS, ENABLE_PARTIAL_WRITE, ACCEPT_MOVING_WRITE_BUFFER: as eppd's context has them
_MODE = 0x10 | 0x1 | 0x2


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request ready to be signed, and the answer that will come.

    ``before`` and ``after`` stand before and behind the signature in the form that is POSTed,
    ``answer_before`` stands before that in the answer, with which it ends.
    """

    document: bytes
    before: bytes
    after: bytes
    answer_before: bytes
    answer_document: bytes


@dataclass(frozen=True, slots=True)
class Scene:
    """What a data unit gets for an answer, and the exchange before it."""

    reply: bytes
    exchange: Exchange | None


@dataclass(frozen=True, slots=True)
class Script:
    """All that the floor knows: data units and their answers. Octets are base64 in its file."""

    backend: tuple[str, int]
    greeting: bytes
    scenes: Mapping[bytes, Scene]

    @classmethod
    def load(cls, path: Path) -> Self:
        found = json.loads(path.read_text())
        scenes = {
            base64.b64decode(one["unit"]): Scene(base64.b64decode(one["reply"]), _exchange(one["exchange"]))
            for one in found["scenes"]
        }
        host, port = found["backend"]
        return cls((host, port), base64.b64decode(found["greeting"]), scenes)


def _exchange(found: dict[str, str] | None) -> Exchange | None:
    return Exchange(**{name: base64.b64decode(text) for name, text in found.items()}) if found else None


class Registry:
    """The way to the registry of one connection: its own kept HTTP connection."""

    def __init__(self, backend: tuple[str, int], signer: Any, certificates: list[Cert]) -> None:
        self._http = http.client.HTTPConnection(*backend)
        self._signer = signer
        self._certificates = certificates

    def ask(self, exchange: Exchange) -> None:
        """Sign, POST, verify."""
        signature = pysequoia.sign(self._signer, exchange.document, mode=SignatureMode.DETACHED)
        body = exchange.before + quote_plus(signature).encode() + exchange.after
        self._http.request("POST", "/", body, {"Content-Type": "application/x-www-form-urlencoded"})
        answer = self._http.getresponse().read()
        if not answer.startswith(exchange.answer_before):
            raise ValueError("not the answer that was to come")
        # signed anew each time: what Sequoia has verified once it remembers
        armoured = unquote_plus(answer[len(exchange.answer_before) :].decode("ascii"))
        pysequoia.verify(
            bytes=exchange.answer_document,
            store=lambda _: self._certificates,
            signature=Sig.from_bytes(armoured.encode("ascii")),
        )

    def close(self) -> None:
        self._http.close()


class Connection:
    """One connection, in its thread."""

    def __init__(self, sock: socket.socket, context: SSL.Context, script: Script, registry: Registry) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        self._sock = sock
        self._tls = SSL.Connection(context, sock)
        self._tls.set_accept_state()
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._script = script
        self._registry = registry
        self._held = bytearray()
        self._output = bytearray()

    def run(self) -> None:
        try:
            self._handshake()
            self._output += self._script.greeting
            self._write()
            while self._read():
                self._answer()
                self._write()
        except (SSL.Error, OSError):  # the client has gone
            pass
        finally:
            self._sock.close()
            self._registry.close()

    def _handshake(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
                return
            except SSL.WantReadError:
                self._poll.poll()

    def _read(self) -> bool:
        """Wait for octets, and read them; False at the end of the stream."""
        if not self._tls.pending():
            self._poll.poll()
        try:
            octets = self._tls.recv(_READ_SIZE)
        except SSL.WantReadError:
            return True
        except SSL.ZeroReturnError:
            return False
        self._held += octets
        return bool(octets)

    def _answer(self) -> None:
        start = 0
        while len(self._held) - start >= _HEADER:
            end = start + int.from_bytes(self._held[start : start + _HEADER], "big")
            if len(self._held) < end:
                break
            scene = self._script.scenes[bytes(self._held[start:end])]
            if scene.exchange is not None:
                self._registry.ask(scene.exchange)
            self._output += scene.reply
            start = end
        del self._held[:start]

    def _write(self) -> None:
        while self._output:
            try:
                taken = self._tls.send(bytes(self._output[:_READ_SIZE]))
            except (SSL.WantReadError, SSL.WantWriteError):
                self._poll.modify(self._sock, select.POLLOUT)
                self._poll.poll()
                self._poll.modify(self._sock, select.POLLIN)
            else:
                del self._output[:taken]


def _context(folder: Path) -> SSL.Context:
    """TLS as eppd has it."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_mode(_MODE)
    context.set_session_id(b"floor")
    context.use_certificate_chain_file(str(folder / "server.pem"))
    context.use_privatekey_file(str(folder / "server.key"))
    return context


def _asking_context(folder: Path) -> SSL.Context:
    """The same, with a client's certificate asked for, and then, as in eppd, no session resumed."""
    context = _context(folder)
    authority = crypto.X509.from_cryptography(
        x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    )
    store = context.get_cert_store()
    assert store is not None
    store.add_cert(authority)
    context.set_verify(SSL.VERIFY_PEER, lambda *found: bool(found[-1]))
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    return context


class Floor:
    """The server, with all that its connections share."""

    def __init__(self, folder: Path) -> None:
        self._script = Script.load(folder / SCRIPT)
        self._signer = Tsk.from_bytes((folder / "proxy.key").read_bytes()).signer()
        self._certificates = [Cert.from_bytes((folder / "registry.asc").read_bytes())]

    def serve(self, context: SSL.Context) -> int:
        """Serve on a port of its own, in threads; the port."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        threading.Thread(target=self._accept, args=(listener, context), daemon=True).start()
        return int(listener.getsockname()[1])

    def _accept(self, listener: socket.socket, context: SSL.Context) -> None:
        while True:
            sock, _ = listener.accept()
            registry = Registry(self._script.backend, self._signer, self._certificates)
            connection = Connection(sock, context, self._script, registry)
            threading.Thread(target=connection.run, daemon=True).start()


def main(where: str) -> None:
    folder = Path(where)
    floor = Floor(folder)
    ports = {"port": floor.serve(_context(folder)), "asking": floor.serve(_asking_context(folder))}
    print(json.dumps(ports), flush=True)
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
