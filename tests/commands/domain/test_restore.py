"""``<rgp:update>``: a restore is done at once, and no report is awaited."""

from __future__ import annotations

import pytest

from srs_epp.srs.actions import DomainUpdate, Whois
from tests.epp import documents
from tests.support import records
from tests.support.mappings import SERVER_TRID, run

NAME = "example.co.nz"  # of documents.restored()
REQUEST = '<rgp:restore op="request"/>'
RESTORE = documents.restored(REQUEST)
PENDING = [records.result(records.domain(NAME, "PendingRelease"))]
ACTIVE = [records.result(records.domain(NAME))]


def beside(parts: str = "", *extensions: str, cltrid: str = "TEST-0001") -> str:
    """A restore with these parts of a domain:update, and these extensions, beside it."""
    restore = documents.payload("rgp", "update", REQUEST)
    return documents.domain("update", documents.NAME + parts, restore + "".join(extensions), cltrid=cltrid)


def test_a_restore_looks_at_the_domain_and_takes_the_cancellation_back() -> None:
    dialogue = run(RESTORE, PENDING, ACTIVE)

    assert dialogue.answer.code == 1000
    assert dialogue.asked == [
        [Whois(NAME, full=False)],
        [DomainUpdate(action_id="TEST-0001", name=NAME, cancel=False)],
    ]


def test_a_restore_is_complete_at_once_and_so_there_is_no_up_data() -> None:
    assert run(RESTORE, PENDING, ACTIVE).answer.texts("//epp:extension") == []


def test_a_restore_without_a_cltrid_is_known_by_the_servers_own() -> None:
    dialogue = run(beside(cltrid=""), PENDING, ACTIVE)

    assert dialogue.asked[1] == [DomainUpdate(action_id=SERVER_TRID, name=NAME, cancel=False)]


def test_a_domain_that_is_not_there_is_2303() -> None:
    answer = run(RESTORE, [records.result(records.domain(NAME, "Available"))]).answer

    assert (answer.code, answer.value_text) == (2303, NAME)


def test_a_domain_that_whois_does_not_show_is_2303() -> None:
    assert run(RESTORE, [records.result()]).answer.code == 2303


def test_a_domain_that_is_not_pending_release_is_2304() -> None:
    answer = run(RESTORE, ACTIVE).answer

    assert (answer.code, answer.reason) == (2304, "domain is not pending release")
    assert answer.value_text == NAME


def test_another_registrars_domain_is_2201() -> None:
    dialogue = run(RESTORE, PENDING, [records.refused("MISSING_MANDATORY_FIELD", "UDAI", "UDAI")])

    assert (dialogue.answer.code, dialogue.answer.value_text) == (2201, NAME)


def test_a_domain_that_was_released_meanwhile_is_2303() -> None:
    assert run(RESTORE, PENDING, [records.result()]).answer.code == 2303


def test_another_refusal_of_the_registry_is_told() -> None:
    answer = run(RESTORE, PENDING, [records.refused("DOMAIN_LOCKED", "it is locked", NAME)]).answer

    assert (answer.code, answer.message) == (2304, "it is locked")


def test_a_report_is_2304_and_nothing_is_asked() -> None:
    dialogue = run(documents.restored(documents.REPORT.format(more="")))

    assert (dialogue.answer.code, dialogue.answer.reason) == (2304, "no restore is pending")
    assert dialogue.asked == []


@pytest.mark.parametrize(
    "parts",
    [
        '<domain:add><domain:status s="clientHold"/></domain:add>',
        f"<domain:add>{documents.HOST_OBJECTS}</domain:add>",
        '<domain:rem><domain:contact type="admin">sh8013</domain:contact></domain:rem>',
        "<domain:chg><domain:registrant>sh8013</domain:registrant></domain:chg>",
        f"<domain:chg>{documents.SECRET}</domain:chg>",
    ],
)
def test_a_restore_beside_another_change_is_2306(parts: str) -> None:
    dialogue = run(beside(parts))

    assert (dialogue.answer.code, dialogue.answer.reason) == (
        2306,
        "restore cannot be combined with other changes",
    )
    assert "restore" in (dialogue.answer.value or "")
    assert dialogue.asked == []


def test_a_restore_beside_a_change_of_ds_records_is_2306() -> None:
    signing = documents.payload("secDNS", "update", f"<secDNS:add>{documents.DS}</secDNS:add>")

    assert run(beside("", signing)).answer.code == 2306


def test_a_report_beside_another_change_is_2306() -> None:
    report = documents.payload("rgp", "update", documents.REPORT.format(more=""))
    parts = f"{documents.NAME}<domain:chg>{documents.SECRET}</domain:chg>"

    assert run(documents.domain("update", parts, report)).answer.code == 2306


@pytest.mark.parametrize("parts", ["", "<domain:chg/>", "<domain:add/><domain:rem/><domain:chg/>"])
def test_a_restore_beside_empty_parts_is_done(parts: str) -> None:
    assert run(beside(parts), PENDING, ACTIVE).answer.code == 1000
