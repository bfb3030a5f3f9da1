"""Transport and envelope: statements 1 to 10 of the protocol's list."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from srs_epp.srs import form
from tests.registry.client import HANDLE, Client, domain_create, error_of, first_of, stamp
from tests.registry.conftest import Keys, Sandbox

WHOIS = '<Whois DomainName="kakapo.co.nz" FullResult="0"/>'
ROOT = '<NZSRSRequest VerMajor="5" VerMinor="0">'


def count(sandbox: Sandbox) -> str:
    """The number of domains that there are, as the registry itself sees it."""
    return str(sandbox.itself.ask_one('<DomainDetailsQry CountResults="1"/>').get("Count"))


def test_statement_01_a_post_is_answered_by_a_signed_form(first: Client) -> None:
    response, body = first.http(
        "POST", first.signed(f"{ROOT}{WHOIS}</NZSRSRequest>".encode()), {"Content-Type": form.MIME_TYPE}
    )

    assert response.status == 200
    assert response.getheader("Content-Type") == "application/x-www-form-urlencoded"
    first.read(body)  # which verifies s over r


def test_statement_01_the_answer_escapes_as_the_srs_does(first: Client) -> None:
    body = first.signed(f"{ROOT}{WHOIS}</NZSRSRequest>".encode())
    _, answer = first.http("POST", body, {"Content-Type": form.MIME_TYPE})

    assert re.fullmatch(rb"r=([0-9A-Za-z_+-]|%[0-9a-f]{2})+&s=([0-9A-Za-z_+-]|%[0-9a-f]{2})+", answer)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_statement_01_other_methods_answer_405(first: Client, method: str) -> None:
    response, _ = first.http(method)

    assert response.status == 405
    assert response.getheader("Allow") == "POST"


def test_statement_02_missing_fields_are_named(first: Client) -> None:
    assert error_of(first.post(form.encode({"r": b"<a/>"}))) == ("MISSING_POST_PARAMETERS", "n", "s")
    assert error_of(first.post(b"")) == ("MISSING_POST_PARAMETERS", "n", "r", "s")


def test_statement_02_extra_fields_are_named(first: Client) -> None:
    body = first.signed(f"{ROOT}{WHOIS}</NZSRSRequest>".encode())

    assert error_of(first.post(body + b"&x=1&y=2")) == ("EXTRA_POST_PARAMETERS", "x", "y")


@pytest.mark.parametrize("content_type", ["text/xml", "", "multipart/form-data"])
def test_statement_02_another_mime_type_is_refused(first: Client, content_type: str) -> None:
    body = first.signed(f"{ROOT}{WHOIS}</NZSRSRequest>".encode())

    error = error_of(first.post(body, content_type))

    assert error == ("WRONG_MIME_TYPE", form.MIME_TYPE, content_type)


@pytest.mark.parametrize(
    "sender", ["92", "0", "-1", "ninety", "", "90.0", "9" * 30, "\N{ARABIC-INDIC DIGIT NINE}"]
)
def test_statement_02_an_unknown_registrar_is_refused(first: Client, sender: str) -> None:
    xml = f"{ROOT}{WHOIS}</NZSRSRequest>".encode()
    body = form.encode({"n": sender, "r": xml, "s": first.key.sign(xml)})

    assert error_of(first.post(body)) == ("UNKNOWN_REGISTRAR", sender)


def test_statement_02_what_is_no_signature_is_refused(first: Client) -> None:
    body = form.encode({"n": "90", "r": f"{ROOT}{WHOIS}</NZSRSRequest>", "s": "signed, 90"})

    assert error_of(first.post(body)) == ("SIG_INVALID",)


def test_statement_02_a_signature_over_other_octets_is_refused(sandbox: Sandbox) -> None:
    client = sandbox.first
    xml = f"{ROOT}{domain_create('kakapo.co.nz')}</NZSRSRequest>"
    body = form.encode({"n": "90", "r": xml, "s": client.key.sign(xml.encode() + b" ")})

    assert error_of(client.post(body)) == ("SIG_VERIFY_FAILED",)
    assert count(sandbox) == "0"


@pytest.mark.parametrize(
    "xml",
    [
        "",
        "   ",
        "no XML",
        f"{ROOT}<Whois>",
        f"{ROOT}<Whois DomainName='a.nz'/></NZSRSRequest>{ROOT}",
        "<NZSRSResponse VerMajor='5' VerMinor='0'/>",
        "<epp xmlns='urn:ietf:params:xml:ns:epp-1.0'/>",
        f"<NZSRSRequest VerMinor='0'>{WHOIS}</NZSRSRequest>",
        f"<NZSRSRequest VerMajor='five' VerMinor='0'>{WHOIS}</NZSRSRequest>",
        f"{ROOT}<Whois/></NZSRSRequest>",
        f"{ROOT}<Whois DomainName='a.nz' FullResult='yes'/></NZSRSRequest>",
        f"{ROOT}<Whois DomainName='a.nz'><Whois/></Whois></NZSRSRequest>",
        f"{ROOT}{WHOIS}<HandleCreate HandleId='h-1'/></NZSRSRequest>",
        f"{ROOT}text{WHOIS}</NZSRSRequest>",
    ],
)
def test_statement_02_what_breaks_the_grammar_is_refused(first: Client, xml: str) -> None:
    error_id, detail = error_of(first.send(xml.encode()))

    assert error_id == "XML_PARSE_ERROR"
    assert detail


def test_statement_02_one_invalid_action_stops_all(sandbox: Sandbox) -> None:
    root = sandbox.first.ask(domain_create("kakapo.co.nz") + "<HandleCreate/>")

    assert error_of(root)[0] == "XML_PARSE_ERROR"
    assert count(sandbox) == "0"


@pytest.mark.parametrize("version", ["9", "10", "999999999999999999999999", "0" * 20 + "9"])
def test_statement_02_a_newer_version_is_refused(first: Client, version: str) -> None:
    root = first.send(f'<NZSRSRequest VerMajor="{version}" VerMinor="0">{WHOIS}</NZSRSRequest>'.encode())

    assert error_of(root) == ("VERMAJOR_TOO_HIGH", version)


@pytest.mark.parametrize("version", ["1", "3", "4", "5", "8"])
def test_older_versions_are_served(first: Client, version: str) -> None:
    root = first.send(f'<NZSRSRequest VerMajor="{version}" VerMinor="99">{WHOIS}</NZSRSRequest>'.encode())

    assert root[0].get("Action") == "Whois"


def test_a_request_without_an_action_is_refused(first: Client) -> None:
    assert error_of(first.ask("")) == ("NO_ACTION",)


def test_an_action_that_the_grammar_does_not_know_is_refused(first: Client) -> None:
    assert error_of(first.ask(WHOIS + "<ServerStatus/>")) == ("UNKNOWN_TRANSACTION_TYPE", "ServerStatus")


def test_statement_03_any_key_of_the_registrar_is_accepted(sandbox: Sandbox, keys: Keys) -> None:
    sandbox.registry.add_registrar(
        90,
        name="First Registrar",
        password="correct-horse-1",
        keys=[keys.first.certificate + keys.registry.certificate],
    )
    shared = Client(sandbox.server.url, 90, keys.registry.key, sandbox.first.registry)

    assert shared.ask_one(WHOIS).get("OrigRegistrarId") == "90"
    assert sandbox.first.ask_one(WHOIS).get("OrigRegistrarId") == "90"
    shared.close()


def test_statement_03_a_key_of_another_registrar_only_is_refused(sandbox: Sandbox, keys: Keys) -> None:
    stranger = Client(sandbox.server.url, 90, keys.second.key, sandbox.first.registry)

    assert error_of(stranger.ask(WHOIS)) == ("SIG_VERIFY_FAILED",)
    stranger.close()


def test_statement_03_a_registrar_without_keys_can_not_sign(sandbox: Sandbox, keys: Keys) -> None:
    jobs = Client(sandbox.server.url, 50, keys.first.key, sandbox.first.registry)

    assert error_of(jobs.ask(WHOIS)) == ("SIG_VERIFY_FAILED",)
    jobs.close()


def test_statement_04_a_doctype_makes_no_difference(first: Client) -> None:
    xml = f"{ROOT}{WHOIS}</NZSRSRequest>"
    plain = first.send(xml.encode())
    with_doctype = first.send(f'<!DOCTYPE NZSRSRequest SYSTEM "protocol.dtd">{xml}'.encode())

    assert etree.tostring(with_doctype[0][1]) == etree.tostring(plain[0][1])


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE NZSRSRequest [<!ENTITY secret SYSTEM "{0}">]>',
        '<!DOCTYPE NZSRSRequest [<!ENTITY % more SYSTEM "{0}"> %more;]>',
        '<!DOCTYPE NZSRSRequest [<!ENTITY secret "kakapo">]>',
        '<!DOCTYPE NZSRSRequest [<!ATTLIST Whois FullResult CDATA "0">]>',
        '<!DOCTYPE NZSRSRequest SYSTEM "{0}">',
    ],
)
@pytest.mark.parametrize("where", ['<Whois DomainName="&secret;.co.nz"/>', "<A>&secret;</A>", "&secret;"])
def test_statement_04_entities_are_never_loaded(
    first: Client, tmp_path: Path, doctype: str, where: str
) -> None:
    (tmp_path / "secret").write_text("the-secret")
    xml = doctype.format((tmp_path / "secret").as_uri()) + f"{ROOT}{where}</NZSRSRequest>"

    root = first.send(xml.encode())

    assert error_of(root)[0] == "XML_PARSE_ERROR"
    assert b"the-secret" not in etree.tostring(root)


def test_statement_05_actions_are_answered_in_order_under_one_number(first: Client) -> None:
    names = ["kakapo.co.nz", "weka.nz", "x.te", "takahe.org.nz", "kakapo.co.nz"]
    root = first.ask("".join(f'<Whois DomainName="{name}" QryId="{name}"/>' for name in names))
    later = first.ask_one(WHOIS)

    assert [response.get("TransId") for response in root] == names
    assert len({(response.get("FeId"), response.get("FeSeq")) for response in root}) == 1
    assert int(str(later.get("FeSeq"))) > int(str(root[0].get("FeSeq")))


def test_statement_06_an_error_leaves_the_other_actions_in_force(first: Client) -> None:
    created, refused, handled = first.ask(
        domain_create("kakapo.co.nz")
        + domain_create("weka.co.nz", '<AdminContact HandleId="nobody"/>')
        + HANDLE.format("moana-1")
    )

    assert created.find("Domain") is not None
    assert error_of(refused) == ("HANDLE_DOES_NOT_EXIST", "AdminContact")
    assert handled.find("Handle") is not None
    found = first.ask("".join(f'<Whois DomainName="{name}.co.nz"/>' for name in ("kakapo", "weka")))
    assert [first_of(response, "Domain").get("Status") for response in found] == ["Active", "Available"]


def test_statement_07_the_registrar_id_is_repeated_only_if_given(first: Client) -> None:
    assert first.ask(WHOIS).get("RegistrarId") is None
    assert first.ask(WHOIS, attributes=' RegistrarId="90"').get("RegistrarId") == "90"


def test_statement_07_nobody_but_the_registry_acts_for_another(sandbox: Sandbox) -> None:
    root = sandbox.first.ask(domain_create("kakapo.co.nz"), attributes=' RegistrarId="91"')
    assert error_of(root) == ("INVALID_EFFECTIVE_REGISTRAR",)
    assert root.get("RegistrarId") == "91"

    created = sandbox.itself.ask_one(domain_create("kakapo.co.nz"), attributes=' RegistrarId="91"')
    assert (created.get("OrigRegistrarId"), created.get("RecipientRegistrarId")) == ("1", "91")
    assert first_of(created, "Domain").get("RegistrarId") == "91"
    assert first_of(created, "Domain/AuditDetails").get("RegistrarId") == "1"


def test_an_unknown_effective_registrar_is_refused(itself: Client) -> None:
    root = itself.ask(WHOIS, attributes=' RegistrarId="92"')

    assert error_of(root) == ("EFFECTIVE_REGISTRAR_DOES_NOT_EXIST", "92")


def test_statement_08_a_repeated_write_gets_its_first_answer(sandbox: Sandbox) -> None:
    client = sandbox.first
    once = client.ask_one(domain_create("kakapo.co.nz"))
    again = client.ask_one(domain_create("kakapo.co.nz"))

    assert etree.tostring(again) == etree.tostring(once)
    assert count(sandbox) == "1"


def test_statement_08_the_order_of_attributes_and_white_space_do_not_count(first: Client) -> None:
    once = first.ask_one(
        f'<DomainCreate ActionId="a" DomainName="weka.nz" Term="1">{HANDLE_CONTACT}</DomainCreate>'
    )
    again = first.ask_one(
        f'<DomainCreate Term="1"\n DomainName="weka.nz" ActionId="a">\n {HANDLE_CONTACT}\n</DomainCreate>'
    )

    assert etree.tostring(again) == etree.tostring(once)


HANDLE_CONTACT = (
    '<RegistrantContact Name="A" Email="a@example.net">'
    '<PostalAddress Address1="1" City="N" CountryCode="NZ"/>'
    '<Phone CountryCode="64" LocalNumber="1"/></RegistrantContact>'
)


def test_statement_08_an_action_id_stands_for_one_content_only(first: Client, second: Client) -> None:
    first.ask(domain_create("kakapo.co.nz", action_id="a-1"))

    error = first.refusal(domain_create("weka.co.nz", action_id="a-1"))
    assert error == ("ACTION_ID_ALREADY_USED", "a-1")
    assert first_of(first.ask_one('<Whois DomainName="weka.co.nz"/>'), "Domain").get("Status") == "Available"

    # another registrar's ids are its own
    assert second.ask_one(domain_create("weka.co.nz", action_id="a-1")).find("Domain") is not None


def test_statement_08_an_action_id_stands_for_one_effective_registrar(itself: Client) -> None:
    itself.ask(HANDLE.format("moana-1"), attributes=' RegistrarId="90"')

    error = itself.refusal(HANDLE.format("moana-1"), attributes=' RegistrarId="91"')

    assert error == ("ACTION_ID_ALREADY_USED", "moana-1")


def test_statement_08_a_refused_action_has_used_its_id_up(first: Client) -> None:
    refused = first.ask_one(
        domain_create("kakapo.co.nz", '<AdminContact HandleId="moana-1"/>', action_id="a")
    )
    assert error_of(refused) == ("HANDLE_DOES_NOT_EXIST", "AdminContact")
    first.ask(HANDLE.format("moana-1"))

    again = first.ask_one(domain_create("kakapo.co.nz", '<AdminContact HandleId="moana-1"/>', action_id="a"))

    assert etree.tostring(again) == etree.tostring(refused)
    assert first.refusal(domain_create("weka.nz", action_id="a")) == ("ACTION_ID_ALREADY_USED", "a")


def test_statement_08_the_same_id_twice_in_one_request(first: Client) -> None:
    once, again, other = first.ask(
        domain_create("weka.nz", action_id="a")
        + domain_create("weka.nz", action_id="a")
        + domain_create("kea.nz", action_id="a")
    )

    assert etree.tostring(again) == etree.tostring(once)
    assert error_of(other) == ("ACTION_ID_ALREADY_USED", "a")


def test_an_empty_action_id_is_missing(first: Client) -> None:
    action = HANDLE.format("moana-1").replace('ActionId="moana-1"', 'ActionId=" "')

    assert first.refusal(action) == ("MISSING_MANDATORY_FIELD", "ActionId", "HandleCreate")


@pytest.mark.parametrize("action_id", ["with  blanks ", "Ünïcödé ☃", "&lt;&quot;&amp;&#9;&#10;"])
def test_ids_survive_character_for_character(first: Client, action_id: str) -> None:
    action = HANDLE.format("moana-1").replace('ActionId="moana-1"', f'ActionId="{action_id}"')

    response = first.ask_one(action)

    assert response.get("TransId") == etree.fromstring(f'<a b="{action_id}"/>').get("b")


def test_statement_09_rows_are_present_or_absent(first: Client) -> None:
    root = first.ask(
        HANDLE.format("moana-1")
        + "<HandleDetailsQry/>"
        + "<HandleDetailsQry><HandleIdFilter>nobody</HandleIdFilter></HandleDetailsQry>"
        + domain_create("kakapo.co.nz")
        + "<DomainDetailsQry/>"
        + "<DomainDetailsQry><DomainNameFilter>weka.nz</DomainNameFilter></DomainDetailsQry>"
        + WHOIS
        + '<UDAIValidQry DomainName="kakapo.co.nz" UDAI="x"/><RegistrarDetailsQry/>'
        + '<RegistrarUpdate ActionId="r" URL="https://example.net/"/>'
        + '<AccessControlListQry Resource="epp_connect" List="whitelist"/>'
    )

    rows = [response.get("Rows") for response in root]
    assert rows == ["1", "1", "0", None, "1", "0", None, None, "1", None, "1"]
    assert [len(response) for response in (root[2], root[5])] == [1, 1]  # the time stamp only


def test_statement_10_times_have_the_offset_of_new_zealand_at_that_instant(sandbox: Sandbox) -> None:
    sandbox.registry.clock.set(datetime(2019, 6, 30, 21, 7, 2, tzinfo=UTC))
    response = sandbox.first.ask_one(domain_create("kakapo.co.nz").replace('Term="12"', 'Term="6"'))

    winter, summer = first_of(response, "Domain/RegisteredDate"), first_of(response, "Domain/BilledUntil")
    assert stamp(winter)[:5] == ("2019", "7", "01", "09", "07")
    assert stamp(winter)[6] == stamp(first_of(response, "FeTimeStamp"))[6] == "+12:00"
    assert (summer.get("Year"), summer.get("Hour"), summer.get("TimeZoneOffset")) == ("2020", "09", "+13:00")


def test_an_srs_request_gets_an_srs_response(first: Client) -> None:
    assert first.ask(WHOIS, root="SRSRequest").tag == "SRSResponse"
    assert first.ask("", root="SRSRequest").tag == "SRSResponse"
