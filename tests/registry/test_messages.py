"""GetMessages, AckMessage, ResetMsgQ and ActionDetailsQry: statements 34 to 37."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import unquote_plus

import pytest
from lxml import etree

from srs_epp.registry.elements import make
from srs_epp.srs.openpgp import Keyring
from srs_epp.srs.times import to_attributes
from srs_epp.srs.values import Element
from tests.registry.client import (
    HANDLE,
    Client,
    acknowledge,
    attributes_of,
    domain_create,
    domain_update,
    first_of,
    fresh_id,
    handle_update,
    poll,
    stamp,
)
from tests.registry.conftest import Sandbox

NAME = "kakapo.nz"
FOR_90 = ' RegistrarId="90"'
BOTH = '<TypeFilter Type="third-party"/><TypeFilter Type="server-generated-data"/>'


@pytest.fixture
def udai(sandbox: Sandbox, first: Client) -> str:
    """The UDAI of a domain of registrar 90 past its grace period; the queue is empty."""
    made = first.domain(domain_create(NAME))
    sandbox.registry.clock.move(timedelta(days=6))
    first.empty_queue()
    return str(made.get("UDAI"))


def transfer(udai: str, action_id: str) -> str:
    return domain_update(NAME, attributes=f'UDAI="{udai}"', action_id=action_id)


def names_of(messages: list[Element]) -> list[tuple[str | None, ...]]:
    """By whom, for whom, action and TransId."""
    keys = ("OrigRegistrarId", "RecipientRegistrarId", "Action", "TransId")
    return [tuple(message.get(key) for key in keys) for message in messages]


def test_statement_34_a_transfer_is_announced_to_the_loser_once(
    first: Client, second: Client, udai: str
) -> None:
    answer = second.ask_one(transfer(udai, "t 1"))

    [message] = first.messages()
    assert attributes_of(message) == {
        "Action": "DomainTransfer",
        "FeId": answer.get("FeId"),
        "FeSeq": answer.get("FeSeq"),
        "OrigRegistrarId": "91",
        "RecipientRegistrarId": "90",
        "TransId": "t 1",
    }
    told = first_of(message, "DomainTransfer")
    assert told.get("RegistrarName") == "Second Registrar"
    assert told.findtext("TransferredDomain") == NAME
    assert stamp(told) == stamp(message[0]) == stamp(answer[0])
    assert second.messages() == []


def test_statement_34_a_repeated_transfer_is_announced_once(first: Client, second: Client, udai: str) -> None:
    for _ in range(2):
        second.ask(transfer(udai, "t-1"))

    assert len(first.messages()) == 1


def test_statement_34_a_refused_transfer_is_not_announced(first: Client, second: Client, udai: str) -> None:
    second.ask(transfer("abcdefgh", "t-1"))

    assert first.messages() == second.messages() == []


def test_statement_34_a_transfer_by_the_registry_is_announced_to_both(sandbox: Sandbox, udai: str) -> None:
    answer = sandbox.itself.ask_one(transfer(udai, "t-1"), attributes=' RegistrarId="91"')

    assert names_of(sandbox.first.messages()) == [("1", "90", "DomainTransfer", "t-1")]
    [message] = sandbox.second.messages()
    assert etree.tostring(message) == etree.tostring(answer)


@pytest.mark.parametrize(
    "order",
    [
        domain_create("kea.nz"),
        domain_update(NAME, attributes='Delegate="0"'),
        domain_update(NAME, attributes='Renew="1" Term="1"'),
        domain_update(NAME, attributes='Cancel="1" FullResult="0"'),
        domain_update(NAME, attributes='Lock="1"'),
        HANDLE.format("moana-2"),
        handle_update("moana-1", attributes='Name="New"'),
        handle_update("moana-1", attributes='Delete="1"'),
        '<RegistrarUpdate ActionId="r" URL="http://example.net"/>',
        domain_update(NAME, attributes='Renew="1"'),  # an Error
    ],
    ids=lambda order: order[:60],
)
def test_statement_35_what_the_registry_does_for_a_registrar_is_announced(
    sandbox: Sandbox, udai: str, order: str
) -> None:
    sandbox.first.ask(HANDLE.format("moana-1"))
    assert sandbox.first.messages() == []

    answer = sandbox.itself.ask_one(order, attributes=FOR_90)

    [message] = sandbox.first.messages()
    assert etree.tostring(message) == etree.tostring(answer)
    assert (message.get("OrigRegistrarId"), message.get("RecipientRegistrarId")) == ("1", "90")
    assert sandbox.itself.messages() == []


def test_statement_35_own_writes_are_announced_where_a_udai_was_made(first: Client) -> None:
    created = first.ask_one(domain_create(NAME))
    renewed = first.ask_one(domain_update(NAME, attributes='NewUDAI="1" FullResult="0"'))
    first.ask(
        HANDLE.format("moana-1")
        + handle_update("moana-1", attributes='Name="New"')
        + domain_update(NAME, attributes='Delegate="0"')
        + domain_update(NAME, attributes='Renew="1" Term="1"')
        + domain_update(NAME, attributes='Renew="1"')
    )

    messages = first.messages()

    assert [etree.tostring(one) for one in messages] == [etree.tostring(created), etree.tostring(renewed)]


def test_statement_35_what_the_registry_asks_and_acknowledges_is_not_announced(
    sandbox: Sandbox, udai: str
) -> None:
    sandbox.itself.ask(
        f'<Whois DomainName="{NAME}"/><ResetMsgQ ActionId="r"/>' + acknowledge(1, "r"), attributes=FOR_90
    )

    assert sandbox.first.messages() == []


def test_statement_36_the_oldest_message_comes_until_it_is_acknowledged(first: Client) -> None:
    first.ask("".join(domain_create(name) for name in ("c.nz", "a.nz", "b.nz")))

    for name, remaining in (("c.nz", 2), ("a.nz", 1), ("b.nz", 0)):
        for _ in range(2):
            response = first.ask_one(poll(BOTH))
            message = first_of(response, "Message")
            assert response.get("Rows") == "1"
            assert response.get("MoreRowsAvailable") == ("1" if remaining else None)
            assert message.get("Remaining") == str(remaining)
            assert first_of(message, "Response/Domain").get("DomainName") == name
        first.ask(acknowledge(90, name))

    empty = first.ask_one(poll())
    assert (empty.get("Rows"), len(empty)) == ("0", 1)


def test_statement_36_types_that_are_not_listed_are_skipped(
    sandbox: Sandbox, first: Client, second: Client, udai: str
) -> None:
    first.ask(domain_create("kea.nz") + domain_create("weka.nz"))
    second.ask(transfer(udai, "t-1"))

    def first_with(*types: str) -> tuple[str | None, str | None]:
        message = first_of(
            first.ask_one(poll("".join(f'<TypeFilter Type="{one}"/>' for one in types))), "Message"
        )
        return message[0].get("TransId"), message.get("Remaining")

    assert first_with() == ("kea.nz", "2")
    assert first_with("third-party", "server-generated-data") == ("kea.nz", "2")
    assert first_with("third-party") == ("t-1", "0")
    assert first_with("server-generated-data") == ("kea.nz", "1")


def test_messages_come_in_pages_and_can_be_counted(first: Client) -> None:
    first.ask("".join(domain_create(f"{letter}.nz") for letter in "abcde"))

    page = first.ask_one('<GetMessages QueueMode="1" SkipResults="1" MaxResults="2"/>')
    counted = first.ask_one('<GetMessages QueueMode="1" CountResults="1"/>')

    assert [one.get("Remaining") for one in page.iterchildren("Message")] == ["3", "2"]
    assert page.get("MoreRowsAvailable") == "1"
    assert (counted.get("Count"), len(counted)) == ("5", 1)
    assert first.refusal('<GetMessages QueueMode="1" CountResults="1" MaxResults="1"/>') == (
        "CONFLICTING_RESULTS_PARAMETERS",
    )


def test_a_queue_can_be_filtered(sandbox: Sandbox, first: Client, second: Client, udai: str) -> None:
    first.ask(domain_create("kea.nz", "<AuditText>by Moana</AuditText>"))
    second.ask(transfer(udai, "t-1"))
    sandbox.itself.ask(domain_update("kea.nz", action_id="r-1"), attributes=FOR_90)

    def found(attributes: str, content: str = "") -> list[str | None]:
        query = f'<GetMessages QueueMode="1" {attributes}>{content}</GetMessages>'
        return [one.get("TransId") for one in first.ask_one(query).iterfind("Message/Response")]

    assert found("") == ["kea.nz", "t-1", "r-1"]
    assert found('ActionId="r-1"') == ["r-1"]
    assert found('OriginatingRegistrarId="91"') == ["t-1"]
    assert found('OriginatingRegistrarId="OTHERS"') == ["t-1", "r-1"]
    assert found("", "<AuditTextFilter>*moana</AuditTextFilter>") == ["kea.nz"]
    assert found("", "<AuditTextFilter>nobody</AuditTextFilter>") == []
    assert first.refusal('<GetMessages QueueMode="1" OriginatingRegistrarId="me"/>') == (
        "INVALID_FIELD",
        "me",
        "OriginatingRegistrarId",
    )


def test_the_registry_sees_all_queues(sandbox: Sandbox, first: Client) -> None:
    first.ask(domain_create("kea.nz"))
    query = '<GetMessages QueueMode="1" RecipientRegistrarId="{}"/>'

    assert len(sandbox.itself.ask_one(query.format(90)).findall("Message")) == 1
    assert len(first.ask_one(query.format(90)).findall("Message")) == 1
    assert sandbox.second.refusal(query.format(90)) == ("PERMISSION_DENIED", "Registry")


def test_without_a_queue_the_stored_response_to_an_action_is_found(
    sandbox: Sandbox, first: Client, second: Client, udai: str
) -> None:
    answer = first.ask_one(domain_update(NAME, attributes='Delegate="0"', action_id="an action"))
    refused = first.ask_one(domain_update(NAME, attributes='Renew="1"', action_id="refused"))
    second.ask(transfer(udai, "t-1"))
    first.empty_queue()

    def found(action_id: str) -> list[bytes]:
        response = first.ask_one(f'<GetMessages QryId="q" ActionId="{action_id}"/>')
        assert response.get("TransId") == "q"
        return [etree.tostring(one) for one in response.iterchildren("Response")]

    assert found("an action") == [etree.tostring(answer)]
    assert found("refused") == [etree.tostring(refused)]
    assert b"TransferredDomain" in found("t-1")[0]
    assert found("unknown") == []


def test_without_a_queue_messages_are_found_by_date(sandbox: Sandbox, first: Client, udai: str) -> None:
    now = sandbox.registry.clock.now()
    first.ask(domain_update(NAME, action_id="now"))
    sandbox.registry.clock.move(timedelta(days=1))
    first.ask(domain_update(NAME, action_id="later"))

    def found(**bounds: timedelta) -> list[str | None]:
        range_ = make("TransDateRange")
        range_.extend(make(name, **to_attributes(now + distance)) for name, distance in bounds.items())
        query = f"<GetMessages>{etree.tostring(range_).decode()}</GetMessages>"
        return [one.get("TransId") for one in first.ask_one(query).iterchildren("Response")]

    hour = timedelta(hours=1)
    assert found(From=-hour, To=hour)[-1:] == ["now"]
    assert found(From=hour) == ["later"]
    assert found(To=-hour) == [NAME]  # when it was created
    assert found()[-2:] == ["now", "later"]


def test_without_a_queue_something_must_be_asked_for(first: Client) -> None:
    for query in ("<GetMessages/>", '<GetMessages MaxResults="1"/>', f"<GetMessages>{BOTH}</GetMessages>"):
        assert first.refusal(query) == ("NO_MESSAGE_FILTER_VALUES",)


def test_statement_37_an_acknowledged_message_is_gone(first: Client) -> None:
    first.ask(domain_create(NAME))

    response = first.ask_one(acknowledge(90, NAME))

    assert "Rows" not in response.attrib
    assert attributes_of(first_of(response, "AckResponse")) == {
        "OriginatingRegistrarId": "90",
        "TransId": NAME,
    }
    assert first.messages() == []
    assert first.refusal(acknowledge(90, NAME)) == ("ALREADY_ACKED_MESSAGE", "90", NAME)


@pytest.mark.parametrize(
    ("originator", "trans_id"),
    [(90, "unknown"), (90, f"{NAME} "), (90, NAME.upper()), (91, NAME), (1, NAME), (0, NAME), (90, "")],
)
def test_statement_37_a_message_is_named_exactly(first: Client, originator: int, trans_id: str) -> None:
    first.ask(domain_create(NAME))

    error = first.refusal(acknowledge(originator, trans_id))

    assert error == ("MESSAGE_DOES_NOT_EXIST", str(originator), trans_id)
    assert len(first.messages()) == 1


def test_statement_37_nobody_acknowledges_for_another(first: Client, second: Client) -> None:
    first.ask(domain_create(NAME))

    assert second.refusal(acknowledge(90, NAME)) == ("MESSAGE_DOES_NOT_EXIST", "90", NAME)


@pytest.mark.parametrize(
    "trans_id", ["ends with a blank ", " Kākāpō  ☃ 1", "a%20b+c&amp;d&lt;", "a&#9;b&#10;c"]
)
def test_statement_37_any_text_survives_as_a_name(
    first: Client, second: Client, udai: str, trans_id: str
) -> None:
    second.ask(transfer(udai, trans_id))
    [message] = first.messages()
    given = etree.fromstring(f'<a b="{trans_id}"/>').get("b")

    assert message.get("TransId") == given
    element = make("AckMessage", ActionId=fresh_id(), OriginatingRegistrarId="91", TransId=given)
    response = first.ask_one(etree.tostring(element, encoding="unicode"))
    assert first_of(response, "AckResponse").get("TransId") == given
    assert first.messages() == []


def test_a_message_is_named_by_a_number_and_a_text(first: Client) -> None:
    order = '<AckMessage ActionId="a" OriginatingRegistrarId="me" TransId="x"/>'

    assert first.refusal(order) == ("INVALID_FIELD", "me", "OriginatingRegistrarId")


def test_a_queue_can_be_emptied(first: Client, second: Client) -> None:
    first.ask(domain_create("a.nz") + domain_create("b.nz"))
    second.ask(domain_create("c.nz"))

    response = first.ask_one('<ResetMsgQ ActionId="r"/>')

    assert (response.get("Rows"), len(response)) == ("0", 1)
    assert first.messages() == []
    assert len(second.messages()) == 1


def raw(response: Element, tag: str) -> tuple[bytes, bytes]:
    """The document and the signature."""
    escaped = str(response.findtext(f"{tag}/XML"))
    assert not set(escaped) & set("<>& ")
    xml = unquote_plus(escaped, encoding="latin-1").encode("latin-1")
    return xml, str(response.findtext(f"{tag}/Signature")).encode()


def test_an_action_is_found_with_the_documents_and_their_signatures(sandbox: Sandbox, first: Client) -> None:
    root = first.ask('<Whois DomainName="a.nz"/>' + domain_create("kea.nz", action_id="Kākāpō 1 "))

    response = first.ask_one('<ActionDetailsQry QryId="q" ActionId="Kākāpō 1 "/>')

    assert "Rows" not in response.attrib
    assert response.get("TransId") == "q"
    request_xml, request_signature = raw(response, "RawRequest")
    response_xml, response_signature = raw(response, "RawResponse")
    Keyring([sandbox.keys.first.certificate]).verify(request_xml, request_signature)
    first.registry.verify(response_xml, response_signature)
    request = etree.fromstring(request_xml)
    assert [action.tag for action in request] == ["Whois", "DomainCreate"]
    assert etree.tostring(etree.fromstring(response_xml)) == etree.tostring(root)


def test_an_action_that_is_not_known_has_no_details(sandbox: Sandbox, first: Client) -> None:
    first.ask(domain_create("kea.nz", action_id="a-1"))

    for client, query in (
        (first, '<ActionDetailsQry ActionId="a-2"/>'),
        (first, '<ActionDetailsQry ActionId="a-1 "/>'),
        (first, '<ActionDetailsQry ActionId="a-1" OriginatingRegistrarId="91"/>'),
        (sandbox.second, '<ActionDetailsQry ActionId="a-1"/>'),
        (sandbox.second, '<ActionDetailsQry ActionId="a-1" OriginatingRegistrarId="90"/>'),
        (sandbox.itself, '<ActionDetailsQry ActionId="a-1"/>'),
    ):
        response = client.ask_one(query)
        assert [child.tag for child in response] == ["FeTimeStamp"]


def test_the_registry_finds_the_actions_of_all(sandbox: Sandbox, first: Client) -> None:
    first.ask(domain_create("kea.nz", action_id="a-1"))

    found = sandbox.itself.ask_one('<ActionDetailsQry ActionId="a-1" OriginatingRegistrarId="90"/>')

    assert b"kea.nz" in raw(found, "RawRequest")[0]


def test_a_refused_action_has_details_too(first: Client) -> None:
    first.ask(domain_update("kea.nz", attributes='Lock="1"', action_id="a-1"))

    found = first.ask_one('<ActionDetailsQry ActionId="a-1" OriginatingRegistrarId="90"/>')

    assert b"LOCK_ATTEMPT" in raw(found, "RawResponse")[0]
