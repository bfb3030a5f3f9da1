"""HandleCreate and HandleDetailsQry: statement 31."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from srs_epp.srs.values import Element
from tests.registry.client import HANDLE, Client, attributes_of, first_of, stamp
from tests.registry.conftest import Sandbox


def details(client: Client, filters: str = "", *, query: str = "") -> Element:
    return client.ask_one(f"<HandleDetailsQry{query}>{filters}</HandleDetailsQry>")


def ids(response: Element) -> list[str | None]:
    return [handle.get("HandleId") for handle in response.iterchildren("Handle")]


def test_a_created_handle_comes_back_whole(first: Client) -> None:
    order = HANDLE.format("moana-1").replace(
        "</HandleCreate>",
        '<Fax CountryCode="64" AreaCode="" LocalNumber="1 ext 2"/>'
        "<AuditText>new &amp; first</AuditText></HandleCreate>",
    )

    handle = first_of(first.ask_one(order.replace(" Name", ' Privacy="1" Name')), "Handle")

    assert attributes_of(handle) == {
        "RegistrarId": "90",
        "HandleId": "moana-1",
        "Name": "Moana Example",
        "Email": "moana@example.net",
        "Privacy": "1",
    }
    assert [(child.tag, attributes_of(child)) for child in handle][:3] == [
        (
            "PostalAddress",
            {"Address1": "1 Sample Street", "City": "Nelson", "CountryCode": "NZ", "PostalCode": "7010"},
        ),
        ("Phone", {"CountryCode": "64", "AreaCode": "3", "LocalNumber": "5550100"}),
        ("Fax", {"CountryCode": "64", "LocalNumber": "1 ext 2"}),
    ]
    audit = first_of(handle, "AuditDetails")
    assert attributes_of(audit) == {"RegistrarId": "90", "ActionId": "moana-1"}
    assert audit.findtext("AuditText") == "new & first"
    assert stamp(first_of(audit, "AuditTime/From")) == stamp(first_of(handle, "CreatedDate"))


def test_statement_31_a_handle_is_unique_at_its_registrar_only(first: Client, second: Client) -> None:
    first.ask(HANDLE.format("moana-1"))
    again = HANDLE.format("moana-1").replace('ActionId="moana-1"', 'ActionId="again"')

    assert first.refusal(again) == ("HANDLE_ALREADY_EXISTS", "moana-1")
    assert first_of(second.ask_one(again), "Handle").get("RegistrarId") == "91"


def test_a_registrar_finds_its_own_handles_only(sandbox: Sandbox) -> None:
    sandbox.first.ask(HANDLE.format("moana-1") + HANDLE.format("moana-2"))
    sandbox.second.ask(HANDLE.format("moana-1"))

    assert ids(details(sandbox.first)) == ["moana-1", "moana-2"]
    assert ids(details(sandbox.second)) == ["moana-1"]
    assert ids(details(sandbox.itself)) == ["moana-1", "moana-1", "moana-2"]
    assert ids(details(sandbox.second, "<HandleIdFilter>moana-2</HandleIdFilter>")) == []


@pytest.mark.parametrize("handle_id", ["abc", "a" * 16, "a b.c-d_e", "Māori-1", "123"])
def test_a_handle_id_has_three_to_sixteen_characters(first: Client, handle_id: str) -> None:
    assert first_of(first.ask_one(HANDLE.format(handle_id)), "Handle").get("HandleId") == handle_id


@pytest.mark.parametrize(
    "handle_id", ["ab", "a" * 17, "a  b", "a/b", "a*b", "nzrs_auto1", "NZRS_AUTO1", "a&#10;b", "abc@"]
)
def test_other_handle_ids_are_refused(first: Client, handle_id: str) -> None:
    error_id, value, field = first.refusal(HANDLE.format(handle_id))

    assert (error_id, field) == ("INVALID_FIELD", "HandleId")
    assert value == handle_id.replace("&#10;", "\n")


@pytest.mark.parametrize(
    ("part", "error"),
    [
        (' Name="Moana Example"', ("Name", "HandleCreate")),
        (' Email="moana@example.net"', ("Email", "HandleCreate")),
        (' Address1="1 Sample Street"', ("Address1", "PostalAddress")),
        (' City="Nelson"', ("City", "PostalAddress")),
        (' CountryCode="NZ"', ("CountryCode", "PostalAddress")),
        (' CountryCode="64"', ("CountryCode", "Phone")),
        (' LocalNumber="5550100"', ("LocalNumber", "Phone")),
    ],
)
def test_a_handle_has_mandatory_fields(first: Client, part: str, error: tuple[str, str]) -> None:
    assert first.refusal(HANDLE.format("moana-1").replace(part, "")) == ("MISSING_MANDATORY_FIELD", *error)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (
            "<HandleIdFilter>moana-1</HandleIdFilter><HandleIdFilter> tane-1 </HandleIdFilter>",
            ["moana-1", "tane-1"],
        ),
        ("<HandleIdFilter>MOANA-1</HandleIdFilter>", []),
        ("<HandleIdFilter>*-1</HandleIdFilter>", ["moana-1", "tane-1"]),
        ("<HandleIdFilter>m????-?</HandleIdFilter>", ["moana-1", "moana-2"]),
        ('<ContactFilter HandleId="tane*" Email="MOANA@example.net"/>', ["tane-1"]),
        ('<ContactFilter><Phone LocalNumber="5550100"/></ContactFilter>', ["moana-1", "moana-2", "tane-1"]),
        ('<ContactFilter><Fax LocalNumber="*"/></ContactFilter>', []),
        ('<ContactFilter Privacy="1"/>', []),
    ],
)
def test_handles_are_found_by_filters(first: Client, filters: str, found: list[str]) -> None:
    first.ask("".join(HANDLE.format(handle_id) for handle_id in ("tane-1", "moana-2", "moana-1")))

    assert ids(details(first, filters)) == found


def test_handles_come_in_pages(first: Client) -> None:
    first.ask("".join(HANDLE.format(f"moana-{number}") for number in (3, 1, 2)))

    page = details(first, query=' MaxResults="1" SkipResults="1"')
    counted = details(first, query=' CountResults="1"')

    assert (ids(page), page.get("MoreRowsAvailable")) == (["moana-2"], "1")
    assert (ids(counted), counted.get("Count")) == ([], "3")


def test_handles_are_found_by_dates(sandbox: Sandbox) -> None:
    for day in (1, 3):
        sandbox.registry.clock.set(datetime(2019, 7, day, 5, tzinfo=UTC))
        sandbox.first.ask(HANDLE.format(f"day-{day}"))

    bound = '<From Year="2019" Month="7" Day="2" Hour="0" Minute="0" TimeZoneOffset="+0000"/>'
    for tag in ("SearchDateRange", "ChangedInDateRange"):
        assert ids(details(sandbox.first, f"<{tag}>{bound}</{tag}>")) == ["day-3"]
