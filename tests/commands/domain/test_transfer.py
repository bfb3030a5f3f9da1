"""``<domain:transfer>``: whoever knows the UDAI has the domain, at once."""

from __future__ import annotations

from datetime import datetime

import pytest

from srs_epp.srs import times
from srs_epp.srs.actions import DomainUpdate, Whois
from srs_epp.srs.results import Domain, Result
from tests.epp import documents
from tests.support import records
from tests.support.mappings import SERVER_TRID, run

NAME = "kakapo.co.nz"
UDAI = "Hk7mNp2Q"
MOMENT = datetime(2019, 6, 1, 12, tzinfo=times.NEW_ZEALAND)
WHOIS = Whois(NAME, full=False)
SEEN = records.result(records.domain(NAME))


def transfer(
    udai: str | None = UDAI, period: str = "", op: str = "request", cltrid: str = "TEST-0001"
) -> str:
    secret = f"<domain:authInfo><domain:pw>{udai}</domain:pw></domain:authInfo>" if udai is not None else ""
    return documents.domain(
        "transfer", f"<domain:name>{NAME}</domain:name>{period}{secret}", op=op, cltrid=cltrid
    )


def gained(**changes: object) -> Domain:
    """The record in the answer: it is registrar 101's now."""
    changes = {"registrar_id": 101, "audit": records.audit(MOMENT, 101), **changes}
    return records.domain(NAME, **changes)  # type: ignore[arg-type]


def answered(**changes: object) -> list[Result]:
    return [SEEN, records.result(gained(**changes))]


def test_a_transfer_is_a_whois_and_an_update_with_the_udai_in_one_transaction() -> None:
    dialogue = run(transfer(), answered(), registrar=101)

    assert dialogue.answer.code == 1000
    assert dialogue.asked == [
        [WHOIS, DomainUpdate(action_id="TEST-0001", name=NAME, udai=UDAI, convert_contacts=True)]
    ]


def test_with_a_period_it_renews_and_restores_too() -> None:
    dialogue = run(transfer(period='<domain:period unit="y">1</domain:period>'), answered(), registrar=101)

    assert dialogue.asked == [
        [
            WHOIS,
            DomainUpdate(
                action_id="TEST-0001",
                name=NAME,
                udai=UDAI,
                convert_contacts=True,
                renew=True,
                term=12,
                cancel=False,
            ),
        ]
    ]


def test_the_gainer_has_asked_and_acted_in_the_same_moment() -> None:
    answer = run(transfer(), answered(), registrar=101).answer

    assert answer.text("//domain:trnData/domain:name") == NAME
    assert answer.text("//domain:trStatus") == "serverApproved"
    assert (answer.text("//domain:reID"), answer.text("//domain:acID")) == ("101", "101")
    assert (answer.text("//domain:reDate"), answer.text("//domain:acDate")) == ("2019-06-01T00:00:00Z",) * 2


def test_the_gainer_is_whom_the_registry_names() -> None:
    assert run(transfer(), answered(registrar_id=7), registrar=101).answer.text("//domain:reID") == "007"


def test_the_gainer_is_the_session_where_the_registry_names_none() -> None:
    assert run(transfer(), answered(registrar_id=None), registrar=101).answer.text("//domain:reID") == "101"


def test_without_a_period_there_is_no_expiry() -> None:
    assert run(transfer(), answered()).answer.text("//domain:exDate") is None


def test_with_a_period_the_expiry_is_billed_until() -> None:
    answer = run(transfer(period='<domain:period unit="m">1</domain:period>'), answered()).answer

    assert answer.text("//domain:exDate") == "2020-03-04T20:07:02Z"


def test_of_a_domain_pending_release_the_expiry_is_when_it_was_cancelled() -> None:
    cancelled = datetime(2019, 5, 1, 12, tzinfo=times.NEW_ZEALAND)

    answer = run(transfer(), [SEEN, records.result(_pending(cancelled))]).answer

    assert answer.text("//domain:exDate") == "2019-05-01T00:00:00Z"


def _pending(cancelled: datetime) -> Domain:
    return records.domain(NAME, "PendingRelease", cancelled=cancelled, audit=records.audit(MOMENT, 101))


@pytest.mark.parametrize("op", ["query", "approve", "cancel", "reject"])
@pytest.mark.parametrize("udai", [UDAI, None])
def test_every_other_op_is_2102(op: str, udai: str | None) -> None:
    dialogue = run(transfer(udai, op=op))

    assert (dialogue.answer.code, dialogue.answer.value_text) == (2102, op)
    assert dialogue.asked == []


def test_another_op_is_2102_whatever_the_name() -> None:
    assert run(transfer(op="query").replace(NAME, "a..b")).answer.code == 2102


def test_a_request_without_auth_info_is_2003() -> None:
    dialogue = run(transfer(None))

    assert dialogue.answer.code == 2003
    assert dialogue.asked == []


@pytest.mark.parametrize(
    "udai",
    [
        *("", "short", "Hk7mNp2Qx", "Hk7mNp2", "Hk7m p2Q", "Hk7mNp2-", "Hk7mNp2ā", "Hk7mNp٢Q"),
        *(f"Hk7mNp2{lookalike}" for lookalike in "iloILO01"),
    ],
)
def test_auth_info_that_can_be_no_udai_is_2202_and_nothing_is_sent(udai: str) -> None:
    dialogue = run(transfer(udai))

    assert dialogue.answer.code == 2202
    assert dialogue.asked == []
    assert dialogue.answer.value is None


def test_auth_info_of_another_kind_is_2202() -> None:
    inner = f"<domain:name>{NAME}</domain:name>{documents.PROOF}"

    assert run(documents.domain("transfer", inner, op="request")).answer.code == 2202


@pytest.mark.parametrize(
    "udai", ["abcdefgh", "jkmnpqrs", "tuvwxyz2", "ABCDEFGH", "JKMNPQRS", "TUVWXYZ9", "23456789"]
)
def test_every_letter_and_digit_of_udais_is_sent(udai: str) -> None:
    assert run(transfer(udai), answered()).answer.code == 1000


def test_white_space_around_auth_info_does_not_belong_to_it() -> None:
    [[_, update]] = run(transfer(f" {UDAI}\n"), answered()).asked

    assert isinstance(update, DomainUpdate)
    assert update.udai == UDAI


def test_a_domain_that_is_available_is_2303() -> None:
    available = records.result(records.domain(NAME, "Available"))

    answer = run(transfer(), [available, records.result()]).answer

    assert (answer.code, answer.value_text) == (2303, NAME)


@pytest.mark.parametrize("results", [[SEEN, records.result()], [records.result(), records.result(gained())]])
def test_a_domain_that_one_of_the_answers_does_not_show_is_2303(results: list[Result]) -> None:
    assert run(transfer(), results).answer.code == 2303


def test_an_answer_that_does_not_say_when_is_2400() -> None:
    assert run(transfer(), answered(audit=None)).answer.code == 2400


def test_a_wrong_udai_is_2202_and_is_not_echoed() -> None:
    mismatch = records.refused("UDAI_DOMAIN_MISMATCH", "does not match", NAME)

    answer = run(transfer(), [SEEN, mismatch]).answer

    assert (answer.code, answer.message, answer.value_text) == (2202, "does not match", NAME)
    assert UDAI not in answer.xml


def test_ones_own_domain_is_2106_with_its_name() -> None:
    own = records.refused("CONVERT_TO_HANDLES_ONLY_FOR_TRANSFER", "only for a transfer")

    answer = run(transfer(), [SEEN, own]).answer

    assert (answer.code, answer.reason) == (2106, "Cannot transfer a domain you already own")
    assert answer.message == "Object is not eligible for transfer: Cannot transfer a domain you already own"
    assert answer.value_text == NAME


@pytest.mark.parametrize(
    ("error_id", "code"),
    [
        ("TRANSFER_WITHIN_GRACE_PERIOD", 2304),
        ("CANCELLED_TRANSFER_WITH_UPDATE", 2304),
        ("DOMAIN_LOCKED", 2304),
        ("RENEWAL_EXCEEDS_MAX", 2306),
        ("PERMISSION_DENIED", 2201),
    ],
)
def test_a_refusal_of_the_registry_is_told(error_id: str, code: int) -> None:
    answer = run(transfer(), [SEEN, records.refused(error_id, "not so", NAME)]).answer

    assert (answer.code, answer.message, answer.value_text) == (code, "not so", NAME)


def test_the_first_error_of_several_is_told() -> None:
    errors = [
        records.refused("INVALID_CCTLD", "first", NAME),
        records.refused("DOMAIN_LOCKED", "second", NAME),
    ]

    assert run(transfer(), errors).answer.message == "first"


def test_without_a_cltrid_the_servers_own_is_the_action_id() -> None:
    [[_, update]] = run(transfer(cltrid=""), answered()).asked

    assert isinstance(update, DomainUpdate)
    assert update.action_id == SERVER_TRID


def test_a_captured_transfer_is_shown() -> None:
    results = records.captured("domain-transfer-response")
    document = transfer().replace(NAME, "mozzarella.co.te")

    answer = run(document, results, registrar=104).answer

    assert answer.code == 1000
    assert answer.text("//domain:trnData/domain:name") == "mozzarella.co.te"
    assert answer.text("//domain:reID") == answer.text("//domain:acID") == "100"
    assert answer.text("//domain:reDate") == answer.text("//domain:acDate") == "2010-06-23T21:23:05Z"
    assert answer.text("//domain:exDate") is None


def test_a_captured_mismatch_is_shown() -> None:
    answer = run(transfer(), records.captured("error-inside-response")).answer

    assert answer.code == 2202
    assert answer.message == "The given UDAI does not match the requested domain"
    assert (answer.reason, answer.value_text) == ("domainName", "mozzarella.co.te")
