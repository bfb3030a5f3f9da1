"""Whois, the domain queries and DomainCreate: statements 11 to 18 and 30."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree

from srs_epp.srs.times import NEW_ZEALAND
from srs_epp.srs.values import Element
from tests.registry.client import CONTACT, HANDLE, Client, attributes_of, domain_create, first_of, stamp
from tests.registry.conftest import Sandbox

SERVERS = (
    '<NameServers><Server FQDN="ns1.example.net"/>'
    '<Server FQDN="ns2.kakapo.co.nz" IP4Addr="192.0.2.1" IP6Addr="2001:db8::1"/></NameServers>'
)
DIGEST = "00112233445566778899aabbccddeeff" * 2
DS = f'<DNSSEC><DS KeyTag="2371" Algorithm="8" DigestType="2"><Digest>{DIGEST}</Digest></DS></DNSSEC>'


def whois(client: Client, name: str, attributes: str = "") -> Element:
    return first_of(client.ask_one(f'<Whois DomainName="{name}"{attributes}/>'), "Domain")


def details(client: Client, fields: str = "", *, query: str = "", filters: str = "") -> Element:
    """The Response to a DomainDetailsQry."""
    field_list = f"<FieldList {fields}/>" if fields else ""
    return client.ask_one(f"<DomainDetailsQry{query}>{filters}{field_list}</DomainDetailsQry>")


def names(response: Element) -> list[str | None]:
    return [domain.get("DomainName") for domain in response.iterchildren("Domain")]


def tags(element: Element) -> list[str]:
    return [str(child.tag) for child in element]


def test_statement_11_whois_of_a_free_name_has_name_and_status_only(first: Client) -> None:
    domain = whois(first, "Kakapo.co.nz")

    assert attributes_of(domain) == {"DomainName": "kakapo.co.nz", "Status": "Available"}
    assert len(domain) == 0


def test_statement_11_short_whois_of_a_taken_name_has_name_and_status_only(
    first: Client, second: Client
) -> None:
    first.ask(domain_create("kakapo.co.nz", SERVERS))

    domain = whois(second, "kakapo.co.nz", ' FullResult="0"')

    assert attributes_of(domain) == {"DomainName": "kakapo.co.nz", "Status": "Active"}
    assert len(domain) == 0


@pytest.mark.parametrize(
    "name",
    [
        "x.te",
        "nz",
        "co.nz",
        "kakapo",
        "www.kakapo.co.nz",
        "www.kakapo.nz",
        "-kakapo.nz",
        "kakapo-.nz",
        "ka--kapo.nz",
        "ka_kapo.nz",
        "kakapo..nz",
        ".nz",
        "kakapo.nz.",
        "kākāpō.nz",
        "k" * 64 + ".nz",
        "",
        "*.nz",
    ],
)
def test_statement_11_whois_of_what_can_not_be_registered_is_refused(first: Client, name: str) -> None:
    assert first.refusal(f'<Whois DomainName="{name}"/>') == ("INVALID_FIELD", name, "DomainName")


def test_the_longest_label_and_a_label_of_digits_can_be_registered(first: Client) -> None:
    for name in ("k" * 63 + ".nz", "123.co.nz", "a.nz", "ka-kapo.geek.nz"):
        assert whois(first, name).get("Status") == "Available"


def test_statement_12_full_whois_shows_what_anybody_may_see(first: Client, second: Client) -> None:
    first.ask(domain_create("kakapo.co.nz", SERVERS + DS))

    domain = whois(second, "kakapo.co.nz")

    assert set(domain.attrib) == {"DomainName", "Status", "Delegate"}
    assert tags(domain) == [
        "NameServers",
        "DNSSEC",
        "RegistrantContact",
        "RegistrarPublicContact",
        "AdminContact",
        "TechnicalContact",
        "BilledUntil",
        "RegisteredDate",
        "AuditDetails",
    ]
    assert tags(domain[-1]) == ["AuditTime"]
    assert not domain[-1].attrib


def test_whois_shows_no_handle_and_keeps_what_is_private(first: Client, second: Client) -> None:
    first.ask(HANDLE.format("moana-1").replace(" HandleId", ' Privacy="1" HandleId'))
    first.ask(domain_create("kakapo.co.nz", '<AdminContact HandleId="moana-1"/>'))

    registrant, admin = (
        whois(second, "kakapo.co.nz").find(tag) for tag in ("RegistrantContact", "AdminContact")
    )

    assert registrant is not None
    assert admin is not None
    assert tags(registrant) == ["PostalAddress", "Phone"]
    assert attributes_of(admin) == {"Privacy": "1", "Name": "Moana Example", "Email": "moana@example.net"}
    assert len(admin) == 0


def test_statement_13_a_registrar_finds_its_own_domains_only(sandbox: Sandbox) -> None:
    sandbox.first.ask(domain_create("kakapo.co.nz") + domain_create("weka.nz"))
    wanted = "<DomainNameFilter>kakapo.co.nz</DomainNameFilter>"

    assert names(details(sandbox.first)) == ["kakapo.co.nz", "weka.nz"]
    assert names(details(sandbox.first, filters=wanted)) == ["kakapo.co.nz"]
    assert attributes_of(details(sandbox.second, filters=wanted)).get("Rows") == "0"
    assert names(details(sandbox.itself)) == ["kakapo.co.nz", "weka.nz"]  # by its role


FIELDS = {  # field, what it fills: an attribute, or the path of an element
    "Status": "@Status",
    "Delegate": "@Delegate",
    "Term": "@Term",
    "RegistrarId": "@RegistrarId",
    "RegistrarName": "@RegistrarName",
    "RegistrantRef": "@RegistrantRef",
    "NameServers": "NameServers",
    "DNSSEC": "DNSSEC",
    "RegistrantContact": "RegistrantContact",
    "AdminContact": "AdminContact",
    "TechnicalContact": "TechnicalContact",
    "RegisteredDate": "RegisteredDate",
    "BilledUntil": "BilledUntil",
    "DefaultContacts": "DefaultContacts",
    "LastActionId": "AuditDetails/@ActionId",
    "ChangedByRegistrarId": "AuditDetails/@RegistrarId",
    "EffectiveFrom": "AuditDetails/AuditTime/From",
    "AuditText": "AuditDetails/AuditText",
}


def shown(domain: Element) -> set[str]:
    """The fields that a Domain has."""
    return {field for field, path in FIELDS.items() if domain.xpath(path)}


@pytest.mark.parametrize("field", FIELDS)
def test_statement_13_exactly_the_fields_asked_for_are_returned(first: Client, field: str) -> None:
    first.ask(domain_create("kakapo.co.nz", SERVERS + DS, attributes=' RegistrantRef="r-1"'))

    [domain] = details(first, f'{field}="1"').iterchildren("Domain")

    assert domain.get("DomainName") == "kakapo.co.nz"
    assert shown(domain) == {field}


def test_statement_13_all_fields_can_be_asked_for(first: Client) -> None:
    first.ask(domain_create("kakapo.co.nz", SERVERS + DS, attributes=' RegistrantRef="r-1"'))

    asked = " ".join(f'{field}="1"' for field in (*FIELDS, "LockedDate", "CancelledDate"))
    [domain] = details(first, asked).iterchildren("Domain")

    assert shown(domain) == set(FIELDS)
    assert domain.get("UDAI") is None


def test_statement_13_without_a_field_list_name_and_status_are_returned(first: Client) -> None:
    first.ask(domain_create("kakapo.co.nz", SERVERS))

    [domain] = details(first).iterchildren("Domain")

    assert attributes_of(domain) == {"DomainName": "kakapo.co.nz", "Status": "Active"}
    assert len(domain) == 0


def test_dnssec_that_is_asked_for_and_absent_is_an_empty_element(first: Client) -> None:
    first.ask(domain_create("kakapo.co.nz"))

    [domain] = details(first, 'NameServers="1" DNSSEC="1" LockedDate="1"').iterchildren("Domain")

    assert tags(domain) == ["DNSSEC"]
    assert len(domain[0]) == 0


def test_statement_14_effective_from_is_the_time_of_creation_at_first(first: Client) -> None:
    first.ask(domain_create("kakapo.co.nz"))

    [domain] = details(first, 'EffectiveFrom="1" RegisteredDate="1"').iterchildren("Domain")

    changed = first_of(domain, "AuditDetails/AuditTime/From")
    assert stamp(changed) == stamp(first_of(domain, "RegisteredDate"))


def test_statement_15_results_come_in_pages_of_a_stable_order(first: Client) -> None:
    first.ask("".join(domain_create(f"{letter}.nz") for letter in "dbeac"))

    one = details(first, query=' MaxResults="2"')
    two = details(first, query=' MaxResults="2" SkipResults="2"')
    three = details(first, query=' MaxResults="2" SkipResults="4"')
    exact = details(first, query=' MaxResults="5"')
    none = details(first, query=' MaxResults="0"')

    assert [names(page) for page in (one, two, three)] == [["a.nz", "b.nz"], ["c.nz", "d.nz"], ["e.nz"]]
    assert [page.get("Rows") for page in (one, two, three, none)] == ["2", "2", "1", "0"]
    more = [page.get("MoreRowsAvailable") for page in (one, two, three, exact, none)]
    assert more == ["1", "1", None, None, "1"]


def test_statement_15_results_can_be_counted(first: Client) -> None:
    first.ask("".join(domain_create(f"{letter}.nz") for letter in "abc"))

    counted = details(first, query=' CountResults="1"', filters="<DomainNameFilter>?.nz</DomainNameFilter>")

    assert (counted.get("Count"), names(counted)) == ("3", [])


@pytest.mark.parametrize("parameter", ["MaxResults", "SkipResults"])
def test_counting_excludes_pages(first: Client, parameter: str) -> None:
    query = f'<DomainDetailsQry CountResults="1" {parameter}="1"/>'

    assert first.refusal(query) == ("CONFLICTING_RESULTS_PARAMETERS",)


@pytest.mark.parametrize("number", ["-1", "two", "1.5", "9" * 5000])
def test_pages_are_counted_in_whole_numbers(first: Client, number: str) -> None:
    assert first.refusal(f'<DomainDetailsQry MaxResults="{number}"/>') == (
        "INVALID_FIELD",
        number,
        "MaxResults",
    )


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["kakapo.co.nz"], ["kakapo.co.nz"]),
        (["KAKAPO.co.nz", "weka.nz"], ["kakapo.co.nz", "weka.nz"]),
        (["*.nz"], ["kakapo.co.nz", "kea.nz", "weka.nz"]),
        (["k*.nz"], ["kea.nz"]),  # the star does not cross a dot
        (["k*.*.nz"], ["kakapo.co.nz"]),
        (["?e?.nz"], ["kea.nz"]),
        (["k?kapo.co.nz", "none.nz"], ["kakapo.co.nz"]),
        (["kakapo.co.n"], []),
        (["*" * 200 + "z", "kea.nz"], ["kakapo.co.nz", "kea.nz", "weka.nz"]),
    ],
)
def test_names_are_found_by_wildcards(first: Client, wanted: list[str], found: list[str]) -> None:
    first.ask(domain_create("kakapo.co.nz") + domain_create("kea.nz") + domain_create("weka.nz"))

    filters = "".join(f"<DomainNameFilter>{name}</DomainNameFilter>" for name in wanted)
    assert names(details(first, filters=filters)) == found


@pytest.mark.parametrize(
    ("query", "filters"),
    [
        (' Status="Active"', ""),
        (' Delegate="0"', ""),
        (' Term="1" RegistrantRef="r-1"', ""),
        ("", '<NameServerFilter><ServerFilter FQDN="NS1.*.net"/></NameServerFilter>'),
        ("", '<NameServerFilter><ServerFilter IP4Addr="192.0.2.1" IP6Addr="2001:*"/></NameServerFilter>'),
        ("", '<DNSSECFilter><DSFilter KeyTag="2371" Algorithm="8"/></DNSSECFilter>'),
        ("", f'<DNSSECFilter><DSFilter DigestType="2"><Digest>{DIGEST}</Digest></DSFilter></DNSSECFilter>'),
        ("", '<RegistrantContactFilter Name="moana*"/>'),
        ("", '<AdminContactFilter HandleId="moana-1"><Phone AreaCode="3"/></AdminContactFilter>'),
        ("", '<TechnicalContactFilter><PostalAddressFilter City="wellington"/></TechnicalContactFilter>'),
        ("", "<RegisteredDateRange/>"),
        ("", "<AuditTextFilter>the f?rst</AuditTextFilter><ActionIdFilter>kakapo.co.nz</ActionIdFilter>"),
    ],
)
def test_domains_are_found_by_their_fields(first: Client, query: str, filters: str) -> None:
    first.ask(HANDLE.format("moana-1"))
    more = f'<AdminContact HandleId="moana-1"/>{SERVERS}{DS}<AuditText>the first</AuditText>'
    first.ask(domain_create("kakapo.co.nz", more, attributes=' Delegate="0" RegistrantRef="r-1"'))

    assert names(details(first, query=query, filters=filters)) == ["kakapo.co.nz"]


@pytest.mark.parametrize(
    ("query", "filters"),
    [
        (' Status="PendingRelease"', ""),
        (' Delegate="0"', ""),
        (' Term="2"', ""),
        (' RegistrantRef="r-2"', ""),
        ("", '<NameServerFilter><ServerFilter FQDN="ns1.example.org"/></NameServerFilter>'),
        ("", '<NameServerFilter><ServerFilter FQDN="ns1.example.net" IP4Addr="*"/></NameServerFilter>'),
        ("", '<DNSSECFilter><DSFilter KeyTag="2372"/></DNSSECFilter>'),
        ("", '<RegistrantContactFilter Name="moana"/>'),
        ("", '<RegistrantContactFilter Privacy="1"/>'),
        ("", '<AdminContactFilter HandleId="*"/>'),
        ("", "<LockedDateRange/>"),
        ("", "<CancelledDateRange/>"),
        ("", "<AuditTextFilter>the second</AuditTextFilter>"),
    ],
)
def test_domains_are_not_found_by_other_fields(first: Client, query: str, filters: str) -> None:
    first.ask(domain_create("kakapo.co.nz", SERVERS + DS))

    assert names(details(first, query=query, filters=filters)) == []


DAY = '<{0} Year="2019" Month="7" Day="{1}" Hour="0" Minute="0"/>'


def test_domains_are_found_by_dates(sandbox: Sandbox) -> None:
    for day in (1, 3):
        sandbox.registry.clock.set(datetime(2019, 7, day, 5, tzinfo=UTC))
        sandbox.first.ask(domain_create(f"day-{day}.nz"))

    def found(bounds: str) -> list[str | None]:
        return names(details(sandbox.first, filters=f"<RegisteredDateRange>{bounds}</RegisteredDateRange>"))

    assert found(DAY.format("From", 2)) == ["day-3.nz"]
    assert found(DAY.format("To", 2)) == ["day-1.nz"]
    assert found(DAY.format("From", 1) + DAY.format("To", 4)) == ["day-1.nz", "day-3.nz"]
    assert found(DAY.format("From", 4)) == []


@pytest.mark.parametrize(
    "bounds",
    [
        DAY.format("From", 3) + DAY.format("To", 2),
        DAY.format("From", 32),
        DAY.format("From", "x"),
        DAY.format("From", 1).replace("2019", "10000"),
    ],
)
def test_a_date_range_must_make_sense(first: Client, bounds: str) -> None:
    query = f"<DomainDetailsQry><BilledUntilDateRange>{bounds}</BilledUntilDateRange></DomainDetailsQry>"

    assert first.refusal(query) == ("INVALID_DATE_RANGE", "BilledUntilDateRange")


def test_too_many_filters_are_refused(first: Client) -> None:
    query = f"<DomainDetailsQry>{'<DomainNameFilter>a.nz</DomainNameFilter>' * 1001}</DomainDetailsQry>"

    error = first.refusal(query)

    assert error == ("NUMBER_OF_FILTERS_EXCEEDS_MAX", "1001", "DomainNameFilter", "1000")


def test_statement_16_create_returns_the_whole_domain_with_its_udai(first: Client) -> None:
    response = first.ask_one(domain_create("Kakapo.co.nz", SERVERS + DS))
    domain = first_of(response, "Domain")

    assert response.get("Rows") is None
    udai = str(domain.get("UDAI"))
    assert re.fullmatch("[a-zA-Z2-9]{8}", udai)
    assert not set(udai) & set("iloILO")
    assert attributes_of(domain) == {
        "DomainName": "kakapo.co.nz",
        "Status": "Active",
        "Delegate": "1",
        "Term": "1",
        "RegistrarId": "90",
        "UDAI": udai,
    }
    assert [attributes_of(server) for server in first_of(domain, "NameServers")] == [
        {"FQDN": "ns1.example.net"},
        {"FQDN": "ns2.kakapo.co.nz", "IP4Addr": "192.0.2.1", "IP6Addr": "2001:db8::1"},
    ]
    assert first_of(domain, "DNSSEC/DS/Digest").text == DIGEST
    assert attributes_of(first_of(domain, "AuditDetails")) == {
        "RegistrarId": "90",
        "ActionId": "Kakapo.co.nz",
    }


@pytest.mark.parametrize(
    ("registered", "months", "until"),
    [
        ((2019, 1, 31, 9), 1, ("2019", "2", "28", "09", "00", "00", "+13:00")),
        ((2020, 1, 31, 9), 1, ("2020", "2", "29", "09", "00", "00", "+13:00")),
        ((2020, 2, 29, 9), 12, ("2021", "2", "28", "09", "00", "00", "+13:00")),
        ((2019, 3, 31, 9), 6, ("2019", "9", "30", "09", "00", "00", "+13:00")),
        ((2019, 8, 15, 9), 120, ("2029", "8", "15", "09", "00", "00", "+12:00")),
        ((2019, 12, 1, 0), 1, ("2020", "1", "01", "00", "00", "00", "+13:00")),
        # 02:30 on this day is left out by the change to summer time
        ((2019, 8, 29, 2.5), 1, ("2019", "9", "29", "03", "30", "00", "+13:00")),
    ],
)
def test_statement_16_billed_until_is_months_later_in_local_time(
    sandbox: Sandbox, registered: tuple[int, int, int, float], months: int, until: tuple[str, ...]
) -> None:
    year, month, day, hour = registered
    moment = datetime(year, month, day, tzinfo=NEW_ZEALAND) + timedelta(hours=hour)
    sandbox.registry.clock.set(moment)

    order = domain_create("kakapo.co.nz").replace('Term="12"', f'Term="{months}"')
    domain = first_of(sandbox.first.ask_one(order), "Domain")

    # some seconds may pass between setting the clock and asking: those are not compared
    assert stamp(first_of(domain, "BilledUntil"))[:5] == until[:5]
    assert stamp(first_of(domain, "BilledUntil"))[6] == until[6]


def test_a_udai_is_shown_by_nothing_but_the_answer_that_made_it(sandbox: Sandbox) -> None:
    udai = str(first_of(sandbox.first.ask_one(domain_create("kakapo.co.nz")), "Domain").get("UDAI"))

    all_fields = " ".join(f'{field}="1"' for field in FIELDS)
    query = (
        f'<DomainDetailsQry><FieldList {all_fields}/></DomainDetailsQry><Whois DomainName="kakapo.co.nz"/>'
    )
    for client in (sandbox.itself, sandbox.first, sandbox.second):
        assert udai.encode() not in etree.tostring(client.ask(query))


def test_a_udai_is_valid_for_its_domain_only(first: Client, second: Client) -> None:
    made = first.ask(domain_create("kakapo.co.nz") + domain_create("weka.nz"))
    udai = str(first_of(made[0], "Domain").get("UDAI"))

    def valid(name: str, given: str) -> str | None:
        query = f'<UDAIValidQry DomainName="{name}" UDAI="{given}"/>'
        return first_of(second.ask_one(query), "UDAIValid").get("Valid")

    assert valid("kakapo.co.nz", udai) == valid("KAKAPO.co.nz", udai) == "1"
    assert valid("weka.nz", udai) == "0"
    assert valid("kea.nz", udai) == "0"
    assert valid("kakapo.co.nz", udai.swapcase()) == "0"
    assert valid("kakapo.co.nz", "") == "0"
    assert second.refusal('<UDAIValidQry DomainName="x.te" UDAI="x"/>') == (
        "INVALID_FIELD",
        "x.te",
        "DomainName",
    )


def test_a_udai_expires(sandbox: Sandbox) -> None:
    udai = first_of(sandbox.first.ask_one(domain_create("kakapo.co.nz")), "Domain").get("UDAI")
    query = f'<UDAIValidQry DomainName="kakapo.co.nz" UDAI="{udai}"/>'

    sandbox.registry.clock.move(timedelta(days=29))
    assert first_of(sandbox.first.ask_one(query), "UDAIValid").get("Valid") == "1"
    sandbox.registry.clock.move(timedelta(days=1, hours=1))
    assert first_of(sandbox.first.ask_one(query), "UDAIValid").get("Valid") == "0"


def test_statement_17_contacts_that_are_left_out_have_defaults(first: Client) -> None:
    domain = first_of(first.ask_one(domain_create("kakapo.co.nz")), "Domain")
    registrar = first_of(first.ask_one("<RegistrarDetailsQry/>"), "Registrar")

    def content(element: Element) -> tuple[dict[str, str], list[dict[str, str]]]:
        return attributes_of(element), [attributes_of(child) for child in element]

    assert content(first_of(domain, "AdminContact")) == content(first_of(domain, "RegistrantContact"))
    default = first_of(registrar, "DefaultTechnicalContact")
    assert content(first_of(domain, "TechnicalContact")) == content(default)


def test_a_default_contact_names_no_handle(first: Client) -> None:
    first.ask(HANDLE.format("moana-1"))
    order = '<DomainCreate ActionId="by-1" DomainName="weka.co.nz" Term="1">{}</DomainCreate>'

    domain = first_of(first.ask_one(order.format('<RegistrantContact HandleId="moana-1"/>')), "Domain")

    assert first_of(domain, "RegistrantContact").get("HandleId") == "moana-1"
    assert first_of(domain, "AdminContact").get("HandleId") is None
    assert first_of(domain, "AdminContact").get("Name") == "Moana Example"


def test_statement_17_an_empty_contact_is_left_out_too(first: Client) -> None:
    first.ask(domain_create("kakapo.co.nz", "<AdminContact/><TechnicalContact/>"))

    [domain] = details(first, 'DefaultContacts="1"').iterchildren("Domain")

    assert attributes_of(domain[0]) == {"AdminContact": "1", "TechnicalContact": "1"}


def test_a_contact_by_handle_comes_back_with_its_fields(first: Client) -> None:
    first.ask(HANDLE.format("moana-1"))
    order = domain_create("kakapo.co.nz", '<TechnicalContact HandleId="moana-1"/>')

    technical = first_of(first.ask_one(order), "Domain/TechnicalContact")

    assert attributes_of(technical) == {
        "HandleId": "moana-1",
        "ActionId": "moana-1",
        "Name": "Moana Example",
        "Email": "moana@example.net",
    }
    assert tags(technical) == ["PostalAddress", "Phone"]


def test_statement_18_a_taken_name_is_refused(first: Client, second: Client) -> None:
    first.ask(domain_create("kakapo.co.nz"))

    for client in (first, second):
        error = client.refusal(domain_create("KAKAPO.co.nz", action_id="again"))
        assert error == ("DOMAIN_ALREADY_EXISTS", "kakapo.co.nz")


@pytest.mark.parametrize(
    ("term", "error"),
    [
        ("121", ("TERM_EXCEEDS_MAX", "120")),
        ("999999999", ("TERM_EXCEEDS_MAX", "120")),
        ("0", ("INVALID_FIELD", "0", "Term")),
        ("-1", ("INVALID_FIELD", "-1", "Term")),
        ("one", ("INVALID_FIELD", "one", "Term")),
        ("²", ("INVALID_FIELD", "²", "Term")),
        ("9" * 5000, ("INVALID_FIELD", "9" * 5000, "Term")),
        ("", ("MISSING_MANDATORY_FIELD", "Term", "DomainCreate")),
    ],
)
def test_statement_18_the_term_has_bounds(first: Client, term: str, error: tuple[str, ...]) -> None:
    assert first.refusal(domain_create("kakapo.co.nz").replace('Term="12"', f'Term="{term}"')) == error


@pytest.mark.parametrize("tag", ["RegistrantContact", "AdminContact", "TechnicalContact"])
def test_statement_18_an_unknown_handle_is_refused_by_its_element(
    first: Client, second: Client, tag: str
) -> None:
    second.ask(HANDLE.format("moana-1"))  # another registrar's handle is none
    order = domain_create("kakapo.co.nz", f'<{tag} HandleId="moana-1"/>')
    if tag == "RegistrantContact":
        contact = f'<{tag} HandleId="moana-1"/>'
        order = f'<DomainCreate ActionId="a" DomainName="a.nz" Term="1">{contact}</DomainCreate>'

    assert first.refusal(order) == ("HANDLE_DOES_NOT_EXIST", tag)


def test_a_contact_is_a_handle_or_fields(first: Client) -> None:
    first.ask(HANDLE.format("moana-1"))
    both = CONTACT.format("AdminContact", "Moana").replace(" Name", ' HandleId="moana-1" Name')

    assert first.refusal(domain_create("kakapo.co.nz", both)) == ("HANDLE_ID_WITH_CONTACT_FIELDS",)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (' Name="Moana Example"', "", ("MISSING_MANDATORY_FIELD", "Name", "RegistrantContact")),
        (' Email="contact@example.net"', "", ("MISSING_MANDATORY_FIELD", "Email", "RegistrantContact")),
        (' City="Nelson"', ' City=" "', ("MISSING_MANDATORY_FIELD", "City", "PostalAddress")),
        (' LocalNumber="5550100"', "", ("MISSING_MANDATORY_FIELD", "LocalNumber", "Phone")),
        ("contact@example.net", "example.net", ("INVALID_FIELD", "example.net", "Email")),
        ("contact@example.net", "a b@example.net", ("INVALID_FIELD", "a b@example.net", "Email")),
        ("contact@example.net", "a@", ("INVALID_FIELD", "a@", "Email")),
        ('CountryCode="NZ"', 'CountryCode="NZL"', ("INVALID_FIELD", "NZL", "CountryCode")),
        ('CountryCode="64"', 'CountryCode="+64"', ("INVALID_FIELD", "+64", "CountryCode")),
    ],
)
def test_a_contact_has_mandatory_fields_of_the_right_form(
    first: Client, old: str, new: str, error: tuple[str, ...]
) -> None:
    order = domain_create("kakapo.co.nz")
    assert old in order

    assert first.refusal(order.replace(old, new)) == error


def test_a_fax_is_whole_or_not_there(first: Client) -> None:
    half = domain_create("kakapo.co.nz", action_id="half").replace(
        "</RegistrantContact>", '<Fax LocalNumber="1"/></RegistrantContact>'
    )
    empty = domain_create("kakapo.co.nz").replace("</RegistrantContact>", "<Fax/></RegistrantContact>")

    assert first.refusal(half) == ("MISSING_MANDATORY_FIELD", "CountryCode", "Fax")
    assert first_of(first.ask_one(empty), "Domain/RegistrantContact").find("Fax") is None


def test_an_empty_registrant_is_missing(first: Client) -> None:
    order = '<DomainCreate ActionId="a" DomainName="a.nz" Term="1"><RegistrantContact/></DomainCreate>'

    assert first.refusal(order) == ("MISSING_MANDATORY_FIELD", "RegistrantContact", "DomainCreate")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("kakapo.te", ("INVALID_CCTLD", "kakapo.te")),
        ("example.com", ("INVALID_CCTLD", "example.com")),
        ("co.nz", ("INVALID_FIELD", "co.nz", "DomainName")),
        ("www.kakapo.nz", ("INVALID_FIELD", "www.kakapo.nz", "DomainName")),
        ("-.nz", ("INVALID_FIELD", "-.nz", "DomainName")),
        ("", ("MISSING_MANDATORY_FIELD", "DomainName", "DomainCreate")),
    ],
)
def test_only_a_name_under_a_zone_can_be_created(first: Client, name: str, error: tuple[str, ...]) -> None:
    assert first.refusal(domain_create(name, action_id="a")) == error


def test_the_registry_s_jobs_hold_no_domains(itself: Client) -> None:
    response = itself.ask_one(domain_create("kakapo.co.nz"), attributes=' RegistrarId="50"')

    assert response[-1].get("ErrorId") == "DOMAIN_ASSIGNED_TO_NON_REGISTRAR"


MACRON = "xn--mori-qsa.nz"  # māori


def test_an_internationalised_name_is_shown_in_both_forms(first: Client) -> None:
    order = domain_create(MACRON, attributes=' DomainNameUnicode="Māori.nz" DomainNameLanguage="mi"')

    domain = first_of(first.ask_one(order), "Domain")

    assert domain.get("DomainName") == MACRON
    assert domain.get("DomainNameUnicode") == "māori.nz"
    assert domain.get("DomainNameUnicodeHex") == "m<U+0101>ori.nz"
    assert domain.get("DomainNameLanguage") == "mi"


def punycode(label: str) -> str:
    return f"xn--{label.encode('punycode').decode()}.nz"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (punycode("bücher"), "IDN_INVALID_CHARACTER"),
        (punycode("mĀori"), "IDN_INVALID_CHARACTER"),
        ("xn--maori-.nz", "INVALID_FIELD"),
        ("xn--a.nz", "IDN_INVALID_CHARACTER"),
        (punycode("-āa"), "IDN_INVALID_DOMAINNAME"),
        ("xn--99999999999.nz", "IDN_MALFORMED_DOMAINNAME"),
        ("xn--0.nz", "IDN_MALFORMED_DOMAINNAME"),
    ],
)
def test_an_internationalised_name_must_be_right(first: Client, name: str, error: str) -> None:
    assert first.refusal(domain_create(name))[0] == error
    assert first.refusal(f'<Whois DomainName="{name}"/>')[0] == error


def test_both_forms_must_agree(first: Client) -> None:
    other = domain_create(MACRON, attributes=' DomainNameUnicode="maori.nz"')
    plain = domain_create("maori-2.nz", attributes=' DomainNameUnicode="māori-2.nz"')

    assert first.refusal(other) == ("IDN_UNICODE_MISMATCH", MACRON, "maori.nz")
    assert first.refusal(plain) == ("IDN_UNICODE_MISMATCH", "maori-2.nz", "māori-2.nz")


@pytest.mark.parametrize("given", ["m_ori.nz", "maori..nz", "mäori.nz", "māori .nz"])
def test_the_unicode_form_must_be_a_name(first: Client, given: str) -> None:
    order = domain_create(MACRON, attributes=f' DomainNameUnicode="{given}"')

    assert first.refusal(order) == ("IDN_INVALID_UNICODE", MACRON, given)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x.te", "Not in a zone of this registry"),
        ("www.kakapo.co.nz", "Not in a zone of this registry"),
        ("co.nz", "A zone of this registry itself"),
        ("-x.nz", "Not a valid domain name"),
        ("ka--kapo.nz", "Not a valid domain name"),
        (punycode("bücher"), "A character is not allowed here"),
        (punycode("-āa"), "Not a valid xn-- name"),
        ("xn--0.nz", "Not a well-formed xn-- name"),
    ],
)
def test_the_reason_against_a_name_fits_into_a_domain_check(first: Client, name: str, reason: str) -> None:
    error = first_of(first.ask_one(f'<Whois DomainName="{name}"/>'), "Error")

    assert error.findtext("Description") == reason
    assert len(reason) <= 32


def servers(*each: str) -> str:
    return "<NameServers>" + "".join(f"<Server {one}/>" for one in each) + "</NameServers>"


def ds(key_tag: str = "1", algorithm: str = "8", digest_type: str = "2", digest: str = DIGEST) -> str:
    return (
        f'<DS KeyTag="{key_tag}" Algorithm="{algorithm}" DigestType="{digest_type}">'
        f"<Digest>{digest}</Digest></DS>"
    )


@pytest.mark.parametrize(
    ("more", "error"),
    [
        (
            servers('FQDN="ns.example.net" IP4Addr="192.0.2.1"'),
            ("IP4ADDR_NOT_ALLOWED", "192.0.2.1", "ns.example.net", "kakapo.co.nz"),
        ),
        (
            servers('FQDN="ns.example.net" IP6Addr="2001:db8::1"'),
            ("IP6ADDR_NOT_ALLOWED", "2001:db8::1", "ns.example.net", "kakapo.co.nz"),
        ),
        (
            servers('FQDN="ns.notkakapo.co.nz" IP4Addr="192.0.2.1"'),
            ("IP4ADDR_NOT_ALLOWED", "192.0.2.1", "ns.notkakapo.co.nz", "kakapo.co.nz"),
        ),
        (
            servers('FQDN="NS.kakapo.co.nz"'),
            ("SELF_SERVING_DNS_VIOLATION", "kakapo.co.nz", "ns.kakapo.co.nz"),
        ),
        (
            servers('FQDN="ns.example.net"', 'FQDN="NS.example.net"'),
            ("NAME_SERVER_DUPLICATION", "ns.example.net", "kakapo.co.nz"),
        ),
        (
            servers(*(f'FQDN="ns{number}.example.net"' for number in range(11))),
            ("NAMESERVERS_EXCEEDED_MAX", "10"),
        ),
        (servers('FQDN="ns_.example.net"'), ("INVALID_FIELD", "ns_.example.net", "FQDN")),
        (servers('FQDN="localhost"'), ("INVALID_FIELD", "localhost", "FQDN")),
        (servers('FQDN=""'), ("MISSING_MANDATORY_FIELD", "FQDN", "Server")),
        (
            servers('FQDN="ns.kakapo.co.nz" IP4Addr="192.0.2.256"'),
            ("INVALID_FIELD", "192.0.2.256", "IP4Addr"),
        ),
        (servers('FQDN="ns.kakapo.co.nz" IP6Addr="fe80::1%1"'), ("INVALID_FIELD", "fe80::1%1", "IP6Addr")),
        (SERVERS + f"<DNSSEC>{ds() * 11}</DNSSEC>", ("DNSSEC_KEYS_EXCEEDED_MAX", "10")),
        (DS, ("MISSING_MANDATORY_FIELD", "NameServers", "DNSSEC")),
        (SERVERS + f"<DNSSEC>{ds('65536')}</DNSSEC>", ("INVALID_FIELD", "65536", "KeyTag")),
        (SERVERS + f"<DNSSEC>{ds('-1')}</DNSSEC>", ("INVALID_FIELD", "-1", "KeyTag")),
        (SERVERS + f"<DNSSEC>{ds(algorithm='1')}</DNSSEC>", ("INVALID_FIELD", "1", "Algorithm")),
        (SERVERS + f"<DNSSEC>{ds(digest_type='3')}</DNSSEC>", ("INVALID_FIELD", "3", "DigestType")),
        (SERVERS + f"<DNSSEC>{ds(digest_type='1')}</DNSSEC>", ("INVALID_FIELD", DIGEST, "Digest")),
        (SERVERS + f"<DNSSEC>{ds(digest='g' * 64)}</DNSSEC>", ("INVALID_FIELD", "g" * 64, "Digest")),
    ],
)
def test_statement_30_delegations_that_can_not_work_are_refused(
    first: Client, more: str, error: tuple[str, ...]
) -> None:
    assert first.refusal(domain_create("kakapo.co.nz", more)) == error
    assert whois(first, "kakapo.co.nz").get("Status") == "Available"


def test_statement_30_ten_servers_and_ten_ds_are_accepted(first: Client) -> None:
    ten = servers(*(f'FQDN="ns{number}.example.net"' for number in range(10)))

    domain = first_of(
        first.ask_one(domain_create("kakapo.co.nz", f"{ten}<DNSSEC>{ds() * 10}</DNSSEC>")), "Domain"
    )

    assert len(first_of(domain, "NameServers")) == len(first_of(domain, "DNSSEC")) == 10
