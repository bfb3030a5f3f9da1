"""contact:info: a handle of the registry in EPP's terms."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from srs_epp.srs.actions import HandleDetailsQry
from srs_epp.srs.results import Handle
from srs_epp.srs.values import Phone, PostalAddress
from tests.epp import documents
from tests.epp.documents import CONTACT_SECRET
from tests.support import records
from tests.support.answers import Answer
from tests.support.mappings import run

INFO = documents.contact("info", "<contact:id>moana-1</contact:id>")


def shown(handle: Handle) -> Answer:
    answer = run(INFO, [records.result(handle)]).answer
    assert answer.code == 1000
    return answer


def test_an_info_asks_for_the_handle() -> None:
    assert run(INFO, [records.result(records.handle())]).asked == [[HandleDetailsQry(("moana-1",))]]


def test_auth_info_is_2102_and_the_registry_not_asked() -> None:
    dialogue = run(documents.contact("info", f"<contact:id>moana-1</contact:id>{CONTACT_SECRET}"))

    assert dialogue.answer.code == 2102
    assert dialogue.asked == []
    assert "2fooBAR" not in dialogue.answer.xml


def test_a_handle_that_is_not_there_is_2303() -> None:
    answer = run(INFO, [records.result()]).answer

    assert (answer.code, answer.value_text) == (2303, "moana-1")


def test_the_least_handle_is_shown() -> None:
    answer = shown(records.handle(phone=None))

    assert answer.texts("//contact:infData/*[not(*)]") == [
        "moana-1", "a2fb1b2f552d-CON", "", "moana@example.net", "100", "100", "2019-03-04T20:07:02Z",
    ]  # fmt: skip
    assert answer.texts("//contact:status/@s") == ["ok"]
    assert answer.texts("//contact:postalInfo/@type") == ["int"]
    assert answer.texts("//contact:postalInfo//*[not(*)]") == [
        "Moana Example",
        "1 Acacia Ave",
        "Wellington",
        "NZ",
    ]


def test_a_whole_handle_is_shown() -> None:
    answer = shown(
        records.handle(
            address=PostalAddress("1 Acacia Ave", "Wellington", "NZ", "Kelburn", "Wgtn", "6012"),
            phone=Phone("64", "4", "123-456 ext 1"),
            fax=Phone("64", "4", "123457"),
        )
    )

    assert answer.texts("//contact:addr/*") == ["1 Acacia Ave", "Kelburn", "Wellington", "Wgtn", "6012", "NZ"]
    assert answer.texts("//contact:voice | //contact:voice/@x") == ["+64.4123456", "ext 1"]
    assert answer.texts("//contact:fax | //contact:fax/@x") == ["+64.4123457"]


def test_letters_beyond_ascii_make_the_address_local() -> None:
    answer = shown(records.handle(name="Mōana"))

    assert answer.texts("//contact:postalInfo/@type") == ["loc"]
    assert answer.text("//contact:name") == "Mōana"


def test_the_roid_is_made_of_registrar_and_handle() -> None:
    handles = [records.handle(), records.handle("moana-2"), replace(records.handle(), registrar_id=7)]

    assert len({shown(handle).text("//contact:roid") for handle in handles}) == 3


def test_a_telephone_number_that_epp_cannot_carry_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    answer = shown(records.handle(phone=Phone("64", "", "call me")))

    assert answer.texts("//contact:voice") == []
    assert "left out" in caplog.text


def test_a_private_handle_says_what_is_withheld() -> None:
    answer = shown(records.handle(privacy=True))

    assert answer.texts("//contact:disclose/@flag") == ["0"]
    assert answer.texts("//contact:disclose/contact:addr/@type") == ["int"]
    assert len(answer.texts("//contact:disclose/contact:voice | //contact:disclose/contact:fax")) == 2


@pytest.mark.parametrize("privacy", [False, None])
def test_a_handle_that_is_not_private_says_nothing_of_it(privacy: bool | None) -> None:
    assert shown(records.handle(privacy=privacy)).texts("//contact:disclose") == []


def test_a_changed_handle_shows_when_and_by_whom() -> None:
    changed = replace(records.handle(), audit=records.audit(records.REGISTERED + timedelta(hours=1), 7))

    assert shown(changed).texts("//contact:upID | //contact:upDate") == ["007", "2019-03-04T21:07:02Z"]


def test_a_handle_that_was_never_changed_shows_no_change() -> None:
    created = replace(records.handle(), audit=records.audit(records.REGISTERED))

    assert shown(created).texts("//contact:upID | //contact:upDate") == []


@pytest.mark.parametrize(
    "handle",
    [replace(records.handle(), created=None), records.handle(email=None), records.handle("")],
    ids=["no date", "no email", "no id"],
)
def test_a_record_that_is_no_whole_handle_is_2400(handle: Handle) -> None:
    assert run(INFO, [records.result(handle)]).answer.code == 2400


def test_a_captured_handle_is_told() -> None:
    answer = run(INFO, records.captured("handle-details")).answer

    assert answer.code == 1000
    assert answer.texts("//contact:infData/*[not(*)]") == [
        "04a", "e0b1b9deeada-CON", "", "+4.40000000", "someone@example.com", "100", "100",
        "2010-06-03T05:03:58Z",
    ]  # fmt: skip
    assert answer.texts("//contact:postalInfo//*[not(*)]") == [
        "A Person", "1 Acacia Ave", "Treewood", "Wellington", "Wellington", "6021", "NZ",
    ]  # fmt: skip


def test_a_captured_answer_without_a_handle_is_2303() -> None:
    assert run(INFO, records.captured("handle-query-no-match")).answer.code == 2303
