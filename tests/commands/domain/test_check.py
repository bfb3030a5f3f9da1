"""domain:check: one Whois a name, and what a name that can't be registered is told to be."""

from __future__ import annotations

import pytest

from srs_epp.commands.domain.check import shorten
from srs_epp.srs.actions import Whois
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import Result
from tests.support import records
from tests.support.conversation import check
from tests.support.mappings import Dialogue, run


def available(name: str) -> Result:
    return records.result(records.domain(name, "Available"))


def checked(result: Result) -> list[tuple[str, str | None]]:
    """avail and reason of the one name that is checked."""
    return _shown(run(check("kakapo.co.nz"), [result]))


def _shown(dialogue: Dialogue) -> list[tuple[str, str | None]]:
    assert dialogue.answer.code == 1000
    found = dialogue.answer.root.iterfind(".//{*}cd")
    return [(cd[0].get("avail", ""), cd[1].text if len(cd) > 1 else None) for cd in found]


def test_each_name_is_asked_for_in_order_and_no_more_than_whether_it_is_there() -> None:
    dialogue = run(check("b.nz", "a.nz", "b.nz"), [available(name) for name in ("b.nz", "a.nz", "b.nz")])

    assert dialogue.asked == [
        [Whois("b.nz", full=False), Whois("a.nz", full=False), Whois("b.nz", full=False)]
    ]
    assert dialogue.answer.texts("//domain:name") == ["b.nz", "a.nz", "b.nz"]


def test_names_come_back_as_the_client_wrote_them() -> None:
    dialogue = run(check("KaKaPo.CO.nz"), [available("kakapo.co.nz")])

    assert dialogue.answer.texts("//domain:name") == ["KaKaPo.CO.nz"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Available", ("1", None)),
        ("Active", ("0", "Registered")),
        ("PendingRelease", ("0", "Pending release")),
        ("Reserved", ("0", "Reserved")),
        (None, ("0", "Not available")),
    ],
)
def test_only_an_available_name_is_available(status: str | None, expected: tuple[str, str | None]) -> None:
    assert checked(records.result(records.domain("kakapo.co.nz", status))) == [expected]


def test_an_answer_without_a_domain_is_no_availability() -> None:
    assert checked(records.result()) == [("0", "Not available")]


@pytest.mark.parametrize(
    "error_id",
    [
        "INVALID_CCTLD", "INVALID_FIELD", "DOMAIN_BLOCKED", "MODERATED_DOMAIN_VIOLATION",
        "OWNERSHIP_RESTRICTION", "IDN_NOT_ALLOWED", "IDN_INVALID_CHARACTER", "PERMISSION_DENIED",
    ],
)  # fmt: skip
def test_a_name_that_the_registry_refuses_to_look_up_cannot_be_registered(error_id: str) -> None:
    assert checked(records.refused(error_id, "Not for you")) == [("0", "Not for you")]


def test_a_refusal_without_words_is_not_available() -> None:
    assert checked(records.refused("INVALID_CCTLD", "")) == [("0", "Not available")]


def test_beside_a_name_that_is_refused_the_others_are_answered() -> None:
    dialogue = run(
        check("a.nz", "b.xx", "c.nz"),
        [available("a.nz"), records.refused("INVALID_CCTLD", "No such zone"), available("c.nz")],
    )

    assert _shown(dialogue) == [("1", None), ("0", "No such zone"), ("1", None)]


@pytest.mark.parametrize(
    ("error_id", "code"),
    [
        ("SYSTEM_OFFLINE", 2400),
        ("INTERNAL_ERROR", 2500),
        ("CONFLICTING_RESULTS_PARAMETERS", 2002),
        ("UNKNOWN_REGISTRAR", 2200),
        ("NEVER_HEARD_OF", 2400),
    ],
)
def test_an_error_that_is_not_about_the_name_fails_the_command(error_id: str, code: int) -> None:
    dialogue = run(check("a.nz", "b.nz"), [available("a.nz"), records.refused(error_id, "Broken")])

    assert (dialogue.answer.code, dialogue.answer.message) == (code, "Broken")


@pytest.mark.parametrize("error_id", ["INVALID_CCTLD", "XML_PARSE_ERROR"])
def test_an_error_of_the_whole_request_fails_the_command(error_id: str) -> None:
    dialogue = run(check("a.nz"), SRSError(error_id, "No", whole=True))

    assert dialogue.answer.code == {"INVALID_CCTLD": 2306, "XML_PARSE_ERROR": 2500}[error_id]


def test_a_hundred_names_are_checked_and_one_more_is_2306() -> None:
    names = [f"n{n}.nz" for n in range(101)]

    assert len(_shown(run(check(*names[:100]), [available(name) for name in names[:100]]))) == 100
    answer = run(check(*names)).answer

    assert (answer.code, answer.reason) == (2306, "at most 100 names in one check")


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("", ""),
        ("Registered", "Registered"),
        ("x" * 32, "x" * 32),
        ("x" * 33, "x" * 32),
        ("The domain name is not under a managed zone", "The domain name is not under a"),
        ("twelve chars and twenty more, so", "twelve chars and twenty more, so"),
        ("twelve chars and twenty more, so it", "twelve chars and twenty more, so"),
        ("  many \n blanks  ", "many blanks"),
        ("ā" * 40, "ā" * 32),
    ],
)
def test_a_reason_has_at_most_32_characters_and_ends_with_a_word(text: str, short: str) -> None:
    assert shorten(text) == short


def test_a_long_reason_is_cut_in_the_answer() -> None:
    description = "The domain name is not under a zone that this registry manages"

    assert checked(records.refused("INVALID_CCTLD", description)) == [("0", "The domain name is not under a")]


def test_a_captured_answer_is_told() -> None:
    names = ["cheese.co.te", "ffo.co.te", "foo.net.te", "bar.org.te"]

    dialogue = run(check(*names), records.captured("whois-active-and-available"))

    assert _shown(dialogue) == [("0", "Registered"), ("1", None), ("1", None), ("1", None)]
