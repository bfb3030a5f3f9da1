"""HandleCreate, HandleUpdate and HandleDetailsQry: statements 31 to 33."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from srs_epp.srs.values import Element
from tests.registry.client import (
    HANDLE,
    Client,
    attributes_of,
    domain_create,
    domain_update,
    first_of,
    handle_update,
    stamp,
)
from tests.registry.conftest import Sandbox


def details(client: Client, filters: str = "", *, query: str = "") -> Element:
    return client.ask_one(f"<HandleDetailsQry{query}>{filters}</HandleDetailsQry>")


def ids(response: Element) -> list[str | None]:
    return [handle.get("HandleId") for handle in response.iterchildren("Handle")]


def changed_domains(handle: Element) -> list[str | None]:
    return [domain.get("DomainName") for domain in handle.iterfind("ChangedDomains/Domain")]


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


def test_statement_32_an_update_changes_what_is_given(first: Client) -> None:
    first.ask(HANDLE.format("moana-1"))

    response = first.ask_one(
        handle_update(
            "moana-1",
            '<PostalAddress Address2="Level 2" PostalCode=""/><Fax CountryCode="64" LocalNumber="9"/>'
            "<AuditText>moved</AuditText>",
            attributes='Email="new@example.net" Privacy="1"',
        )
    )

    handle = first_of(response, "Handle")
    assert response.get("Rows") == "1"
    assert attributes_of(handle) == {
        "RegistrarId": "90",
        "HandleId": "moana-1",
        "Name": "Moana Example",
        "Email": "new@example.net",
        "Privacy": "1",
    }
    assert attributes_of(first_of(handle, "PostalAddress")) == {
        "Address1": "1 Sample Street",
        "Address2": "Level 2",
        "City": "Nelson",
        "CountryCode": "NZ",
    }
    assert handle.find("Fax") is not None
    assert handle.findtext("AuditDetails/AuditText") == "moved"
    assert len(first_of(handle, "ChangedDomains")) == 0
    without = first_of(first.ask_one(handle_update("moana-1", "<Fax/>")), "Handle")
    assert without.find("Fax") is None
    assert details(first).find("Handle/Fax") is None


def test_statement_32_every_domain_that_names_it_shows_it(sandbox: Sandbox, first: Client) -> None:
    by_handle = '<{}Contact HandleId="moana-1"/>'
    first.ask(
        HANDLE.format("moana-1")
        + domain_create("weka.nz", by_handle.format("Admin") + by_handle.format("Technical"))
        + domain_create("kea.nz", by_handle.format("Technical"))
        + domain_create("kiwi.nz")
    )
    first.ask(domain_update("kea.nz", by_handle.format("Registrant")))
    sandbox.second.ask(HANDLE.format("moana-1") + domain_create("tui.nz", by_handle.format("Admin")))

    handle = first_of(first.ask_one(handle_update("moana-1", attributes='Name="New"')), "Handle")

    assert changed_domains(handle) == [
        "kea.nz",
        "weka.nz",
    ]
    shown = {
        name: [first_of(first.whois(name), f"{kind}Contact").get("Name") for kind in ("Registrant", "Admin")]
        for name in ("kea.nz", "weka.nz", "tui.nz")
    }
    assert shown == {
        "kea.nz": ["New", "New"],  # the registrant is the administrator by default
        "weka.nz": ["Moana Example", "New"],
        "tui.nz": ["Moana Example", "Moana Example"],
    }


def test_statement_32_the_default_contact_of_a_registrar_shows_in_its_domains(first: Client) -> None:
    first.ask(
        HANDLE.format("moana-1")
        + domain_create("weka.nz")
        + '<RegistrarUpdate ActionId="r"><DefaultTechnicalContact HandleId="moana-1"/></RegistrarUpdate>'
    )

    handle = first_of(first.ask_one(handle_update("moana-1", attributes='Name="New"')), "Handle")

    assert changed_domains(handle) == ["weka.nz"]
    assert first_of(first.whois("weka.nz"), "TechnicalContact").get("Name") == "New"


def test_statement_33_a_handle_in_use_is_not_deleted(first: Client) -> None:
    first.ask(HANDLE.format("moana-1") + domain_create("weka.nz", '<AdminContact HandleId="moana-1"/>'))

    assert first.refusal(handle_update("moana-1", attributes='Delete="1"')) == ("HANDLE_IN_USE",)
    first.ask(domain_update("weka.nz", "<AdminContact/>"))
    assert first.ask_one(handle_update("moana-1", attributes='Delete="1"')).get("Rows") == "0"


def test_statement_33_a_handle_of_the_registrar_itself_is_in_use(first: Client) -> None:
    first.ask(
        HANDLE.format("moana-1")
        + '<RegistrarUpdate ActionId="r"><RegistrarSRSContact HandleId="moana-1"/></RegistrarUpdate>'
    )

    assert first.refusal(handle_update("moana-1", attributes='Delete="1"')) == ("HANDLE_IN_USE",)
    first.ask('<RegistrarUpdate ActionId="s"><RegistrarSRSContact Name="Own"/></RegistrarUpdate>')
    assert first.ask_one(handle_update("moana-1", attributes='Delete="1"')).get("Rows") == "0"


def test_statement_33_an_unused_handle_is_deleted(first: Client) -> None:
    first.ask(HANDLE.format("moana-1"))

    response = first.ask_one(
        handle_update("moana-1", "<AuditText>not needed</AuditText>", attributes='Delete="1"')
    )

    assert (response.get("Rows"), len(response)) == ("0", 1)
    assert details(first).get("Rows") == "0"
    again = HANDLE.format("moana-1").replace('ActionId="moana-1"', 'ActionId="again"')
    assert first.ask_one(again).find("Handle") is not None


def test_statement_33_an_unknown_handle_is_refused(first: Client, second: Client) -> None:
    second.ask(HANDLE.format("moana-1"))

    for attributes in ('Delete="1"', 'Name="New"'):
        error = first.refusal(handle_update("moana-1", attributes=attributes))
        assert error == ("HANDLE_DOES_NOT_EXIST", "moana-1")


@pytest.mark.parametrize(
    ("attributes", "content"),
    [
        ('Name="New"', ""),
        ('Email=""', ""),
        ('Privacy="0"', ""),
        ("", "<Fax/>"),
        ("", '<PostalAddress City="Gore"/>'),
    ],
)
def test_what_is_deleted_is_not_changed(first: Client, attributes: str, content: str) -> None:
    first.ask(HANDLE.format("moana-1"))

    error = first.refusal(handle_update("moana-1", content, attributes=f'Delete="1" {attributes}'))

    assert error == ("DELETE_FLAG_WITH_OTHER_FIELDS",)
    assert details(first).get("Rows") == "1"


@pytest.mark.parametrize(
    ("attributes", "content", "error"),
    [
        ('Name=""', "", ("MISSING_MANDATORY_FIELD", "Name", "HandleUpdate")),
        ("", '<Phone LocalNumber=""/>', ("MISSING_MANDATORY_FIELD", "LocalNumber", "Phone")),
        ("", '<Fax CountryCode="64"/>', ("MISSING_MANDATORY_FIELD", "LocalNumber", "Fax")),
        ('Email="nobody"', "", ("INVALID_FIELD", "nobody", "Email")),
    ],
)
def test_an_update_leaves_a_whole_handle(
    first: Client, attributes: str, content: str, error: tuple[str, ...]
) -> None:
    first.ask(HANDLE.format("moana-1"))

    assert first.refusal(handle_update("moana-1", content, attributes=attributes)) == error
    assert first_of(details(first), "Handle").get("Name") == "Moana Example"
