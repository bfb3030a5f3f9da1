"""``<contact:delete>``: a handle that no domain names can go."""

from __future__ import annotations

import pytest

from srs_epp.epp.reader import read
from srs_epp.epp.results import ParameterSyntaxError
from srs_epp.srs.actions import HandleUpdate
from srs_epp.srs.errors import SRSError
from tests.epp import documents
from tests.support import records
from tests.support.mappings import SERVER_TRID, run

DELETE = documents.contact("delete", documents.ID)
GONE = [records.result()]


def test_a_delete_is_one_update_that_says_nothing_else() -> None:
    dialogue = run(DELETE, GONE)

    assert dialogue.asked == [[HandleUpdate(action_id="TEST-0001", handle_id="sh8013", delete=True)]]


def test_an_empty_answer_is_1000() -> None:
    answer = run(DELETE, GONE).answer

    assert (answer.code, answer.texts("//epp:resData")) == (1000, [])


def test_a_contact_in_use_is_2305() -> None:
    answer = run(DELETE, [records.refused("HANDLE_IN_USE", "a domain names it")]).answer

    assert (answer.code, answer.message) == (2305, "a domain names it")


def test_a_contact_that_is_not_there_is_2303_with_its_id() -> None:
    answer = run(DELETE, [records.refused("HANDLE_DOES_NOT_EXIST", "no such handle", "sh8013")]).answer

    assert (answer.code, answer.reason, answer.value_text) == (2303, "handleId", "sh8013")


@pytest.mark.parametrize(
    ("error_id", "code"),
    [("PERMISSION_DENIED", 2201), ("LOCK_ERROR", 2400), ("INTERNAL_ERROR", 2500), ("NEVER_HEARD_OF", 2400)],
)
def test_another_refusal_of_the_registry_is_told(error_id: str, code: int) -> None:
    assert run(DELETE, [records.refused(error_id)]).answer.code == code


def test_a_refusal_of_the_whole_request_is_told() -> None:
    assert run(DELETE, SRSError("SYSTEM_OFFLINE", "closed", whole=True)).answer.code == 2400


def test_without_a_cltrid_the_servers_own_is_the_action_id() -> None:
    [[update]] = run(DELETE.replace("<clTRID>TEST-0001</clTRID>", ""), GONE).asked

    assert isinstance(update, HandleUpdate)
    assert update.action_id == SERVER_TRID


@pytest.mark.parametrize("handle", ["ab", "a" * 17])
def test_an_id_that_can_be_none_is_2005_by_the_schema(handle: str) -> None:
    with pytest.raises(ParameterSyntaxError):
        read(DELETE.replace("sh8013", handle).encode()).check_schema()
