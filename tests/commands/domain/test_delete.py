"""``<domain:delete>``: gone at once in the grace period, later pending for as long as it can be restored."""

from __future__ import annotations

import pytest

from srs_epp.srs.actions import DomainUpdate
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import Result
from tests.epp import documents
from tests.support import records
from tests.support.mappings import SERVER_TRID, run

NAME = "example.co.nz"  # of documents.NAME
DELETE = documents.domain("delete", documents.NAME)


def cancelled(status: str) -> list[Result]:
    return [records.result(records.domain(NAME, status))]


def test_a_delete_is_a_cancellation_of_which_not_all_is_asked_back() -> None:
    dialogue = run(DELETE, cancelled("Available"))

    assert dialogue.asked == [[DomainUpdate(action_id="TEST-0001", name=NAME, cancel=True, full=False)]]


def test_a_domain_that_is_gone_is_1000() -> None:
    answer = run(DELETE, cancelled("Available")).answer

    assert answer.code == 1000
    assert answer.texts("//epp:resData") == []


def test_a_domain_that_is_pending_release_is_1001() -> None:
    answer = run(DELETE, cancelled("PendingRelease")).answer

    assert (answer.code, answer.message) == (1001, "Command completed successfully; action pending")


def test_a_domain_that_is_not_there_is_2303() -> None:
    answer = run(DELETE, [records.result()]).answer

    assert (answer.code, answer.value_text) == (2303, NAME)


def test_another_registrars_domain_is_2201() -> None:
    answer = run(DELETE, [records.refused("MISSING_MANDATORY_FIELD", "UDAI", "UDAI")]).answer

    assert (answer.code, answer.value_text) == (2201, NAME)


def test_another_field_that_is_missing_is_2306() -> None:
    answer = run(DELETE, [records.refused("MISSING_MANDATORY_FIELD", "Term", "Term", "UDAI")]).answer

    assert answer.code == 2306


@pytest.mark.parametrize(
    ("error_id", "code"),
    [
        ("DOUBLE_CANCEL_ATTEMPT", 2308),
        ("DOMAIN_INACTIVE", 2304),
        ("DOMAIN_LOCKED", 2304),
        ("PERMISSION_DENIED", 2201),
    ],
)
def test_a_refusal_of_the_registry_is_told(error_id: str, code: int) -> None:
    answer = run(DELETE, [records.refused(error_id, "not so", NAME)]).answer

    assert (answer.code, answer.message, answer.value_text) == (code, "not so", NAME)


def test_a_refusal_of_the_whole_request_is_told() -> None:
    assert run(DELETE, SRSError("SYSTEM_MAINTENANCE", "closed", whole=True)).answer.code == 2400


def test_a_name_that_cannot_be_one_is_2005_and_nothing_is_asked() -> None:
    dialogue = run(DELETE.replace(NAME, "-example.nz"))

    assert dialogue.answer.code == 2005
    assert dialogue.asked == []


def test_without_a_cltrid_the_servers_own_is_the_action_id() -> None:
    [[update]] = run(documents.domain("delete", documents.NAME, cltrid=""), cancelled("Available")).asked

    assert isinstance(update, DomainUpdate)
    assert update.action_id == SERVER_TRID
