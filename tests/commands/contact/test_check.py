"""contact:check: one query for all ids."""

from __future__ import annotations

from srs_epp.srs.actions import HandleDetailsQry
from tests.epp import documents
from tests.support import records
from tests.support.mappings import run


def check(*ids: str) -> str:
    return documents.contact("check", "".join(f"<contact:id>{one}</contact:id>" for one in ids))


def test_all_ids_are_asked_for_in_one_query() -> None:
    assert run(check("moana-1", "moana-2"), [records.result()]).asked == [
        [HandleDetailsQry(("moana-1", "moana-2"))]
    ]


def test_what_the_registry_shows_is_in_use_and_the_order_is_the_clients() -> None:
    found = records.result(records.handle("c-3"), records.handle("a-1"))

    answer = run(check("a-1", "b-2", "c-3"), [found]).answer

    assert answer.texts("//contact:id") == ["a-1", "b-2", "c-3"]
    assert answer.texts("//contact:id/@avail") == ["0", "1", "0"]
    assert answer.texts("//contact:reason") == ["In use", "In use"]


def test_an_id_that_is_asked_for_twice_is_answered_twice_and_sent_once() -> None:
    dialogue = run(check("a-1", "b-2", "a-1"), [records.result(records.handle("a-1"))])

    assert dialogue.asked == [[HandleDetailsQry(("a-1", "b-2"))]]
    assert dialogue.answer.texts("//contact:id/@avail") == ["0", "1", "0"]


def test_a_registry_that_refuses_fails_the_command() -> None:
    answer = run(check("a-1"), [records.refused("NUMBER_OF_FILTERS_EXCEEDS_MAX", "Too many", "1")]).answer

    assert (answer.code, answer.message) == (2306, "Too many")


def test_captured_answers_are_told() -> None:
    nothing = run(check("04a"), records.captured("handle-query-no-match")).answer
    found = run(check("04a", "04b"), records.captured("handle-details")).answer

    assert nothing.texts("//contact:id/@avail") == ["1"]
    assert found.texts("//contact:id/@avail") == ["0", "1"]
