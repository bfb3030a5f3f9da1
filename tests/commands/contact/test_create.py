"""contact:create: one HandleCreate, and refusals of what the registry's handles do not have."""

from __future__ import annotations

import pytest
from lxml import etree

from srs_epp.srs.actions import HandleCreate
from srs_epp.srs.values import Phone, PostalAddress
from tests.epp import documents
from tests.support import records
from tests.support.answers import Answer
from tests.support.mappings import SERVER_TRID, run

STREETS = "At least 1 and no more than 2 street lines must be supplied in the address"
VOICE = "<contact:voice>+64.4123456</contact:voice>"
EMAIL = "<contact:email>moana@example.net</contact:email>"


def postal(*streets: str, org: str = "", rest: str = "", kind: str = "int") -> str:
    lines = "".join(f"<contact:street>{street}</contact:street>" for street in streets)
    return (
        f'<contact:postalInfo type="{kind}"><contact:name>Moana Example</contact:name>{org}<contact:addr>'
        f"{lines}<contact:city>Wellington</contact:city>{rest}<contact:cc>NZ</contact:cc>"
        "</contact:addr></contact:postalInfo>"
    )


def create(info: str = "", phones: str = VOICE, disclose: str = "") -> str:
    """The command, of one street where ``info`` says nothing else."""
    return documents.contact(
        "create",
        "<contact:id>moana-1</contact:id>"
        + (info or postal("1 Acacia Ave"))
        + phones
        + EMAIL
        + documents.CONTACT_SECRET
        + disclose,
    )


def disclose(flag: str, *names: str) -> str:
    inner = "".join(f"<contact:{name}/>" for name in names)
    return f'<contact:disclose flag="{flag}">{inner}</contact:disclose>'


ADDR = 'addr type="int"'
NAME = 'name type="int"'
ORG = 'org type="loc"'


def sent(document: str) -> HandleCreate:
    """The one action that the command becomes."""
    [[action]] = run(document, [records.result(records.handle())]).asked
    assert isinstance(action, HandleCreate)
    return action


def refused(document: str) -> Answer:
    """The answer to what the registry is not asked."""
    dialogue = run(document)
    assert dialogue.asked == []
    return dialogue.answer


# -- what is sent


def test_the_least_contact_is_sent() -> None:
    assert sent(create()) == HandleCreate(
        action_id="TEST-0001",
        handle_id="moana-1",
        name="Moana Example",
        email="moana@example.net",
        address=PostalAddress("1 Acacia Ave", "Wellington", "NZ"),
        phone=Phone("64", "", "4123456"),
    )


def test_a_whole_contact_is_sent() -> None:
    rest = "<contact:sp>Wgtn</contact:sp><contact:pc>6012</contact:pc>"
    phones = '<contact:voice x="12">+64.4123456</contact:voice><contact:fax>+64.4123457</contact:fax>'

    action = sent(create(postal("1 Acacia Ave", "Kelburn", rest=rest, kind="loc"), phones))

    assert action.address == PostalAddress("1 Acacia Ave", "Wellington", "NZ", "Kelburn", "Wgtn", "6012")
    assert (action.phone, action.fax) == (Phone("64", "", "4123456x12"), Phone("64", "", "4123457"))


def test_empty_optional_parts_are_not_sent() -> None:
    rest = "<contact:sp/><contact:pc/>"

    action = sent(
        create(postal("1 Acacia Ave", "", org="<contact:org/>", rest=rest), VOICE + "<contact:fax/>")
    )

    assert action.address == PostalAddress("1 Acacia Ave", "Wellington", "NZ")
    assert action.fax is None


def test_without_a_cltrid_the_action_bears_our_own_identifier() -> None:
    assert sent(create().replace("<clTRID>TEST-0001</clTRID>", "")).action_id == SERVER_TRID


def test_auth_info_goes_nowhere() -> None:
    assert b"2fooBAR" not in etree.tostring(sent(create()).element())


def test_a_create_is_a_write() -> None:
    assert sent(create()).writes


@pytest.mark.parametrize(
    ("preference", "privacy"),
    [
        ("", None),
        (disclose("0", ADDR), True),
        (disclose("0", "voice"), True),
        (disclose("false", "fax"), True),
        (disclose("0", ADDR, "voice", "fax"), True),
        (disclose("1", ADDR), False),
        (disclose("true", NAME, "voice"), False),
        (disclose("1", NAME, ORG, "email"), None),
        (disclose("1"), None),
        (disclose("0"), None),
    ],
)
def test_what_may_be_disclosed_is_the_handles_privacy(preference: str, privacy: bool | None) -> None:
    action = sent(create(disclose=preference))

    assert action.privacy is privacy
    shown = {None: None, True: "1", False: "0"}[privacy]
    assert action.element().get("Privacy") == shown


# -- what is refused before the registry hears of it


def test_two_postal_infos_are_2306() -> None:
    answer = refused(create(postal("1 Acacia Ave") + postal("1 Acacia Ave", kind="loc")))

    assert (answer.code, answer.reason) == (2306, "Only one postal info element per contact supported")


def test_an_organisation_is_2306_with_its_element() -> None:
    answer = refused(create(postal("1 Acacia Ave", org="<contact:org>Example Ltd</contact:org>")))

    assert (answer.code, answer.reason, answer.value_text) == (2306, "org field not supported", "Example Ltd")


@pytest.mark.parametrize("streets", [(), ("",), ("", ""), ("a", "b", "c"), ("a", "b", "")])
def test_no_street_or_three_are_2306(streets: tuple[str, ...]) -> None:
    answer = refused(create(postal(*streets)))

    assert (answer.code, answer.message) == (2306, f"Parameter value policy error: {STREETS}")


@pytest.mark.parametrize(
    ("phones", "reason"),
    [
        ("", "Voice phone number must be provided"),
        ("<contact:fax>+64.4123456</contact:fax>", "Voice phone number must be provided"),
        ("<contact:voice/>", "Voice phone number cannot be blank"),
        ('<contact:voice x="12"> </contact:voice>', "Voice phone number cannot be blank"),
    ],
)
def test_no_number_to_call_is_2306(phones: str, reason: str) -> None:
    answer = refused(create(phones=phones))

    assert (answer.code, answer.message) == (2306, f"Parameter value policy error: {reason}")


@pytest.mark.parametrize(
    ("preference", "element"),
    [
        (disclose("0", NAME), "name"),
        (disclose("0", ORG), "org"),
        (disclose("0", "email"), "email"),
        (disclose("0", ADDR, "voice", "email"), "email"),
    ],
)
def test_to_withhold_what_the_registry_shows_to_everybody_is_2308(preference: str, element: str) -> None:
    answer = refused(create(disclose=preference))

    assert answer.code == 2308
    assert answer.value is not None
    assert etree.QName(etree.fromstring(answer.value)).localname == element


@pytest.mark.parametrize(
    "document",
    [
        create(postal("a") * 2, phones="", disclose=disclose("0", "email")),
        create(postal(), disclose=disclose("0", "email")),
        create(phones="", disclose=disclose("0", "email")),
    ],
)
def test_other_rules_come_before_the_disclosure(document: str) -> None:
    assert refused(document).code == 2306


def test_rules_are_complained_of_in_their_order() -> None:
    wrong = postal("a", "b", "c", org="<contact:org>Example Ltd</contact:org>")

    reasons = [refused(create(info, phones="")).message for info in (wrong * 2, wrong, postal(), postal("a"))]

    assert [reason.partition(": ")[2] for reason in reasons] == [
        "Only one postal info element per contact supported",
        "org field not supported",
        STREETS,
        "Voice phone number must be provided",
    ]


# -- the answer


def test_the_answer_has_the_id_and_the_registrys_time() -> None:
    answer = run(create(), [records.result(records.handle())]).answer

    assert answer.texts("//contact:creData/*") == ["moana-1", "2019-03-04T20:07:02Z"]


def test_an_answer_without_a_handle_is_2400() -> None:
    assert run(create(), [records.result()]).answer.code == 2400


def test_a_handle_that_is_there_already_is_2302() -> None:
    answer = run(create(), [records.refused("HANDLE_ALREADY_EXISTS", "It is there", "moana-1")]).answer

    assert (answer.code, answer.value_text, answer.reason) == (2302, "moana-1", "handleId")
