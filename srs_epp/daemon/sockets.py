"""Listening sockets."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Iterable
from typing import Any

from srs_epp.config import Address

log = logging.getLogger("eppd.master")

BACKLOG = 1024


class CannotListen(Exception):
    """An address that can't be listened on; the text names the option and the address."""


def listen(
    addresses: Iterable[Address], option: str = "listen", inherited: Iterable[socket.socket] = ()
) -> list[socket.socket]:
    """A listening socket for each address that each host name resolves to. CannotListen, and none is open.

    An address of a family that this system does not have is left out, as long as another is left.
    ``inherited``: of a master before us; those for our addresses are used, the others are closed.
    """
    left = list(inherited)
    sockets: list[socket.socket] = []
    unsupported: list[str] = []
    try:
        for address in addresses:
            for family, where in _resolve(address, option):
                try:
                    found = next((one for one in left if _listens_on(one, family, where)), None)
                    if found is not None:
                        left.remove(found)
                    sockets.append(found or _listener(family, where))
                except OSError as error:
                    if error.errno != errno.EAFNOSUPPORT:
                        raise CannotListen(f"option {option}: {address}: {error.strerror}") from None
                    unsupported.append(f"option {option}: {address}: {error.strerror}")
        if not sockets:
            raise CannotListen("; ".join(unsupported))
    except CannotListen:
        for one in sockets:
            one.close()
        raise
    finally:
        for one in left:
            one.close()
    for text in unsupported:
        log.warning("%s", text)
    return sockets


def adopt(descriptor: int) -> socket.socket:
    """A listening socket that systemd, or a master before us, has opened. CannotListen for what is none."""
    try:
        listener = socket.socket(fileno=descriptor)
        if listener.type != socket.SOCK_STREAM or listener.family not in (socket.AF_INET, socket.AF_INET6):
            raise CannotListen(f"descriptor {descriptor}, which was passed to us, is no TCP socket")
        if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise CannotListen(f"descriptor {descriptor}, which was passed to us, does not listen")
    except OSError as error:
        raise CannotListen(
            f"descriptor {descriptor}, which was passed to us, is no socket: {error.strerror}"
        ) from None
    listener.setblocking(False)
    return listener


def _listens_on(listener: socket.socket, family: socket.AddressFamily, where: Any) -> bool:
    host, port = listener.getsockname()[:2]
    return listener.family == family and host == where[0] and where[1] in (0, port)


def name_of(listener: socket.socket) -> str:
    """``ADDRESS:PORT`` of a listening socket."""
    return str(Address(*listener.getsockname()[:2]))


def _resolve(address: Address, option: str) -> list[tuple[socket.AddressFamily, Any]]:
    try:
        found = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise CannotListen(f"option {option}: {address}: {error.strerror or error}") from None
    except UnicodeError:
        raise CannotListen(f"option {option}: {address}: no host can have this name") from None
    return list(dict.fromkeys((family, where) for family, _, _, _, where in found))


def _listener(family: socket.AddressFamily, where: Any) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # so that [::] can stand beside 0.0.0.0
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(where)
        listener.listen(BACKLOG)
        # several workers accept on it: one that comes too late must not block
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
