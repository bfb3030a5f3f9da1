"""``<domain:renew>``: the client must know when the domain expires, by either calendar."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from srs_epp.srs import times
from srs_epp.srs.actions import DomainUpdate, Whois
from srs_epp.srs.results import Result
from tests.epp import documents
from tests.support import records
from tests.support.mappings import SERVER_TRID, Dialogue, run

NAME = "kakapo.co.nz"
EXPIRY = datetime(2020, 3, 5, 9, 7, 2, tzinfo=times.NEW_ZEALAND)  # in UTC it is the day before
LATER = datetime(2021, 3, 5, 9, 7, 2, tzinfo=times.NEW_ZEALAND)


def renew(day: str = "2020-03-04", period: str = "", cltrid: str = "TEST-0001") -> str:
    inner = f"<domain:name>{NAME}</domain:name><domain:curExpDate>{day}</domain:curExpDate>{period}"
    return documents.domain("renew", inner, cltrid=cltrid)


def period(number: int, unit: str) -> str:
    return f'<domain:period unit="{unit}">{number}</domain:period>'


def found(expiry: datetime | None = EXPIRY, status: str = "Active") -> list[Result]:
    return [records.result(records.domain(NAME, status, billed_until=expiry))]


def ordered(dialogue: Dialogue) -> DomainUpdate:
    [action] = dialogue.asked[1]
    assert isinstance(action, DomainUpdate)
    return action


def test_a_renewal_looks_for_the_expiry_and_then_renews() -> None:
    dialogue = run(renew(period=period(2, "y")), found(), found(LATER))

    assert dialogue.answer.code == 1000
    assert dialogue.asked == [
        [Whois(NAME)],
        [DomainUpdate(action_id="TEST-0001", name=NAME, renew=True, term=24)],
    ]


def test_the_answer_is_the_name_and_the_new_expiry() -> None:
    answer = run(renew(), found(), found(LATER)).answer

    assert answer.text("//domain:renData/domain:name") == NAME
    assert answer.text("//domain:renData/domain:exDate") == "2021-03-04T20:07:02Z"


def test_an_answer_without_an_expiry_shows_none() -> None:
    answer = run(renew(), found(), found(None)).answer

    assert (answer.code, answer.text("//domain:exDate")) == (1000, None)


@pytest.mark.parametrize(
    ("given", "months"), [(period(1, "y"), 12), (period(10, "y"), 120), (period(7, "m"), 7)]
)
def test_the_period_is_told_in_months(given: str, months: int) -> None:
    assert ordered(run(renew(period=given), found(), found(LATER))).term == months


def test_without_a_period_it_is_one_month() -> None:
    assert ordered(run(renew(), found(), found(LATER))).term == 1


def test_without_a_period_it_is_what_the_settings_say() -> None:
    assert ordered(run(renew(), found(), found(LATER), settings={"default_period": 12})).term == 12


@pytest.mark.parametrize("day", ["2020-03-04", "2020-03-05", "2020-03-05+13:00", "2020-03-04Z"])
def test_the_day_is_that_of_utc_or_of_the_registrys_offset(day: str) -> None:
    assert run(renew(day), found(), found(LATER)).answer.code == 1000


@pytest.mark.parametrize(
    "day", ["2020-03-03", "2020-03-06", "2021-03-04", "2019-03-04", "12020-03-04", "-2020-03-04"]
)
def test_another_day_is_2304_with_the_day_in_utc(day: str) -> None:
    dialogue = run(renew(day), found())

    assert dialogue.answer.code == 2304
    assert dialogue.answer.reason == "Not close enough to current expiry date (2020-03-04)"
    assert dialogue.answer.value_text == day
    assert len(dialogue.asked) == 1


def test_a_domain_that_expires_at_no_time_is_2304() -> None:
    answer = run(renew(), found(None)).answer

    assert (answer.code, answer.reason) == (2304, "No expiry date")


def test_an_expiry_in_utc_has_one_day() -> None:
    expiry = datetime(2020, 3, 4, 12, tzinfo=UTC)

    assert run(renew("2020-03-05"), found(expiry)).answer.code == 2304


def test_a_domain_that_is_available_is_2303() -> None:
    dialogue = run(renew(), [records.result(records.domain(NAME, "Available", billed_until=None))])

    assert (dialogue.answer.code, dialogue.answer.value_text) == (2303, NAME)


def test_a_domain_that_whois_does_not_show_is_2303() -> None:
    assert run(renew(), [records.result()]).answer.code == 2303


def test_a_domain_that_went_meanwhile_is_2303() -> None:
    assert run(renew(), found(), [records.result()]).answer.code == 2303


def test_another_registrars_domain_is_2201() -> None:
    dialogue = run(renew(), found(), [records.refused("MISSING_MANDATORY_FIELD", "UDAI", "UDAI")])

    assert (dialogue.answer.code, dialogue.answer.value_text) == (2201, NAME)


def test_a_wrong_day_is_told_before_whose_domain_it_is() -> None:
    assert run(renew("2020-01-01"), found()).answer.code == 2304


@pytest.mark.parametrize(
    ("error_id", "details", "code"),
    [
        ("RENEWAL_EXCEEDS_MAX", ("2031-03-05", "120", NAME), 2306),
        ("TERM_EXCEEDS_MAX", ("120",), 2306),
        ("DOMAIN_INACTIVE", (NAME,), 2304),
        ("DOMAIN_LOCKED", (NAME,), 2304),
        ("RENEW_NOT_REQUIRED", (NAME,), 2304),
    ],
)
def test_a_refusal_of_the_registry_is_told(error_id: str, details: tuple[str, ...], code: int) -> None:
    answer = run(renew(), found(), [records.refused(error_id, "not so", *details)]).answer

    assert (answer.code, answer.message, answer.value_text) == (code, "not so", details[0])


def test_a_name_that_cannot_be_one_is_2005_and_nothing_is_asked() -> None:
    dialogue = run(renew().replace(NAME, "kākāpō.co.nz"))

    assert dialogue.answer.code == 2005
    assert dialogue.asked == []


def test_without_a_cltrid_the_servers_own_is_the_action_id() -> None:
    assert ordered(run(renew(cltrid=""), found(), found(LATER))).action_id == SERVER_TRID
