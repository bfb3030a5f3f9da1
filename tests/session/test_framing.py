"""Data units out of a stream that may be cut anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from srs_epp.session.framing import BadLength, FrameReader, frame

LIMIT = 64
UNITS = [b"<epp/>", b"", b"<epp>\x00\x00\x00\x04</epp>", b"", b"", b"x" * (LIMIT - 4), "<ā/>".encode(), b""]
STREAM = b"".join(map(frame, UNITS))


def taken(reader: FrameReader) -> list[bytes]:
    """Every data unit that is whole."""
    units = []
    while (unit := reader.next()) is not None:
        units.append(unit)
    return units


def test_a_stream_cut_in_two_anywhere_holds_the_same_units() -> None:
    for cut in range(len(STREAM) + 1):
        reader = FrameReader(LIMIT)

        reader.feed(STREAM[:cut])
        units = taken(reader)
        reader.feed(STREAM[cut:])

        assert units + taken(reader) == UNITS, f"cut at {cut}"
        assert reader.held == 0


def test_a_stream_that_comes_octet_by_octet_holds_the_same_units() -> None:
    reader = FrameReader(LIMIT)
    units = []

    for octet in STREAM:
        reader.feed(bytes([octet]))
        units += taken(reader)

    assert units == UNITS


@given(
    units=st.lists(st.binary(max_size=LIMIT - 4), max_size=8),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=40),
)
def test_however_a_stream_is_cut_its_units_are_the_same(units: list[bytes], sizes: list[int]) -> None:
    reader = FrameReader(LIMIT)
    stream = b"".join(map(frame, units))
    found = []

    for size in sizes:
        reader.feed(stream[:size])
        stream = stream[size:]
        if reader.whole:
            found.append(reader.next())
    reader.feed(stream)

    assert found + taken(reader) == units


@pytest.mark.parametrize("length", [0, 1, 2, 3, LIMIT + 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_a_length_that_cannot_be_is_refused_before_its_octets_come(length: int) -> None:
    reader = FrameReader(LIMIT)
    reader.feed(length.to_bytes(4, "big"))

    with pytest.raises(BadLength, match=f"{length} is not between 4 and {LIMIT}"):
        reader.next()


@pytest.mark.parametrize("length", [0, 1, 2, 3, LIMIT + 1, 0xFFFFFFFF])
def test_a_bad_length_is_refused_in_its_turn(length: int) -> None:
    reader = FrameReader(LIMIT)
    reader.feed(frame(b"<epp/>") + length.to_bytes(4, "big") + b"<epp/>")

    assert reader.next() == b"<epp/>"
    assert reader.whole
    with pytest.raises(BadLength) as raised:
        reader.next()
    assert raised.value.length == length


def test_a_unit_of_the_limit_passes() -> None:
    reader = FrameReader(LIMIT)
    reader.feed(LIMIT.to_bytes(4, "big") + b"x" * (LIMIT - 4))

    assert reader.next() == b"x" * (LIMIT - 4)


def test_the_empty_unit_is_a_unit() -> None:
    reader = FrameReader(LIMIT)
    reader.feed(b"\x00\x00\x00\x04")

    assert reader.whole
    assert reader.next() == b""
    assert not reader.whole


def test_a_unit_is_whole_with_its_last_octet() -> None:
    octets = frame(b"<epp/>")
    reader = FrameReader(LIMIT)

    for count, octet in enumerate(octets):
        assert not reader.whole
        assert reader.next() is None
        assert reader.held == count
        reader.feed(bytes([octet]))

    assert reader.whole


def test_what_is_held_are_the_octets_that_were_not_given_out() -> None:
    reader = FrameReader(LIMIT)
    reader.feed(frame(b"<epp/>") + frame(b"<epp/>") + b"\x00\x00")

    held = [reader.held]
    while reader.next() is not None:
        held.append(reader.held)

    assert held == [22, 12, 2]


@given(st.binary(max_size=LIMIT - 4))
def test_what_is_framed_is_read_again(xml: bytes) -> None:
    reader = FrameReader(LIMIT)
    reader.feed(frame(xml))

    assert int.from_bytes(frame(xml)[:4], "big") == len(xml) + 4
    assert reader.next() == xml
