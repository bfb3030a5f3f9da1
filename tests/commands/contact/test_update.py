"""``<contact:update>``: what a handle does not have is refused, what it has is replaced."""

from __future__ import annotations

import pytest

from srs_epp.srs.actions import HandleUpdate
from srs_epp.srs.errors import SRSError
from srs_epp.srs.values import Phone, PostalAddress
from tests.epp import documents
from tests.support import records
from tests.support.mappings import SERVER_TRID, Dialogue, run

DONE = [records.result(records.handle("sh8013"))]
NAME_ONLY = '<contact:postalInfo type="int"><contact:name>J</contact:name></contact:postalInfo>'
EMAIL = "<contact:email>jane@example.co.nz</contact:email>"
STREETS = "At least 1 and no more than 2 street lines must be supplied in the address"


def update(chg: str | None = None, *, add: str = "", rem: str = "") -> str:
    inner = documents.ID
    inner += f"<contact:add>{add}</contact:add>" if add else ""
    inner += f"<contact:rem>{rem}</contact:rem>" if rem else ""
    inner += f"<contact:chg>{chg}</contact:chg>" if chg is not None else ""
    return documents.contact("update", inner)


def address(*streets: str, rest: str = "") -> str:
    """A postal info with nothing but an address."""
    lines = "".join(f"<contact:street>{street}</contact:street>" for street in streets)
    return (
        f'<contact:postalInfo type="int"><contact:addr>{lines}<contact:city>Wellington</contact:city>{rest}'
        "<contact:cc>NZ</contact:cc></contact:addr></contact:postalInfo>"
    )


def disclose(flag: str, *names: str) -> str:
    shown = "".join(
        f'<contact:{name} type="int"/>' if name in ("name", "org", "addr") else f"<contact:{name}/>"
        for name in names
    )
    return f'<contact:disclose flag="{flag}">{shown}</contact:disclose>'


def ordered(dialogue: Dialogue) -> HandleUpdate:
    """The one change that it asked for."""
    [[action]] = dialogue.asked
    assert isinstance(action, HandleUpdate)
    return action


def refusal(document: str) -> tuple[int, str | None, str | None]:
    """Code, reason (or what follows the code's text) and the value's text; nothing was asked."""
    dialogue = run(document)
    assert dialogue.asked == []
    answer = dialogue.answer
    return answer.code, answer.reason or answer.message.partition(": ")[2], answer.value_text


# -- nothing to do, and what handles do not have


@pytest.mark.parametrize("document", [update(), update("")])
def test_an_update_with_nothing_to_do_is_2003(document: str) -> None:
    assert refusal(document) == (2003, "nothing to update", None)


@pytest.mark.parametrize("part", ["add", "rem"])
@pytest.mark.parametrize("name", documents.CONTACT_STATUSES)
def test_any_status_is_2102_with_it_as_value(part: str, name: str) -> None:
    answer = run(update(**{part: f'<contact:status s="{name}"/>'})).answer

    assert (answer.code, answer.reason) == (2102, "statuses are not supported")
    assert f's="{name}"' in (answer.value or "")


def test_a_status_beside_a_change_is_2102() -> None:
    assert refusal(update(EMAIL, add='<contact:status s="ok"/>'))[0] == 2102


@pytest.mark.parametrize("secret", [documents.CONTACT_SECRET, documents.CONTACT_PROOF])
def test_auth_info_alone_is_2102_and_is_not_echoed(secret: str) -> None:
    answer = run(update(secret)).answer

    assert (answer.code, answer.reason) == (2102, "contacts have no authInfo")
    assert "2fooBAR" not in answer.xml


def test_auth_info_beside_a_change_goes_nowhere() -> None:
    dialogue = run(update(EMAIL + documents.CONTACT_SECRET), DONE)

    assert dialogue.answer.code == 1000
    assert ordered(dialogue) == HandleUpdate(
        action_id="TEST-0001", handle_id="sh8013", email="jane@example.co.nz"
    )


# -- each part


def test_an_email_alone_is_all_that_is_sent() -> None:
    assert ordered(run(update(EMAIL), DONE)) == HandleUpdate(
        action_id="TEST-0001", handle_id="sh8013", email="jane@example.co.nz"
    )


def test_a_name_alone_leaves_the_address() -> None:
    assert ordered(run(update(NAME_ONLY), DONE)) == HandleUpdate(
        action_id="TEST-0001", handle_id="sh8013", name="J"
    )


def test_an_address_replaces_the_whole_of_the_old_one() -> None:
    change = ordered(run(update(address("1 Acacia Ave")), DONE))

    assert change.address == PostalAddress("1 Acacia Ave", "Wellington", "NZ", "", "", "")
    assert change.name is None
    found = change.element().find("PostalAddress")
    assert found is not None
    assert [found.get(name) for name in ("Address2", "Province", "PostalCode")] == ["", "", ""]


def test_an_address_with_all_its_parts_is_sent_whole() -> None:
    rest = "<contact:sp>Wgtn</contact:sp><contact:pc>6012</contact:pc>"

    change = ordered(run(update(address("1 Acacia Ave", "Kelburn", rest=rest)), DONE))

    assert change.address == PostalAddress("1 Acacia Ave", "Wellington", "NZ", "Kelburn", "Wgtn", "6012")


def test_a_voice_is_told_with_an_empty_area_code_and_its_extension() -> None:
    change = ordered(run(update('<contact:voice x="12">+64.41234567</contact:voice>'), DONE))

    assert change.phone == Phone("64", "", "41234567x12")
    assert change.fax is None
    assert not change.clear_fax


def test_a_fax_is_told() -> None:
    change = ordered(run(update("<contact:fax>+64.41234568</contact:fax>"), DONE))

    assert (change.fax, change.clear_fax, change.phone) == (Phone("64", "", "41234568"), False, None)


def test_an_empty_fax_is_sent_as_an_empty_element() -> None:
    change = ordered(run(update("<contact:fax/>"), DONE))

    assert (change.fax, change.clear_fax) == (None, True)
    found = change.element().find("Fax")
    assert found is not None
    assert not found.attrib


def test_everything_at_once_is_one_change() -> None:
    postal = '<contact:postalInfo type="loc"><contact:name>Jāne</contact:name>'
    postal = address("1 Acacia Ave").replace('<contact:postalInfo type="int">', postal)
    chg = postal + documents.TELEPHONES + EMAIL + documents.CONTACT_SECRET + disclose("0", "voice")

    assert ordered(run(update(chg), DONE)) == HandleUpdate(
        action_id="TEST-0001",
        handle_id="sh8013",
        name="Jāne",
        email="jane@example.co.nz",
        address=PostalAddress("1 Acacia Ave", "Wellington", "NZ", "", "", ""),
        phone=Phone("64", "", "4123456789x1234"),
        fax=Phone("64", "", "4123456780"),
        privacy=True,
    )


# -- checks as in create


def test_two_postal_infos_are_2306() -> None:
    two = NAME_ONLY + NAME_ONLY.replace('"int"', '"loc"')

    assert refusal(update(two)) == (2306, "Only one postal info element per contact supported", "loc")


def test_an_organisation_is_2306_with_it_as_value() -> None:
    org = '<contact:postalInfo type="int"><contact:org>Moana Ltd</contact:org></contact:postalInfo>'

    assert refusal(update(org)) == (2306, "org field not supported", "Moana Ltd")


def test_an_empty_organisation_is_none() -> None:
    org = NAME_ONLY.replace("</contact:name>", "</contact:name><contact:org/>")

    assert run(update(org), DONE).answer.code == 1000


@pytest.mark.parametrize("streets", [(), ("",), ("", ""), ("a", "b", "c")])
def test_an_address_without_a_street_or_with_three_is_2306(streets: tuple[str, ...]) -> None:
    assert refusal(update(address(*streets))) == (2306, STREETS, None)


def test_an_empty_voice_is_2306() -> None:
    assert refusal(update("<contact:voice/>")) == (2306, "Voice phone number cannot be blank", None)


@pytest.mark.parametrize(
    ("chg", "reason"),
    [
        (
            address() + NAME_ONLY.replace('"int"', '"loc"'),
            "Only one postal info element per contact supported",
        ),
        (
            address().replace("<contact:addr>", "<contact:org>M</contact:org><contact:addr>"),
            "org field not supported",
        ),
        (address() + "<contact:voice/>", STREETS),
        ("<contact:voice/>" + disclose("0", "email"), "Voice phone number cannot be blank"),
    ],
)
def test_of_two_faults_the_rule_that_stands_first_is_told(chg: str, reason: str) -> None:
    assert refusal(update(chg))[:2] == (2306, reason)


# -- disclose


@pytest.mark.parametrize("names", [("addr",), ("voice",), ("fax",), ("addr", "voice", "fax")])
@pytest.mark.parametrize(("flag", "private"), [("0", True), ("1", False), ("false", True), ("true", False)])
def test_disclose_of_what_the_registry_can_withhold_is_privacy(
    names: tuple[str, ...], flag: str, private: bool
) -> None:
    assert ordered(run(update(disclose(flag, *names)), DONE)).privacy is private


@pytest.mark.parametrize("names", [(), ("name",), ("org",), ("email",), ("name", "org", "email")])
def test_showing_what_is_shown_anyway_says_nothing(names: tuple[str, ...]) -> None:
    assert ordered(run(update(EMAIL + disclose("1", *names)), DONE)).privacy is None


def test_showing_everything_shows_what_could_be_withheld() -> None:
    assert ordered(run(update(disclose("1", "name", "addr", "email")), DONE)).privacy is False


@pytest.mark.parametrize("name", ["name", "org", "email"])
def test_withholding_what_the_registry_shows_to_everybody_is_2308_with_it_as_value(name: str) -> None:
    answer = run(update(disclose("0", name))).answer

    assert answer.code == 2308
    assert f"contact:{name}" in (answer.value or "")


def test_one_thing_that_cannot_be_withheld_makes_the_others_2308() -> None:
    assert refusal(update(disclose("0", "addr", "voice", "email")))[0] == 2308


# -- the registry's word


def test_an_update_that_is_done_is_1000_without_data() -> None:
    answer = run(update(EMAIL), DONE).answer

    assert (answer.code, answer.texts("//epp:resData")) == (1000, [])


@pytest.mark.parametrize(
    ("error_id", "details", "code", "value"),
    [
        ("HANDLE_DOES_NOT_EXIST", ("sh8013",), 2303, "sh8013"),
        ("INVALID_FIELD", ("not an address", "Email"), 2306, "not an address"),
        ("SYSTEM_READONLY", (), 2400, None),
    ],
)
def test_a_refusal_of_the_registry_is_told(
    error_id: str, details: tuple[str, ...], code: int, value: str | None
) -> None:
    answer = run(update(EMAIL), [records.refused(error_id, "not so", *details)]).answer

    assert (answer.code, answer.message, answer.value_text) == (code, "not so", value)


def test_a_refusal_of_the_whole_request_is_told() -> None:
    assert run(update(EMAIL), SRSError("SYSTEM_ERROR", "down", whole=True)).answer.code == 2500


def test_without_a_cltrid_the_servers_own_is_the_action_id() -> None:
    document = update(EMAIL).replace("<clTRID>TEST-0001</clTRID>", "")

    assert ordered(run(document, DONE)).action_id == SERVER_TRID
