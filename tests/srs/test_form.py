"""The form that requests and responses are."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from srs_epp.srs.form import NotAForm, decode, encode


def test_fields_are_encoded_in_their_order() -> None:
    assert encode({"r": b"<a b='1'/>", "s": "x y", "n": "100"}) == b"r=%3Ca+b%3D%271%27%2F%3E&s=x+y&n=100"


def test_other_programs_read_what_is_encoded() -> None:
    value = "a & b = 100% + ; # ? Ā\r\n\t\0"
    assert parse_qsl(encode({"r": value}).decode()) == [("r", value)]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"r=a&s=b", {"r": b"a", "s": b"b"}),
        (b"s=b&r=a", {"s": b"b", "r": b"a"}),
        (b"r=", {"r": b""}),
        (b"r=a+b%20c%2Bd", {"r": b"a b c+d"}),
        (b"r=%3c%3C%e2%82%ac", {"r": "<<€".encode()}),
        (b"r=%00%ff%FE", {"r": b"\x00\xff\xfe"}),
        (b"r=%0d%0a%0A%0D", {"r": b"\r\n\n\r"}),
        (b"r=a=b=c", {"r": b"a=b=c"}),
        (b"r=a;s=b", {"r": b"a;s=b"}),
        (b"r=1%", {"r": b"1%"}),
        (b"r=%zz%4", {"r": b"%zz%4"}),
        (b"r=a\n", {"r": b"a\n"}),
        (b"r=<raw/>", {"r": b"<raw/>"}),
        (b"other=1&r=a&%72%73=2", {"other": b"1", "r": b"a", "rs": b"2"}),
    ],
)
def test_a_form_is_decoded_to_octets(body: bytes, fields: dict[str, bytes]) -> None:
    assert decode(body) == fields


@pytest.mark.parametrize(
    "body",
    [b"&", b"r=a&", b"&r=a", b"r=a&&s=b", b"r", b"r=a&s", b"\xff=a", b"r=\xe9", b"<html></html>", b"{}"],
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(NotAForm):
        decode(body)


@pytest.mark.parametrize("body", [b"r=a&r=a", b"r=a&r=b", b"r=a&s=1&%72=b", b"s=&s="])
def test_a_field_that_comes_twice_is_refused(body: bytes) -> None:
    with pytest.raises(NotAForm, match="twice"):
        decode(body)


def test_a_form_of_very_many_fields_is_refused() -> None:
    with pytest.raises(NotAForm):
        decode(b"&".join(b"x%d=1" % number for number in range(10_000)))


@settings(max_examples=200, deadline=None, database=None)
@given(st.dictionaries(st.text(st.sampled_from("rsnXML_1"), min_size=1), st.binary(max_size=50), min_size=1))
@example({"r": bytes(range(256))})
def test_what_is_encoded_is_decoded_to_the_same_octets(fields: dict[str, bytes]) -> None:
    assert decode(encode(fields)) == fields


@settings(max_examples=300, deadline=None, database=None)
@given(st.binary(max_size=100))
def test_any_octets_are_a_form_or_not_one(body: bytes) -> None:
    try:
        fields = decode(body)
    except NotAForm as error:
        assert len(str(error)) < 300  # noqa: PT017 - only what is refused has a text
        return
    assert all(isinstance(value, bytes) for value in fields.values())
