"""The PROXY protocol, versions 1 and 2: a load balancer says whose connection it brings.

The header comes before anything else, TLS too, and tells the client's address. Whether one comes is a matter
of configuration and never guessed: who could choose to send one could give itself any address.
The protocol is HAProxy's, ``proxy-protocol.txt`` in its distribution, to which the sections refer.
"""

from __future__ import annotations

import ipaddress
import re
import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from srs_epp.config import Network

_IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST_LINE = 107  # octets of version 1, with its CRLF (section 2.1)
# Octets of version 2. Its length could say 64 KiB; a sender is to stay below 536 (section 2), but host names
# and subjects of certificates may be long.
LONGEST = 4096

_TCP4, _TCP6, _UNKNOWN = b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN"

_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED = 16  # octets of version 2 up to its length, which is their last two
_VERSION, _LOCAL, _PROXY = 2, 0, 1
_INET, _INET6, _UNIX, _STREAM, _LAST_TRANSPORT = 1, 2, 3, 1, 2
_ADDRESSES = {0: 0, _INET: 12, _INET6: 36, _UNIX: 216}  # octets of both ends' addresses, by family
_TLV = 3  # octets of type and length
_CRC32C = 3  # a type of TLV, and what its value has
_CRC_OCTETS = 4


class NotProxied(Exception):
    """There is no valid header; the text says why, in words for a log line.

    ``silent``: nothing came at all, as from a monitor that only looks whether the port is open.
    """

    def __init__(self, reason: str, *, silent: bool = False) -> None:
        super().__init__(reason)
        self.silent = silent


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says, and how many octets it has.

    ``address`` and ``port`` are the client's; None where it does not tell them, so that the connection's own
    count. ``local``: the sender speaks for itself, as in a health check; perhaps it will say nothing more.
    """

    length: int
    address: str | None = None
    port: int | None = None
    local: bool = False


def read_header(sock: socket.socket, seconds: float, peer: str = "") -> Header:
    """Take the header from the socket, and leave what follows it. NotProxied, also where it is late.

    The socket does not block afterwards. ``seconds`` are for the whole header. ``peer``: the connection's own
    address. Version 1 has no other way to say LOCAL than to give that one as the client's (section 2.1).
    """
    sock.setblocking(False)
    deadline = time.monotonic() + seconds
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    taken = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise NotProxied(f"{len(taken)} octets of one in {seconds:g} s", silent=not taken)
        try:
            seen = sock.recv(LONGEST, socket.MSG_PEEK)
            header = parse(taken + seen)
            # as long as it has no end, it has all octets that have come: they need not be seen again
            wanted = len(seen) if header is None else header.length - len(taken)
            taken += sock.recv(wanted)
        except BlockingIOError:
            continue
        except OSError as error:
            raise NotProxied(error.strerror or type(error).__name__, silent=not taken) from None
        if not seen:
            raise NotProxied(f"the peer closed after {len(taken)} octets of one", silent=not taken)
        if header is not None and len(taken) == header.length:
            ours = header.address is not None and header.address == _plain_text(peer)
            return replace(header, local=True) if ours else header


def trusted(address: str, networks: Iterable[Network]) -> bool:
    """Whether the address is in one of the networks. An IPv4 client of a dual-stack socket is an IPv4 one."""
    found = _read_address(address)
    return found is not None and any(one in network for network in networks for one in {found, _plain(found)})


def parse(octets: bytes) -> Header | None:
    """The header with which the octets begin; None where they are too few to tell.

    NotProxied, at the first octet that no header could have there.
    """
    if not octets:
        return None
    if octets.startswith(b"P"):
        return _parse_line(octets)
    if octets.startswith(b"\r"):
        return _parse_binary(octets)
    raise NotProxied("TLS begins at once" if octets.startswith(b"\x16") else "something else comes first")


# -- version 1: a line of text (section 2.1)


def _parse_line(octets: bytes) -> Header | None:
    for start in (_TCP4, _TCP6, _UNKNOWN):
        if octets.startswith(start):
            break
        if start.startswith(octets):
            return None
    else:
        raise NotProxied("neither TCP4 nor TCP6 nor UNKNOWN after PROXY")
    line, ended, _ = octets[: LONGEST_LINE - 1].partition(b"\r")
    if not ended and len(line) == LONGEST_LINE - 1:
        raise NotProxied(f"a line of more than {LONGEST_LINE} octets")
    last = octets[len(line) + 1 : len(line) + 2] if ended else b""
    if b"\n" in line or last not in (b"\n", b""):
        raise NotProxied("CR or LF alone")
    rest = line[len(start) :]
    if start == _UNKNOWN:
        if rest and not rest.startswith(b" "):
            raise NotProxied("neither TCP4 nor TCP6 nor UNKNOWN after PROXY")
        address = port = None
    else:
        kind = ipaddress.IPv4Address if start == _TCP4 else ipaddress.IPv6Address
        address, port = _read_fields(rest.decode("latin-1"), kind, ended=bool(ended))
    return Header(len(line) + 2, address, port) if last else None


def _read_fields(text: str, kind: type[_IPAddress], *, ended: bool) -> tuple[str | None, int | None]:
    """The source's address and port; NotProxied where no line goes on in this way, or ends where it does."""
    fields = text.split(" ")
    for number, field in enumerate(fields):
        open_end = not ended and number == len(fields) - 1
        if number < 2:
            fits = any(_is_address(field + more, kind) for more in (_COMPLETIONS if open_end else [""]))
        else:
            fits = number < 4 and (_is_port(field) or (open_end and not field))
        if not fits:
            raise NotProxied("no two addresses and two ports of its family, with one space between them")
    if not ended:
        return None, None
    if len(fields) < 4:
        raise NotProxied("a line that ends too early")
    return str(_plain(kind(fields[0]))), int(fields[2])


# whatever an address begins with, with one of these behind it is an address
_COMPLETIONS = ("", "0", ":", "::", ".0", "0.0", ".0.0", "0.0.0", ".0.0.0", "0.0.0.0")


def _is_address(text: str, kind: type[_IPAddress]) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return "%" not in text  # Python takes a zone for a part of it


def _is_port(text: str) -> bool:
    return re.fullmatch(r"0|[1-9][0-9]{0,4}", text) is not None and int(text) <= 65535


# -- version 2: binary (section 2.2)


def _parse_binary(octets: bytes) -> Header | None:
    """LOCAL, and a family that is not specified: whatever comes behind the length is passed over unread."""
    if not _SIGNATURE.startswith(octets[: len(_SIGNATURE)]):
        raise NotProxied("a wrong signature of version 2")
    version, command = divmod(octets[12], 16) if len(octets) > 12 else (_VERSION, _PROXY)
    if version != _VERSION or command not in (_LOCAL, _PROXY):
        raise NotProxied("neither PROXY nor LOCAL of version 2")
    family, transport = divmod(octets[13], 16) if len(octets) > 13 else (0, 0)
    if command == _LOCAL:
        family = transport = 0
    if family not in _ADDRESSES or transport > _LAST_TRANSPORT:
        raise NotProxied("an unknown family of addresses, or transport")
    # the first of the length's two octets is its greater part, and may be too great already
    if len(octets) == _FIXED - 1 and octets[14] << 8 > LONGEST - _FIXED:
        raise NotProxied(f"more than {LONGEST} octets")
    if len(octets) < _FIXED:
        return None
    length = _FIXED + int.from_bytes(octets[14:16], "big")
    if length > LONGEST:
        raise NotProxied(f"more than {LONGEST} octets")
    if length < _FIXED + _ADDRESSES[family]:
        raise NotProxied("a length without room for its addresses")
    checksums = list(_checksums(octets, _FIXED + _ADDRESSES[family], length)) if family else []
    if len(octets) < length:
        return None
    if any(not _is_right(octets[:length], where) for where in checksums):
        raise NotProxied("a wrong checksum")
    if transport != _STREAM or family not in (_INET, _INET6):
        return Header(length, local=command == _LOCAL)
    if family == _INET:
        address, port = struct.unpack_from("!4s4xH", octets, _FIXED)
    else:
        address, port = struct.unpack_from("!16s16xH", octets, _FIXED)
    return Header(length, str(_plain(ipaddress.ip_address(address))), port)


def _checksums(octets: bytes, start: int, end: int) -> Iterator[int]:
    """Where checksums stand among the TLVs from ``start`` to ``end``, as far as these have come.

    NotProxied where they don't fill the room exactly.
    """
    while start < end:
        if end - start < _TLV:
            raise NotProxied("a TLV that does not end within it")
        if len(octets) < start + _TLV:
            # its length is not known, its greater octet perhaps is
            if octets[start + 1 : start + 2] and start + _TLV + (octets[start + 1] << 8) > end:
                raise NotProxied("a TLV that does not end within it")
            return
        kind, length = struct.unpack_from("!BH", octets, start)
        start += _TLV
        if start + length > end:
            raise NotProxied("a TLV that does not end within it")
        if kind == _CRC32C:
            if length != _CRC_OCTETS:
                raise NotProxied("a checksum that is none")
            yield start
        start += length


def _is_right(header: bytes, where: int) -> bool:
    """Whether the checksum there is that of the header, in which it counts as zeros (section 2.2.3)."""
    zeroed = header[:where] + bytes(_CRC_OCTETS) + header[where + _CRC_OCTETS :]
    return crc32c(zeroed) == int.from_bytes(header[where : where + _CRC_OCTETS], "big")


def crc32c(octets: bytes) -> int:
    """The checksum of RFC 4960 appendix B.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc = 0xFFFFFFFF
    for octet in octets:
        crc = crc >> 8 ^ _CRC_TABLE[crc & 0xFF ^ octet]
    return crc ^ 0xFFFFFFFF


def _crc_step(crc: int) -> int:
    for _ in range(8):
        crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc


_CRC_TABLE = [_crc_step(octet) for octet in range(256)]


def _read_address(text: str) -> _IPAddress | None:
    """As a socket names it, perhaps with a zone."""
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _plain_text(text: str) -> str:
    found = _read_address(text)
    return "" if found is None else str(_plain(found))


def _plain(address: _IPAddress) -> _IPAddress:
    """The IPv4 address that is meant by an IPv4-mapped IPv6 address; any other as it is."""
    return getattr(address, "ipv4_mapped", None) or address
