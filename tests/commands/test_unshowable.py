"""What the registry may say and EPP can not: it is left out, or the command fails; no answer is invalid."""

from __future__ import annotations

import pytest

from srs_epp.srs.results import DomainTransfer, Message, Result
from srs_epp.srs.values import Server
from tests.epp import documents
from tests.epp.documents import DOCUMENTS, NAME
from tests.support import mappings, records

NAMELESS = ["", "x" * 256]
UDAI = "<domain:authInfo><domain:pw>Hk7mNp2Q</domain:pw></domain:authInfo>"


def message(result: Result) -> Result:
    return records.result(Message(0, result))


@pytest.mark.parametrize("name", NAMELESS)
def test_a_domain_of_an_impossible_name_is_2400(name: str) -> None:
    found = records.result(records.domain())
    nameless = records.result(records.domain(name, audit=records.audit(records.REGISTERED)))
    renew = documents.domain("renew", f"{NAME}<domain:curExpDate>2020-03-05</domain:curExpDate>")

    answers = [
        mappings.run(DOCUMENTS["domain-info"], [found, nameless]),
        mappings.run(DOCUMENTS["domain-create"], [nameless]),
        mappings.run(renew, [found], [nameless]),
        mappings.run(documents.domain("transfer", NAME + UDAI, op="request"), [found, nameless]),
    ]

    assert [dialogue.answer.code for dialogue in answers] == [2400] * len(answers)


@pytest.mark.parametrize("name", NAMELESS)
def test_a_domain_of_an_impossible_name_is_left_out_of_a_message(name: str) -> None:
    domains = Result(
        "", records.REGISTERED, (records.domain(name), records.domain("moa.nz")), action="DomainUpdate"
    )
    transfer = Result("", records.REGISTERED, (DomainTransfer("", records.REGISTERED, (name, "moa.nz")),))

    shown = [mappings.run(DOCUMENTS["epp-poll-req"], [message(one)]).answer for one in (domains, transfer)]

    assert [answer.code for answer in shown] == [1301, 1301]
    assert shown[0].texts("//domain:infData/domain:name") == ["moa.nz"]
    assert shown[1].texts("//domain:trnData/domain:name") == ["moa.nz"]


def test_a_name_server_of_an_impossible_name_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    servers = (Server(""), Server("ns1.moa.nz"), Server("x" * 256))
    domain = records.result(records.domain(servers=servers))

    answer = mappings.run(DOCUMENTS["domain-info"], [domain, domain]).answer

    assert answer.texts("//domain:hostName") == ["ns1.moa.nz"]
    assert "a name server's name of 256 characters is left out" in caplog.text


@pytest.mark.parametrize("handle_id", ["ab", "x" * 17])
def test_a_contact_of_an_impossible_id_is_2400(handle_id: str) -> None:
    answer = mappings.run(DOCUMENTS["contact-info"], [records.result(records.handle(handle_id))]).answer

    assert answer.code == 2400


@pytest.mark.parametrize("handle_id", ["ab", "x" * 17])
def test_a_created_contact_has_the_id_that_it_was_given(handle_id: str) -> None:
    order = DOCUMENTS["contact-create"]
    street = "<contact:addr><contact:street>1 Acacia Ave</contact:street>"
    order = order.replace("<contact:addr>", street).replace(
        "<contact:email>", "<contact:voice>+64.4</contact:voice><contact:email>"
    )

    answer = mappings.run(order, [records.result(records.handle(handle_id))]).answer

    assert (answer.code, answer.text("//contact:id")) == (1000, "sh8013")
