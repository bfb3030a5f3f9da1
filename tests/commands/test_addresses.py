"""Postal addresses and telephone numbers, there and back."""

from __future__ import annotations

import logging

import pytest

from srs_epp.commands.addresses import address_to_srs, phone_to_epp, phone_to_srs, postal_info_to_epp
from srs_epp.epp import contact as epp
from srs_epp.epp.results import PolicyError
from srs_epp.srs import values as srs

STREETS = "At least 1 and no more than 2 street lines must be supplied in the address"


@pytest.mark.parametrize(
    ("country", "area", "local", "number", "extension"),
    [
        ("64", "4", "123-456 ext 1", "+64.4123456", "ext 1"),
        ("64", "", "41234567x12", "+64.41234567", "12"),
        ("64", "", "41234567", "+64.41234567", None),
        ("64", "4", "123 45.67", "+64.41234567", None),
        ("1", "800", "555-1234", "+1.8005551234", None),
        ("64", "4", "1234567 x12", "+64.41234567", "12"),
        ("64", "4", "1234567 (after five)", "+64.41234567", "(after five)"),
        ("64", "0 4", "1234567", "+64.041234567", None),
    ],
)
def test_a_number_of_the_registry_is_shown_as_e164_and_extension(
    country: str, area: str, local: str, number: str, extension: str | None
) -> None:
    assert phone_to_epp(srs.Phone(country, area, local)) == epp.Phone(number, extension)


@pytest.mark.parametrize(
    ("country", "area", "local"),
    [
        ("64", "", ""),
        ("64", "", "call me"),
        ("", "4", "123456"),
        ("6400", "4", "123456"),
        ("NZ", "4", "123456"),
        ("64", "4", "123456789012345"),
        ("123", "", "12345678901234"),  # its form is right, but it has 18 characters
        ("64", "(4)", "123456"),
    ],
)
def test_what_makes_no_e164_number_is_left_out_and_logged(
    country: str, area: str, local: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)

    assert phone_to_epp(srs.Phone(country, area, local)) is None

    assert "left out" in caplog.text
    assert local not in caplog.text or not local


def test_the_longest_number_that_e164_allows_is_shown() -> None:
    assert phone_to_epp(srs.Phone("64", "4", "1" * 12)) == epp.Phone("+64.4" + "1" * 12)
    assert phone_to_epp(srs.Phone("64", "4", "1" * 13)) is None


def test_no_number_is_no_number() -> None:
    assert phone_to_epp(None) is None


@pytest.mark.parametrize(
    ("number", "extension", "local"),
    [
        ("+64.41234567", None, "41234567"),
        ("+64.41234567", "12", "41234567x12"),
        ("+1.8005551234", None, "8005551234"),
    ],
)
def test_a_number_of_a_client_is_told_with_an_empty_area_code(
    number: str, extension: str | None, local: str
) -> None:
    sent = phone_to_srs(epp.Phone(number, extension))

    assert sent == srs.Phone(number[1:].split(".")[0], "", local)
    assert ' AreaCode="" ' in sent.xml("Phone")


@pytest.mark.parametrize("extension", [None, "12", "9", "\u00a0", "ext\u3000", "x5"])
def test_a_number_that_went_there_comes_back(extension: str | None) -> None:
    phone = epp.Phone("+64.41234567", extension)

    assert phone_to_epp(phone_to_srs(phone)) == phone


@pytest.mark.parametrize(
    ("streets", "first", "second"),
    [(("a",), "a", None), (("a", "b"), "a", "b"), (("a", ""), "a", None), (("", "b"), "b", None)],
)
def test_one_or_two_streets_become_the_lines_of_an_address(
    streets: tuple[str, ...], first: str, second: str | None
) -> None:
    sent = address_to_srs(epp.Address(streets, "Wellington", "NZ", "Wgtn", "6012"))

    assert sent == srs.PostalAddress(first, "Wellington", "NZ", second, "Wgtn", "6012")


@pytest.mark.parametrize("streets", [(), ("",), ("", ""), ("a", "b", "c"), ("a", "b", ""), ("", "", "")])
def test_no_street_or_three_are_2306(streets: tuple[str, ...]) -> None:
    with pytest.raises(PolicyError) as raised:
        address_to_srs(epp.Address(streets, "Wellington", "NZ"))

    assert raised.value.reason == STREETS


def test_parts_that_are_not_given_are_not_sent() -> None:
    sent = address_to_srs(epp.Address(("a",), "Wellington", "NZ"))

    assert sorted(name for name, _ in sent.element().items()) == ["Address1", "City", "CountryCode"]


ADDRESS = srs.PostalAddress("1 Acacia Ave", "Wellington", "NZ", "Kelburn", "Wgtn", "6012")


def shown(address: srs.PostalAddress, name: str = "M") -> tuple[epp.PostalInfo, epp.Address]:
    info = postal_info_to_epp(name, address)
    assert info.address is not None
    return info, info.address


def test_an_address_of_the_registry_is_shown_whole() -> None:
    info, address = shown(ADDRESS, "Moana")

    assert (info.type, info.name) == ("int", "Moana")
    assert address == epp.Address(("1 Acacia Ave", "Kelburn"), "Wellington", "NZ", "Wgtn", "6012")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("Mōana", {}),
        ("Moana", {"address1": "1 Ākāsia"}),
        ("Moana", {"address2": "ō"}),
        ("Moana", {"city": "Ōtaki"}),
        ("Moana", {"province": "Ōtaki"}),
        ("Moana", {"postal_code": "６０１２"}),  # noqa: RUF001
    ],
)
def test_an_address_with_any_letter_beyond_ascii_is_local(name: str, changes: dict[str, str]) -> None:
    parts = {"address1": "1", "address2": "2", "city": "3", "province": "4", "postal_code": "5", **changes}

    assert postal_info_to_epp(name, srs.PostalAddress(country_code="NZ", **parts)).type == "loc"


def test_a_country_is_shown_in_capitals() -> None:
    assert shown(srs.PostalAddress("1", "W", "nz"))[1].country_code == "NZ"


def test_a_postal_code_that_epp_cannot_carry_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    codes = [
        shown(srs.PostalAddress("1", "W", "NZ", postal_code="x" * length))[1].postal_code
        for length in (16, 17)
    ]

    assert codes == ["x" * 16, None]
    assert len(caplog.records) == 1


def test_a_line_is_cut_to_what_epp_can_carry() -> None:
    long = "x" * 300

    info, address = shown(srs.PostalAddress(long, long, "NZ", province=long), long)

    assert [info.name, *address.streets, address.city, address.province] == ["x" * 255] * 4
