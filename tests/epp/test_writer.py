"""Greetings and responses: whatever goes into them, what comes out is valid and says just that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from srs_epp.epp import contact, domain, rgp, secdns
from srs_epp.epp.namespaces import CONTACT, DOMAIN, EPP, RGP, SECDNS
from srs_epp.epp.reader import Services
from srs_epp.epp.results import CLOSING, TEXTS, EppError, ObjectDoesNotExist, PolicyError
from srs_epp.epp.writer import ExtValue, Greeting, Response
from tests.epp import documents
from tests.support.answers import Answer
from tests.support.validity import assert_valid

MOMENT = datetime(2019, 3, 4, 20, 7, 2, tzinfo=UTC)
SERVICES = Services((str(DOMAIN), str(CONTACT)), (str(SECDNS), str(RGP)))
ODD_TEXTS = ["a & b", "<b>", "]]>", "Kāore", "東京 🦜", "two\nlines", "tab\there", "'\"", "x" * 5000, "&amp;"]
# what XML can carry
texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
)


def greeted(greeting: Greeting, moment: datetime = MOMENT) -> Answer:
    return Answer.read(greeting.octets(moment))


# -- greetings


def test_a_greeting_says_who_we_are_and_what_we_offer() -> None:
    greeting = greeted(Greeting("eppd.example.nz", SERVICES))

    assert greeting.text("//epp:svID") == "eppd.example.nz"
    assert greeting.text("//epp:svDate") == "2019-03-04T20:07:02Z"
    assert greeting.texts("//epp:svcMenu/*[not(*)]") == ["1.0", "en", DOMAIN, CONTACT]
    assert greeting.texts("//epp:extURI") == [SECDNS, RGP]


def test_a_greeting_without_extensions_offers_no_empty_list_of_them() -> None:
    greeting = greeted(Greeting("eppd", Services((str(DOMAIN),))))

    assert greeting.texts("//epp:svcExtension") == []


def test_a_greeting_has_the_date_of_its_moment_in_utc() -> None:
    greeting = Greeting("eppd", SERVICES)
    later = MOMENT.astimezone(timezone(timedelta(hours=13))) + timedelta(days=1)

    assert greeted(greeting).text("//epp:svDate") == "2019-03-04T20:07:02Z"
    assert greeted(greeting, later).text("//epp:svDate") == "2019-03-05T20:07:02Z"


def test_the_default_policy_is_that_of_a_registrar_for_its_business() -> None:
    dcp = greeted(Greeting("eppd", SERVICES)).root.find(f".//{EPP('dcp')}")

    assert dcp is not None
    assert [etree.QName(leaf).localname for leaf in dcp.iter() if not len(leaf)] == [
        "personalAndOther", "admin", "prov", "ours", "business",
    ]  # fmt: skip


def test_the_policy_can_be_another() -> None:
    policy = (
        f'<dcp xmlns="{EPP}"><access><none/></access>'
        + documents.statement("<other/>", "<public/>", "<indefinite/>")
        + "</dcp>"
    )

    assert greeted(Greeting("eppd", SERVICES, policy)).texts("//epp:retention/epp:indefinite") == [""]


@pytest.mark.parametrize("name", ["eppd & sons", "<eppd>", "Kākāpō", "a]]>b"])
def test_a_server_may_have_an_odd_name(name: str) -> None:
    assert greeted(Greeting(name, SERVICES)).text("//epp:svID") == name


# -- responses


@pytest.mark.parametrize("code", TEXTS)
def test_a_response_of_each_code_is_valid_and_has_the_rfcs_text(code: int) -> None:
    answer = Answer.of(Response(code))

    assert (answer.code, answer.message) == (code, TEXTS[code])


@pytest.mark.parametrize("code", TEXTS)
def test_1500_and_what_is_2500_and_above_end_the_session(code: int) -> None:
    assert Response(code).closes is (code in (1500, 2500, 2501, 2502))
    assert CLOSING == 2500


def test_a_response_bears_both_identifiers() -> None:
    answer = Answer.of(Response(1000, client_trid="ABC & <1>", server_trid="eppd-17"))

    assert (answer.client_trid, answer.server_trid) == ("ABC & <1>", "eppd-17")


def test_a_response_to_a_command_without_cltrid_has_none() -> None:
    answer = Answer.of(Response(1000, server_trid="eppd-17"))

    assert answer.texts("//epp:clTRID") == []


def test_identifying_a_response_leaves_the_rest_of_it() -> None:
    response = Response(2303, "Not there", (ExtValue("x", "y"),)).identified("abc", "eppd-1")

    answer = Answer.of(response)
    assert (answer.code, answer.message, answer.value_text, answer.reason) == (2303, "Not there", "x", "y")


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_text_is_written_as_it_is(text: str) -> None:
    answer = Answer.of(Response(2306, text, (ExtValue(text, text),)))

    assert answer.message == text
    assert answer.reason == text
    assert answer.value_text == text


@given(message=texts, value=texts, reason=texts)
def test_no_text_makes_a_response_invalid(message: str, value: str, reason: str) -> None:
    answer = Answer.of(Response(2306, message, (ExtValue(value, reason),)))

    assert answer.message == (message or TEXTS[2306])
    assert (answer.value_text, answer.reason or "") == (value, reason)


def test_responses_are_utf_8_and_say_so() -> None:
    octets = Response(1000, "Kākāpō", server_trid="eppd-1").octets()

    assert octets.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert "Kākāpō".encode() in octets


# -- refusals


@pytest.mark.parametrize("kind", EppError.of_code.values(), ids=lambda kind: kind.__name__)
def test_each_refusal_is_a_valid_response_of_its_code(kind: type[EppError]) -> None:
    answer = Answer.to(kind("some reason", value="some value"))

    assert answer.code == kind.code
    assert answer.message == f"{TEXTS[kind.code]}: some reason"
    assert (answer.value_text, answer.reason) == ("some value", "some reason")


def test_a_refusal_without_reason_has_only_the_rfcs_text() -> None:
    answer = Answer.to(ObjectDoesNotExist())

    assert answer.message == "Object does not exist"
    assert (answer.value, answer.reason) == (None, None)


def test_a_refusal_with_a_reason_but_no_value_has_no_ext_value() -> None:
    answer = Answer.to(PolicyError("no such thing"))

    assert answer.message == "Parameter value policy error: no such thing"
    assert answer.texts("//epp:extValue") == []


def test_a_value_without_a_reason_is_explained_by_the_message() -> None:
    answer = Answer.to(ObjectDoesNotExist(value="kakapo.co.nz"))

    assert (answer.value_text, answer.reason) == ("kakapo.co.nz", "Object does not exist")


def test_the_registrys_own_words_replace_the_message() -> None:
    answer = Answer.to(PolicyError("a reason", value="x", message="Too many kākāpō"))

    assert (answer.message, answer.reason) == ("Too many kākāpō", "a reason")


def test_an_element_that_is_a_value_keeps_its_place_in_the_clients_document() -> None:
    document = etree.fromstring(documents.DOCUMENTS["domain-check"])
    element = next(document.iter(DOMAIN("name")))

    answer = Answer.to(PolicyError("no", value=element))

    assert answer.value is not None
    assert etree.fromstring(answer.value).tag == DOMAIN("name")
    assert element.getparent() is not None


# -- data


FULL_DOMAIN = domain.InfoData(
    name="kakapo.co.nz",
    roid="c94b3d3b2a4d-DOM",
    statuses=("clientHold", "inactive"),
    client_id="100",
    registrant="moana-1",
    contacts=(domain.ContactReference("admin", "moana-1"), domain.ContactReference("tech", "dns-team")),
    servers=(
        domain.NameServer("ns1.kakapo.co.nz", (("v4", "192.0.2.1"), ("v6", "2001:db8::1"))),
        domain.NameServer("ns.example.net"),
    ),
    created=MOMENT,
    updater_id="001",
    updated=MOMENT,
    expires=MOMENT,
    auth_info="Hk7mNp2Q",
)
FULL_CONTACT = contact.InfoData(
    id="moana-1",
    roid="c94b3d3b2a4d-CON",
    postal_info=contact.PostalInfo(
        "loc", "Moana", contact.Address(("1 Acacia Ave", "Kelburn"), "Wellington", "NZ", "Wellington", "6012")
    ),
    voice=contact.Phone("+64.4123456", "ext 1"),
    fax=contact.Phone("+64.4123457"),
    email="moana@example.net",
    client_id="100",
    created=MOMENT,
    updater_id="001",
    updated=MOMENT,
    private=True,
)
LEAST_ADDRESS = contact.PostalInfo("int", "M", contact.Address((), "W", "NZ"))
DATA = {
    "a whole domain": FULL_DOMAIN.markup(),
    "the least domain": domain.InfoData("a.nz", "x-DOM", ("ok",), "100").markup(),
    "a whole contact": FULL_CONTACT.markup(),
    "the least contact": contact.InfoData(
        "moana-1", "x-CON", LEAST_ADDRESS, None, None, "m", "100", MOMENT
    ).markup(),
    "a domain check": domain.check_data([("a.nz", None), ("b.nz", "Registered")]),
    "a contact check": contact.check_data([("moana-1", "In use"), ("moana-2", None)]),
    "a domain created": domain.create_data("a.nz", MOMENT, MOMENT),
    "a domain created, expiry unknown": domain.create_data("a.nz", MOMENT, None),
    "a contact created": contact.create_data("moana-1", MOMENT),
}


@pytest.mark.parametrize("name", DATA)
def test_data_is_valid(name: str) -> None:
    answer = Answer.of(Response(1000, data=(DATA[name],)))

    assert len(answer.texts("//epp:resData/*")) == 1


def test_several_records_stand_in_one_res_data_in_order() -> None:
    data = tuple(domain.create_data(name, MOMENT, None) for name in ("a.nz", "b.nz"))

    assert Answer.of(Response(1301, data=data)).texts("//epp:resData/*/domain:name") == ["a.nz", "b.nz"]


def test_extensions_stand_beside_the_data() -> None:
    extensions = (secdns.info_data([secdns.DSData(1, 8, 2, "00ff")]), rgp.info_data(["addPeriod"]))

    answer = Answer.of(Response(1000, data=(FULL_DOMAIN.markup(),), extensions=extensions))

    assert answer.texts("/epp:epp/epp:response/epp:extension/secDNS:infData//secDNS:digest") == ["00ff"]
    assert answer.texts("/epp:epp/epp:response/epp:extension/rgp:infData/rgp:rgpStatus/@s") == ["addPeriod"]


def test_a_contact_that_is_private_discloses_neither_address_nor_numbers() -> None:
    answer = Answer.of(Response(1000, data=(FULL_CONTACT.markup(),)))

    assert answer.texts("//contact:disclose/@flag") == ["0"]
    assert answer.texts("//contact:disclose/contact:addr/@type") == ["loc"]
    assert len(answer.texts("//contact:disclose/*")) == 3


def test_dates_are_written_in_utc() -> None:
    local = MOMENT.astimezone(timezone(timedelta(hours=13)))

    answer = Answer.of(Response(1000, data=(domain.create_data("a.nz", local, local),)))

    assert answer.texts("//domain:crDate | //domain:exDate") == ["2019-03-04T20:07:02Z"] * 2


def test_the_check_of_all_tests_refuses_what_is_not_valid() -> None:
    octets = Response(1000, server_trid="no").octets()

    with pytest.raises(AssertionError, match="not valid by ours"):
        assert_valid(octets)
