"""Data units of RFC 5734 section 4: a length of four octets, which counts itself, and XML."""

from __future__ import annotations

HEADER = 4


class BadLength(Exception):
    """A length that can't be: the stream can't be resynchronised after it."""

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"data unit length {length} is not between {HEADER} and {limit}")
        self.length = length


class FrameReader:
    """Cuts the octets of one connection into data units. Knows no socket.

    >>> reader = FrameReader(limit=1000)
    >>> reader.feed(frame(b"<epp/>")[:7])
    >>> reader.next()
    >>> reader.feed(frame(b"<epp/>")[7:])
    >>> reader.next()
    b'<epp/>'
    """

    def __init__(self, limit: int) -> None:
        """``limit``: most octets of a data unit, its length included."""
        self._limit = limit
        self._held = bytearray()
        self._start = 0  # where in _held the next unit starts
        self._length = 0  # of that unit, once its header is there
        self.whole = False
        """Whether next() has something to give, or to refuse."""

    def feed(self, octets: bytes) -> None:
        """Take octets as they came."""
        if self._start:
            del self._held[: self._start]
            self._start = 0
        self._held += octets
        self._look()

    def next(self) -> bytes | None:
        """The XML of the next whole data unit, None while it is not whole. BadLength."""
        if not self.whole:
            return None
        if not HEADER <= self._length <= self._limit:
            raise BadLength(self._length, self._limit)
        end = self._start + self._length
        unit = bytes(self._held[self._start + HEADER : end])
        self._start = end
        if self._start == len(self._held):
            self._held = bytearray()
            self._start = 0
        self._look()
        return unit

    @property
    def held(self) -> int:
        """Octets that came and were not given out."""
        return len(self._held) - self._start

    def _look(self) -> None:
        held = len(self._held) - self._start
        if held < HEADER:
            self.whole = False
            return
        self._length = int.from_bytes(self._held[self._start : self._start + HEADER], "big")
        self.whole = not held < self._length <= self._limit


def frame(xml: bytes) -> bytes:
    """The data unit that carries ``xml``.

    >>> frame(b"<epp/>")
    b'\\x00\\x00\\x00\\n<epp/>'
    """
    return (len(xml) + HEADER).to_bytes(HEADER, "big") + xml
