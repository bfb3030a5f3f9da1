"""A stream without a socket: what its client sends is there at once, what it takes can be held back."""

from __future__ import annotations

from srs_epp.session.framing import FrameReader


class FakeStream:
    """The server's end. ``takes``: most octets of one send; 0 while the client does not read."""

    def __init__(self, takes: int = 1 << 30) -> None:
        self.takes = takes
        self.coming = bytearray()
        self.ended = False
        self.largest_write = 0
        self._replies = FrameReader(1 << 30)

    def recv(self, most: int, /) -> bytes | None:
        octets = bytes(self.coming[:most])
        del self.coming[:most]
        return octets if octets or self.ended else None

    def send(self, data: bytes, /) -> int:
        self.largest_write = max(self.largest_write, len(data))
        self._replies.feed(data[: self.takes])
        return min(len(data), self.takes)

    @property
    def readable(self) -> bool:
        return bool(self.coming) or self.ended

    def replies(self) -> list[bytes]:
        """The whole data units that the client took since the last call."""
        units = []
        while (unit := self._replies.next()) is not None:
            units.append(unit)
        return units
