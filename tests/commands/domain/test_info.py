"""domain:info: one transaction, and the record in EPP's terms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from srs_epp.commands.domain.info import FIELDS
from srs_epp.epp.namespaces import DOMAIN, RGP, SECDNS
from srs_epp.epp.reader import Services
from srs_epp.srs.actions import DomainDetailsQry, UDAIValidQry, Whois
from srs_epp.srs.results import Domain, Result
from srs_epp.srs.values import DS, Server
from tests.epp import documents
from tests.support import records
from tests.support.answers import Answer
from tests.support.mappings import ALL_SERVICES, run

NAME = "kakapo.co.nz"
SERVERS = (Server("ns1.kakapo.co.nz", "192.0.2.1", "2001:DB8::1"), Server("ns.example.net"))
TAKEN = records.result(records.domain(NAME, registrar_id=None))


def info(hosts: str = "", auth_info: str = "") -> str:
    """The command."""
    attribute = f' hosts="{hosts}"' if hosts else ""
    secret = documents.SECRET.replace("2fooBAR", auth_info) if auth_info else ""
    return documents.domain("info", f"<domain:name{attribute}>{NAME}</domain:name>{secret}")


def shown(
    record: Domain,
    document: str = "",
    *,
    services: Services = ALL_SERVICES,
    registrar: int = 100,
    settings: Mapping[str, object] | None = None,
) -> Answer:
    """The answer for a domain of ours."""
    results = [TAKEN, records.result(record)]
    answer = run(
        document or info(), results, services=services, registrar=registrar, settings=settings
    ).answer
    assert answer.code == 1000
    return answer


# -- what is asked


def test_an_info_asks_whether_the_name_is_taken_and_what_it_is_in_one_transaction() -> None:
    dialogue = run(info(), [TAKEN, records.result(records.domain(NAME))])

    assert dialogue.asked == [[Whois(NAME, full=False), DomainDetailsQry(NAME, FIELDS)]]


def test_the_fields_asked_for_are_those_that_an_info_shows() -> None:
    assert set(FIELDS) == {
        "Status", "Delegate", "RegistrarId", "NameServers", "DNSSEC", "RegistrantContact", "AdminContact",
        "TechnicalContact", "RegisteredDate", "BilledUntil", "CancelledDate", "LockedDate", "EffectiveFrom",
        "AuditText", "ChangedByRegistrarId",
    }  # fmt: skip


def test_auth_info_is_asked_about_too() -> None:
    dialogue = run(
        info(auth_info="Hk7mNp2Q"), [TAKEN, records.result(records.domain(NAME)), records.udai_valid(True)]
    )

    assert dialogue.answer.code == 1000
    assert dialogue.asked[0][2] == UDAIValidQry(NAME, "Hk7mNp2Q")


# -- refusals


@pytest.mark.parametrize("found", [records.result(records.domain(NAME, "Available")), records.result()])
def test_a_name_that_nobody_has_is_2303(found: Result) -> None:
    answer = run(info(), [found, records.result()]).answer

    assert (answer.code, answer.value_text) == (2303, NAME)


def test_wrong_auth_info_is_2202() -> None:
    results = [TAKEN, records.result(records.domain(NAME)), records.udai_valid(False)]

    assert run(info(auth_info="Wr8ngAbc"), results).answer.code == 2202


def test_auth_info_that_can_be_no_udai_is_2202_without_asking_about_it() -> None:
    dialogue = run(info(auth_info="not-a-udai"), [TAKEN, records.result(records.domain(NAME))])

    assert dialogue.answer.code == 2202
    assert [type(action) for action in dialogue.asked[0]] == [Whois, DomainDetailsQry]


def test_wrong_auth_info_for_anothers_domain_is_2202_before_it_is_2201() -> None:
    results = [TAKEN, records.result(), records.udai_valid(False)]

    assert run(info(auth_info="Wr8ngAbc"), results).answer.code == 2202


def test_another_registrars_domain_is_2201() -> None:
    answer = run(info(), [TAKEN, records.result()]).answer

    assert (answer.code, answer.value_text) == (2201, NAME)


def test_another_registrars_domain_is_2201_even_with_the_right_auth_info() -> None:
    results = [TAKEN, records.result(), records.udai_valid(True)]

    assert run(info(auth_info="Hk7mNp2Q"), results).answer.code == 2201


def test_auth_info_for_a_name_that_nobody_has_is_2303() -> None:
    results = [records.result(records.domain(NAME, "Available")), records.result(), records.udai_valid(False)]

    assert run(info(auth_info="Wr8ngAbc"), results).answer.code == 2303


def test_the_first_of_several_errors_is_told() -> None:
    results = [records.refused("INVALID_CCTLD", "first"), records.refused("SYSTEM_OFFLINE", "second")]

    answer = run(info(), results).answer

    assert (answer.code, answer.message) == (2306, "first")


# -- the record


def test_the_least_record_is_shown() -> None:
    answer = shown(records.domain(NAME), services=chosen())

    assert answer.texts("//domain:infData/*") == [
        NAME, "16be0318f8d1-DOM", "", "100", "2019-03-04T20:07:02Z", "2020-03-04T20:07:02Z",
    ]  # fmt: skip
    assert answer.texts("//domain:status/@s") == ["inactive"]
    assert answer.texts("//epp:extension") == []


@pytest.mark.parametrize(("number", "shown_as"), [(1, "001"), (57, "057"), (100, "100"), (1234, "1234")])
def test_a_registrar_is_shown_with_three_digits_at_least(number: int, shown_as: str) -> None:
    assert shown(records.domain(NAME, registrar_id=number)).text("//domain:clID") == shown_as


def test_a_record_that_does_not_name_its_registrar_is_the_sessions() -> None:
    assert shown(records.domain(NAME, registrar_id=None), registrar=57).text("//domain:clID") == "057"


def test_contacts_are_shown_where_they_have_a_handle() -> None:
    answer = shown(
        records.domain(
            NAME,
            registrant="moana-1",
            admin="moana-2",
            tech="dns-team",
        )
    )

    assert answer.text("//domain:registrant") == "moana-1"
    assert answer.texts("//domain:contact/@type") == ["admin", "tech"]
    assert answer.texts("//domain:contact") == ["moana-2", "dns-team"]


def test_contacts_without_a_handle_are_not_shown() -> None:
    answer = shown(records.domain(NAME, registrant=None, admin=None, tech=None))

    assert answer.texts("//domain:registrant | //domain:contact") == []


@pytest.mark.parametrize(
    ("hosts", "visible"), [("", True), ("all", True), ("del", True), ("none", False), ("sub", False)]
)
def test_name_servers_are_shown_to_who_wants_to_see_them(hosts: str, visible: bool) -> None:
    answer = shown(records.domain(NAME, servers=SERVERS), info(hosts=hosts))

    assert bool(answer.texts("//domain:ns")) is visible
    assert answer.texts("//domain:status/@s") == ["ok"]


def test_name_servers_are_shown_with_their_addresses_as_they_are() -> None:
    answer = shown(records.domain(NAME, servers=SERVERS))

    assert answer.texts("//domain:hostName") == ["ns1.kakapo.co.nz", "ns.example.net"]
    assert answer.texts("//domain:hostAddr") == ["192.0.2.1", "2001:DB8::1"]
    assert answer.texts("//domain:hostAddr/@ip") == ["v4", "v6"]


def test_a_cancelled_domain_expires_when_it_is_released() -> None:
    cancelled = records.BILLED_UNTIL + timedelta(days=90)

    answer = shown(records.domain(NAME, "PendingRelease", cancelled=cancelled))

    assert answer.text("//domain:exDate") == "2020-06-02T21:07:02Z"


def test_a_cancelled_domain_without_a_date_of_release_shows_none() -> None:
    assert shown(records.domain(NAME, "PendingRelease")).texts("//domain:exDate") == []


def test_a_changed_domain_shows_when_and_by_whom() -> None:
    changed = records.audit(records.REGISTERED + timedelta(hours=1), 7)

    answer = shown(records.domain(NAME, audit=changed))

    assert answer.text("//domain:upID") == "007"
    assert answer.text("//domain:upDate") == "2019-03-04T21:07:02Z"


@pytest.mark.parametrize("audit", [records.audit(records.REGISTERED), records.audit(None)])
def test_a_domain_that_was_never_changed_shows_no_change(audit: object) -> None:
    answer = shown(records.domain(NAME, audit=audit))

    assert answer.texts("//domain:upID | //domain:upDate") == []


def test_a_change_by_nobody_shows_only_its_date() -> None:
    changed = records.audit(records.REGISTERED + timedelta(hours=1), None)

    answer = shown(records.domain(NAME, audit=changed))

    assert answer.texts("//domain:upID") == []
    assert answer.text("//domain:upDate") == "2019-03-04T21:07:02Z"


def test_a_udai_in_the_record_is_shown_as_auth_info() -> None:
    assert shown(records.domain(NAME, udai="Hk7mNp2Q")).text("//domain:authInfo/domain:pw") == "Hk7mNp2Q"


# -- extensions

DS_RECORDS = (DS(1, 5, 1, "1234abcd"), DS(4, 6, 2, "8888ffff"))


def chosen(*extensions: str) -> Services:
    return Services((str(DOMAIN),), tuple(map(str, extensions)))


def test_ds_records_are_shown_to_who_chose_the_extension() -> None:
    answer = shown(records.domain(NAME, ds=DS_RECORDS), services=chosen(SECDNS))

    assert answer.texts("//secDNS:dsData/*") == ["1", "5", "1", "1234abcd", "4", "6", "2", "8888ffff"]


@pytest.mark.parametrize(
    ("records_", "extensions"), [(DS_RECORDS, ()), (DS_RECORDS, (RGP,)), ((), (SECDNS,))]
)
def test_ds_records_are_not_shown_to_others_or_where_there_are_none(
    records_: tuple[DS, ...], extensions: tuple[str, ...]
) -> None:
    record = records.domain(NAME, ds=records_, registered=None)

    assert shown(record, services=chosen(*extensions)).texts("//epp:extension") == []


@pytest.mark.parametrize(
    ("status", "age", "expected"),
    [
        ("Active", timedelta(days=4), ["addPeriod"]),
        ("Active", timedelta(days=6), []),
        ("PendingRelease", timedelta(days=6), ["redemptionPeriod"]),
    ],
)
def test_grace_periods_are_shown_by_the_registrys_clock(
    status: str, age: timedelta, expected: list[str]
) -> None:
    # the time of every scripted answer is records.REGISTERED
    record = records.domain(NAME, status, registered=records.REGISTERED - age)

    assert shown(record, services=chosen(RGP)).texts("//rgp:rgpStatus/@s") == expected


def test_grace_periods_are_not_shown_to_who_did_not_choose_them() -> None:
    assert (
        shown(records.domain(NAME, "PendingRelease"), services=chosen(SECDNS)).texts("//epp:extension") == []
    )


def test_how_long_the_add_period_lasts_is_an_option() -> None:
    record = records.domain(NAME, registered=records.REGISTERED - timedelta(days=6))

    assert shown(record, services=chosen(RGP), settings={"grace_period": "7d"}).texts(
        "//rgp:rgpStatus/@s"
    ) == ["addPeriod"]


# -- captured answers


def test_a_captured_domain_with_name_servers_and_ds_is_told() -> None:
    answer = run(info(), records.captured("domain-details-with-name-servers-and-ds")).answer

    assert answer.code == 1000
    assert answer.text("//domain:name") == "cheese123.co.te"
    assert answer.texts("//domain:hostName") == [f"ns{n}.everydns.net" for n in (1, 2, 3, 4)]
    assert answer.texts("//domain:registrant | //domain:contact | //domain:upDate") == []
    assert answer.texts("//domain:crDate | //domain:exDate") == [
        "2007-11-19T06:45:02Z",
        "2011-11-19T06:45:02Z",
    ]
    assert answer.texts("//secDNS:keyTag") == ["1", "4"]
    assert answer.texts("//secDNS:digest")[0] == "1234abcd11111111111111111111111111111111"


def test_a_captured_domain_that_is_pending_release_is_told() -> None:
    answer = run(info(), records.captured("domain-details-pending-release")).answer

    assert answer.code == 1000
    assert answer.texts("//domain:status/@s") == ["pendingDelete"]
    assert answer.text("//domain:registrant") == "reg1"
    assert answer.texts("//domain:contact") == ["reg1"]
    assert answer.texts("//domain:contact/@type") == ["admin"]
    assert answer.texts("//domain:exDate | //domain:upID | //domain:upDate") == [
        "050", "2010-08-26T20:44:15Z", "2011-08-11T20:44:15Z",
    ]  # fmt: skip
    assert answer.texts("//rgp:rgpStatus/@s") == ["redemptionPeriod"]
