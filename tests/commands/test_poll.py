"""``<poll>``: the registrar's queue, a message at a time; each kind of message, and its id there and back."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

import pytest
from lxml import etree

from srs_epp.commands.messageids import NotAMessageId, message_id, parse_message_id
from srs_epp.srs import times
from srs_epp.srs.actions import AckMessage, GetMessages
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import AckResponse, AuditDetails, Domain, DomainTransfer, Message, Record, Result
from srs_epp.srs.values import Server
from tests.epp import documents
from tests.support import records
from tests.support.answers import Answer
from tests.support.mappings import SERVER_TRID, run

REQUEST = documents.PROTOCOL["epp-poll-req"]
NOTHING = [records.result()]
MOMENT = datetime(2019, 6, 1, 12, tzinfo=times.NEW_ZEALAND)


def ack(msg_id: str | None, cltrid: str = "TEST-0001") -> str:
    """An acknowledgement, its msgID as the client has it, before XML's escapes."""
    command = etree.fromstring(documents.PROTOCOL["epp-poll-ack"])
    poll = command.find(f".//{{{documents.EPP}}}poll")
    assert poll is not None
    del poll.attrib["msgID"]
    if msg_id is not None:
        poll.set("msgID", msg_id)
    document = etree.tostring(command, encoding="unicode")
    return document if cltrid else document.replace("<clTRID>TEST-0001</clTRID>", "")


def message(
    action: str,
    *content: Record,
    originator: int | None = 1,
    trans_id: str = "t-1",
    remaining: int = 0,
    error: SRSError | None = None,
) -> list[Result]:
    """The answer to GetMessages with one message."""
    inner = Result("8,1", MOMENT, content, error, action, originator, trans_id)
    return [records.result(Message(remaining, inner))]


def transfer(*names: str) -> DomainTransfer:
    return DomainTransfer("Gainer Ltd", MOMENT, names)


def part(name: str = "kakapo.co.nz", /, **parts: object) -> Domain:
    """A record with nothing but a name and these."""
    nothing: dict[str, object] = {
        "status": None,
        "delegate": None,
        "registrar_id": None,
        "registered": None,
        "billed_until": None,
    }
    return replace(records.domain(name), **(nothing | parts))  # type: ignore[arg-type]


def audit_text(text: str) -> AuditDetails:
    return AuditDetails(1, "action-1", None, text)


def shown(messages: list[Result], **settings: object) -> Answer:
    return run(REQUEST, messages, **settings).answer  # type: ignore[arg-type]


def text(messages: list[Result]) -> str | None:
    """The message's text."""
    return shown(messages).text("//epp:msgQ/epp:msg")


# -- req


def test_a_request_is_get_messages_in_a_transaction_of_its_own() -> None:
    dialogue = run(REQUEST, NOTHING)

    assert dialogue.asked == [[GetMessages()]]
    assert dialogue.asks[0].alone


def test_get_messages_asks_for_one_of_both_kinds_and_leaves_it_on_the_queue() -> None:
    element = GetMessages().element()

    assert (element.get("QueueMode"), element.get("MaxResults")) == ("1", "1")
    assert [one.get("Type") for one in element] == ["third-party", "server-generated-data"]


def test_no_message_is_1300_without_a_queue() -> None:
    answer = shown(NOTHING)

    assert (answer.code, answer.message) == (1300, "Command completed successfully; no messages")
    assert answer.texts("//epp:msgQ") == []


@pytest.mark.parametrize(("remaining", "count"), [(0, "1"), (1, "2"), (6, "7")])
def test_the_count_includes_the_message_that_is_shown(remaining: int, count: str) -> None:
    answer = shown(message("DomainUpdate", part(), remaining=remaining))

    assert (answer.code, answer.texts("//epp:msgQ/@count")) == (1301, [count])


def test_the_date_is_that_of_what_the_message_tells_of() -> None:
    assert shown(message("DomainUpdate", part())).text("//epp:qDate") == "2019-06-01T00:00:00Z"


def test_there_is_one_msg() -> None:
    both = message("DomainUpdate", part("a.nz", udai="Hk7mNp2Q"), part("b.nz"))

    assert len(shown(both).texts("//epp:msgQ/epp:msg")) == 1


# -- the text


def test_a_transfer_is_told() -> None:
    assert text(message("DomainTransfer", transfer("kakapo.co.nz"))) == "Domain Transfer"


def test_a_new_udai_is_told() -> None:
    assert text(message("DomainUpdate", part(udai="Hk7mNp2Q"))) == "New UDAI"


def test_a_renewal_is_told() -> None:
    assert text(message("DomainUpdate", part(audit=audit_text("RenewDomains")))) == "Domain Renewal"


def test_a_renewal_is_told_whatever_else_the_audit_text_has() -> None:
    assert (
        text(message("DomainUpdate", part(audit=audit_text("job RenewDomains, run 7")))) == "Domain Renewal"
    )


def test_a_new_udai_is_told_rather_than_a_renewal() -> None:
    domain = part(udai="Hk7mNp2Q", audit=audit_text("RenewDomains"))

    assert text(message("DomainUpdate", domain)) == "New UDAI"


@pytest.mark.parametrize("audit", [None, audit_text(""), audit_text("User Id: manuela")])
def test_another_update_is_told(audit: AuditDetails | None) -> None:
    assert text(message("DomainUpdate", part(audit=audit))) == "Domain Update"


def test_an_update_without_a_record_is_told() -> None:
    assert text(message("DomainUpdate")) == "Domain Update"


def test_a_create_is_told_though_it_has_a_udai() -> None:
    assert text(message("DomainCreate", part(udai="Hk7mNp2Q"))) == "Domain Create"


@pytest.mark.parametrize("action", ["HandleUpdate", "RegistrarUpdate", "SomethingNew"])
def test_another_action_is_told_by_its_name(action: str) -> None:
    answer = shown(message(action))

    assert answer.text("//epp:msgQ/epp:msg") == action
    assert answer.texts("//epp:resData") == []


def test_an_error_inside_is_told_and_is_no_error_of_the_poll() -> None:
    answer = shown(
        message("DomainUpdate", error=SRSError("DOMAIN_LOCKED", "it is locked", ("kakapo.co.nz",)))
    )

    assert (answer.code, answer.text("//epp:msgQ/epp:msg")) == (1301, "Error")
    assert answer.texts("//epp:resData") == []


def test_several_records_are_told_by_their_distinct_texts_in_order() -> None:
    several = message(
        "DomainUpdate",
        part("a.nz"),
        part("b.nz", udai="Hk7mNp2Q"),
        part("c.nz"),
        part("d.nz", audit=audit_text("RenewDomains")),
        part("e.nz", udai="Hk7mNp2R"),
    )

    assert text(several) == "Domain Update; New UDAI; Domain Renewal"


# -- the data


def test_a_transfer_is_shown_as_one_that_the_other_asked_for_and_this_registrar_had_to_bear() -> None:
    answer = shown(message("DomainTransfer", transfer("kakapo.co.nz"), originator=7), registrar=100)

    assert answer.text("//domain:trnData/domain:name") == "kakapo.co.nz"
    assert answer.text("//domain:trStatus") == "serverApproved"
    assert (answer.text("//domain:reID"), answer.text("//domain:acID")) == ("007", "100")
    assert (answer.text("//domain:reDate"), answer.text("//domain:acDate")) == ("2019-06-01T00:00:00Z",) * 2
    assert answer.text("//domain:exDate") is None


def test_several_transferred_domains_are_shown_in_order() -> None:
    answer = shown(message("DomainTransfer", transfer("a.nz", "b.nz"), transfer("c.nz")))

    assert answer.texts("//domain:trnData/domain:name") == ["a.nz", "b.nz", "c.nz"]


def test_a_whole_record_is_shown_as_info_shows_it() -> None:
    domain = records.domain(
        servers=(Server("ns1.kakapo.co.nz", "192.0.2.1", "2001:db8::1"),),
        registrant="moana-1",
        admin=None,
        tech="moana-3",
        audit=records.audit(MOMENT, 1),
    )

    answer = shown(message("DomainUpdate", domain))

    assert answer.text("//domain:infData/domain:name") == "kakapo.co.nz"
    assert answer.texts("//domain:status/@s") == ["ok"]
    assert answer.text("//domain:registrant") == "moana-1"
    assert (answer.texts("//domain:contact"), answer.texts("//domain:contact/@type")) == (
        ["moana-3"],
        ["tech"],
    )
    assert answer.texts("//domain:hostAddr") == ["192.0.2.1", "2001:db8::1"]
    assert answer.text("//domain:clID") == "100"
    assert (answer.text("//domain:upID"), answer.text("//domain:upDate")) == ("001", "2019-06-01T00:00:00Z")
    assert answer.text("//domain:exDate") == "2020-03-04T20:07:02Z"


def test_of_a_partial_record_what_it_has_is_shown() -> None:
    answer = shown(message("DomainUpdate", part(udai="Hk7mNp2Q")), registrar=101)

    data = answer.root.find(f".//{{{documents.DOMAIN}}}infData")
    assert data is not None
    assert [etree.QName(child).localname for child in data] == ["name", "roid", "clID", "authInfo"]
    assert answer.text("//domain:clID") == "101"
    assert answer.text("//domain:authInfo/domain:pw") == "Hk7mNp2Q"


@pytest.mark.parametrize(
    ("parts", "statuses"),
    [
        ({}, []),
        ({"status": "Active"}, ["ok"]),
        ({"status": "Active", "delegate": True}, ["ok"]),
        ({"status": "Active", "delegate": False}, ["clientHold"]),
        ({"delegate": False}, ["clientHold"]),
        ({"delegate": True}, []),
        ({"status": "PendingRelease"}, ["pendingDelete"]),
        ({"status": "PendingRelease", "delegate": False}, ["clientHold", "pendingDelete"]),
        (
            {"locked": MOMENT},
            [f"server{what}Prohibited" for what in ("Delete", "Renew", "Transfer", "Update")],
        ),
        (
            {"status": "PendingRelease", "locked": MOMENT},
            ["pendingDelete", *(f"server{what}Prohibited" for what in ("Renew", "Transfer", "Update"))],
        ),
    ],
)
def test_a_status_is_shown_only_where_the_record_tells_of_one(
    parts: dict[str, object], statuses: list[str]
) -> None:
    assert shown(message("DomainUpdate", part(**parts))).texts("//domain:status/@s") == statuses


def test_several_domains_are_shown_in_order() -> None:
    answer = shown(message("DomainUpdate", part("b.nz", udai="Hk7mNp2Q"), part("a.nz", udai="Hk7mNp2R")))

    assert answer.texts("//domain:infData/domain:name") == ["b.nz", "a.nz"]
    assert answer.texts("//domain:pw") == ["Hk7mNp2Q", "Hk7mNp2R"]


def test_a_domain_pending_release_expires_when_it_was_cancelled() -> None:
    domain = part(status="PendingRelease", cancelled=MOMENT, billed_until=records.BILLED_UNTIL)

    assert shown(message("DomainUpdate", domain)).text("//domain:exDate") == "2019-06-01T00:00:00Z"


def test_a_handle_is_no_data_of_the_message() -> None:
    assert shown(message("HandleUpdate", records.handle())).texts("//epp:resData") == []


# -- ids

IDS = [
    (1, "t-1", "0001t-1"),
    (100, "t 1", "0100t+1"),
    (1, "srsrps-1_376 ", "0001srsrps-1_376+"),
    (922, "a+b", "0922a%2Bb"),
    (922, "50%", "092250%25"),
    (922, "%20", "0922%2520"),
    (9999, "a\tb", "9999a%09b"),
    (9999, "a\rb\nc\r\n", "9999a%0Db%0Ac%0D%0A"),
    (50, "  ", "0050++"),
    (50, "", "0050"),
    (1, "Kākāpō 鳥 𝄞", "0001Kākāpō+鳥+𝄞"),
    (1, "sep.4d2fceb8.2d28.002 (Auto-generated)", "0001sep.4d2fceb8.2d28.002+(Auto-generated)"),
    (1, "RenewDomains-2010-07-06 23:30:00-a.te", "0001RenewDomains-2010-07-06+23:30:00-a.te"),
    (1, "<&>\"'", "0001<&>\"'"),
    (1, "1234", "00011234"),
    (1, "\xa0no-break\u2003", "0001\xa0no-break\u2003"),  # white space to Python, not to XML
]


@pytest.mark.parametrize(("originator", "trans_id", "shown_id"), IDS)
def test_an_id_is_the_registrar_and_the_escaped_trans_id(
    originator: int, trans_id: str, shown_id: str
) -> None:
    answer = shown(message("DomainUpdate", part(), originator=originator, trans_id=trans_id))

    assert answer.texts("//epp:msgQ/@id") == [shown_id]


@pytest.mark.parametrize(("originator", "trans_id", "shown_id"), IDS)
def test_an_acknowledged_id_is_the_registrar_and_the_trans_id_exactly(
    originator: int, trans_id: str, shown_id: str
) -> None:
    dialogue = run(ack(shown_id), acknowledged(originator, trans_id), NOTHING)

    assert dialogue.asked[0] == [
        AckMessage(action_id="TEST-0001", originating_registrar_id=originator, trans_id=trans_id)
    ]
    assert dialogue.answer.texts("//epp:msgQ/@id") == [shown_id]


@pytest.mark.parametrize(("originator", "trans_id", "shown_id"), IDS)
def test_an_id_is_one_token_that_goes_there_and_back(originator: int, trans_id: str, shown_id: str) -> None:
    assert message_id(originator, trans_id) == shown_id
    assert parse_message_id(shown_id) == (originator, trans_id)
    assert not set(" \t\r\n") & set(shown_id)


def test_every_character_of_a_trans_id_comes_back() -> None:
    characters = "".join(map(chr, [9, 10, 13, *range(32, 0x300)]))

    assert parse_message_id(message_id(7, characters)) == (7, characters)


@pytest.mark.parametrize(
    ("written", "trans_id"), [("0001a%2bb", "a+b"), ("0001%41", "A"), ("0001a%20b", "a b")]
)
def test_escapes_that_another_program_made_are_understood(written: str, trans_id: str) -> None:
    assert parse_message_id(written) == (1, trans_id)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "1",
        "001",
        "abc",
        "00x1t",
        "0001%",
        "0001%4",
        "0001%zz",
        "-001t",
        "\u0660\u0660\u0660\u0661t",
        "0001%00",
        "0001%1B",
    ],
)
def test_what_is_no_id_of_ours_is_not_taken_for_one(wrong: str) -> None:
    with pytest.raises(NotAMessageId):
        parse_message_id(wrong)


# -- ack


def acknowledged(originator: int = 1, trans_id: str = "t-1") -> list[Result]:
    return [records.result(AckResponse(originator, trans_id))]


def test_an_ack_takes_the_message_off_and_then_asks_what_is_left() -> None:
    dialogue = run(ack("0001t-1"), acknowledged(), NOTHING)

    assert dialogue.asked == [
        [AckMessage(action_id="TEST-0001", originating_registrar_id=1, trans_id="t-1")],
        [GetMessages()],
    ]
    assert [ask.alone for ask in dialogue.asks] == [True, True]


def test_an_ack_without_a_cltrid_has_the_servers_own_as_its_action_id() -> None:
    [acknowledgement], _ = run(ack("0001t-1", cltrid=""), acknowledged(), NOTHING).asked

    assert isinstance(acknowledgement, AckMessage)
    assert acknowledgement.action_id == SERVER_TRID


@pytest.mark.parametrize(
    ("left", "count"),
    [
        (NOTHING, "0"),
        (message("DomainUpdate", remaining=0), "1"),
        (message("DomainUpdate", remaining=4), "5"),
    ],
)
def test_an_ack_tells_how_many_are_left(left: list[Result], count: str) -> None:
    answer = run(ack("0001t-1"), acknowledged(), left).answer

    assert answer.code == 1000
    assert (answer.texts("//epp:msgQ/@count"), answer.texts("//epp:msgQ/@id")) == ([count], ["0001t-1"])
    assert answer.texts("//epp:qDate | //epp:msgQ/epp:msg | //epp:resData") == []


def test_the_id_is_made_from_what_the_registry_says_it_took() -> None:
    answer = run(ack("0001t-1"), acknowledged(90, "5 aa"), NOTHING).answer

    assert answer.texts("//epp:msgQ/@id") == ["00905+aa"]


def test_an_ack_without_a_msg_id_is_2003_and_nothing_is_asked() -> None:
    dialogue = run(ack(None))

    assert (dialogue.answer.code, dialogue.asked) == (2003, [])


@pytest.mark.parametrize("wrong", ["12", "abc", "0001%", "0001%4x"])
def test_an_ack_of_what_is_no_id_is_2005_with_it_as_value_and_nothing_is_asked(wrong: str) -> None:
    dialogue = run(ack(wrong))

    assert (dialogue.answer.code, dialogue.answer.value_text, dialogue.asked) == (2005, wrong, [])


@pytest.mark.parametrize("error_id", ["MESSAGE_DOES_NOT_EXIST", "ALREADY_ACKED_MESSAGE"])
def test_an_ack_of_a_message_that_is_not_on_the_queue_is_2303(error_id: str) -> None:
    answer = run(ack("0001t-1"), [records.refused(error_id, "no such", "1", "t-1")]).answer

    assert (answer.code, answer.message, answer.value_text) == (2303, "no such", "1")


def test_two_acks_at_once_are_2500_for_one_of_them() -> None:
    assert run(ack("0001t-1"), [records.refused("CONCURRENT_ACK")]).answer.code == 2500


def test_an_answer_that_does_not_say_what_it_took_is_2400() -> None:
    assert run(ack("0001t-1"), NOTHING).answer.code == 2400


def test_an_ack_that_was_done_is_1000_though_the_rest_cannot_be_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)

    answer = run(ack("0001t-1"), acknowledged(), SRSError("SYSTEM_OFFLINE", "closed", whole=True)).answer

    assert (answer.code, answer.texts("//epp:msgQ")) == (1000, [])
    assert "the number of messages left is not known" in caplog.text


# -- captured messages


def test_a_captured_create_is_shown() -> None:
    answer = shown(records.captured("poll-domain-create"), registrar=922)

    assert answer.text("//epp:msgQ/epp:msg") == "Domain Create"
    assert (answer.texts("//epp:msgQ/@count"), answer.texts("//epp:msgQ/@id")) == (
        ["7"],
        ["0001srsrps-1_476"],
    )
    assert answer.text("//epp:qDate") == "2010-07-21T04:15:41Z"
    assert answer.text("//domain:infData/domain:name") == "eppregistrar2.co.nz"
    assert answer.text("//domain:infData/domain:clID") == "922"
    assert answer.texts("//domain:status/@s") == ["ok"]
    assert answer.text("//domain:crDate") == "2010-07-21T04:15:41Z"
    assert answer.text("//domain:upDate") is None
    assert answer.text("//domain:authInfo/domain:pw") == "9GS97hDz"


def test_a_captured_renewal_is_shown() -> None:
    answer = shown(records.captured("poll-domain-renew"), registrar=171)

    assert answer.text("//epp:msgQ/epp:msg") == "Domain Renewal"
    assert (answer.texts("//epp:msgQ/@count"), answer.texts("//epp:msgQ/@id")) == (
        ["6"],
        ["0001005b-2-renew.yml"],
    )
    assert answer.texts("//domain:hostName") == ["ns1.ofttech.te", "ns2.ofttech.te"]
    assert (answer.text("//domain:upID"), answer.text("//domain:upDate")) == ("001", "2010-07-06T12:02:23Z")
    assert answer.text("//domain:exDate") == "2010-08-05T23:26:50Z"


def test_a_captured_transfer_is_shown() -> None:
    answer = shown(records.captured("poll-domain-transfer"), registrar=90)

    assert answer.text("//epp:msgQ/epp:msg") == "Domain Transfer"
    assert (answer.texts("//epp:msgQ/@count"), answer.texts("//epp:msgQ/@id")) == (
        ["1"],
        ["0001srsrps-1_376+"],
    )
    assert answer.text("//domain:trnData/domain:name") == "pepper.co.te"
    assert (answer.text("//domain:reID"), answer.text("//domain:acID")) == ("001", "090")
    assert answer.text("//domain:reDate") == "2010-07-06T21:13:01Z"


def test_captured_new_udais_of_two_domains_are_shown() -> None:
    answer = shown(records.captured("poll-new-udai-auto-generated"), registrar=922)

    assert answer.text("//epp:msgQ/epp:msg") == "New UDAI"
    assert answer.texts("//epp:msgQ/@id") == ["0922sep.4d2fceb8.2d28.002+(Auto-generated)"]
    assert answer.texts("//domain:infData/domain:name") == ["first-example.net.nz", "second-example.org.nz"]
    assert answer.texts("//domain:pw") == ["mW5Nq7sP", "qPAaBuf7"]
    assert answer.texts("//domain:status") == []


def test_a_captured_acknowledgement_is_told() -> None:
    answer = run(ack("00015aa"), records.captured("ack-response"), NOTHING).answer

    assert answer.code == 1000
    assert (answer.texts("//epp:msgQ/@count"), answer.texts("//epp:msgQ/@id")) == (["0"], ["00015aa"])
