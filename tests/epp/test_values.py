"""What commands say, as Python values."""

from __future__ import annotations

from datetime import datetime

import pytest
from lxml import etree

from srs_epp.epp import contact, domain, secdns
from srs_epp.epp.login import Login
from srs_epp.epp.names import domain_name
from srs_epp.epp.namespaces import DOMAIN
from srs_epp.epp.reader import Services, read
from srs_epp.epp.results import Element, ParameterSyntaxError
from srs_epp.epp.xml import boolean, normalized, token, utc
from tests.epp import documents
from tests.epp.documents import DOCUMENTS, NAME, SECRET


def payload(document: str) -> Element:
    found = read(document.encode()).payload
    assert found is not None
    return found


def name_of(text: str) -> Element:
    return payload(documents.domain("info", f"<domain:name>{text}</domain:name>"))[0]


# -- text


@pytest.mark.parametrize(
    ("text", "as_token", "as_normalized"),
    [
        ("\u00a0a \t b\u2003", "\u00a0a b\u2003", "\u00a0a   b\u2003"),  # no white space of XML's
        ("a\x85\u2028b", "a\x85\u2028b", "a\x85\u2028b"),
        (" a  b ", "a b", "a  b"),
        ("a\n\tb", "a b", "a  b"),
        ("\n", "", ""),
        (None, "", ""),
        ("a\u00a0b", "a\u00a0b", "a\u00a0b"),
        ("\u2003ā  b\n\u2028", "\u2003ā b \u2028", "\u2003ā  b \u2028"),
    ],
)
def test_white_space_is_taken_as_the_schema_takes_it(
    text: str | None, as_token: str, as_normalized: str
) -> None:
    element = etree.Element(DOMAIN("name"))
    element.text = text

    assert (token(element), normalized(element)) == (as_token, as_normalized)


def test_a_cltrid_whose_last_character_is_a_blank_only_to_unicode_is_echoed() -> None:
    command = read(documents.domain("check", NAME, cltrid="us\u2028").encode())
    command.check_schema()

    assert command.client_trid == "us\u2028"


def test_a_password_keeps_the_blanks_that_are_none_to_xml() -> None:
    element = read(documents.login().replace("se cret", "se\u00a0cret\u3000").encode()).element
    assert element is not None

    assert Login.read(element).password == "se\u00a0cret\u3000"


@pytest.mark.parametrize(("text", "value"), [("1", True), (" true ", True), ("0", False), ("false", False)])
def test_booleans_are_read_in_both_spellings(text: str, value: bool) -> None:
    assert boolean(text) is value


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        ("2019-03-05T09:07:02+13:00", "2019-03-04T20:07:02Z"),
        ("0312-07-01T00:00:00+00:00", "0312-07-01T00:00:00Z"),
        ("2019-07-01T00:00:00+12:00", "2019-06-30T12:00:00Z"),
        ("2019-12-31T23:59:59.999999+00:00", "2019-12-31T23:59:59Z"),
    ],
)
def test_moments_are_written_in_utc_without_fractions(moment: str, written: str) -> None:
    assert utc(datetime.fromisoformat(moment)) == written


# -- domain names


@pytest.mark.parametrize(
    "name",
    ["a", "kakapo.co.nz", "KaKaPo.CO.nz", "xn--mori-qsa.nz", "1.nz", "a-b--c.nz", f"{'a' * 63}.nz", "co"],
)
def test_a_domain_name_is_kept_as_the_client_wrote_it(name: str) -> None:
    assert domain_name(name_of(f" {name}\n")) == name


def test_a_domain_name_may_have_253_characters() -> None:
    name = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert len(name) == 253

    assert domain_name(name_of(name)) == name
    with pytest.raises(ParameterSyntaxError, match="at most 253"):
        domain_name(name_of(name + "b"))


@pytest.mark.parametrize(
    "name",
    [
        ".", ".nz", "kakapo.", "kakapo..nz", "-kakapo.nz", "kakapo-.nz", "-", "kaka_po.nz", "kaka po.nz",
        "kākāpō.nz", "kakapo.nz/", "*.nz", "kakapo,nz", "\uff4b.nz", "\u0661.nz", "a\u00b2.nz",
        f"{'a' * 64}.nz",
    ],
)  # fmt: skip
def test_what_cannot_be_a_domain_name_is_2005_with_its_element(name: str) -> None:
    element = name_of(name)

    with pytest.raises(ParameterSyntaxError) as raised:
        domain_name(element)

    assert raised.value.code == 2005
    assert raised.value.value is element


@pytest.mark.parametrize(
    "document",
    [
        documents.domain("check", f"{NAME}<domain:name>no_name.nz</domain:name>"),
        documents.domain("info", "<domain:name>no_name.nz</domain:name>"),
        documents.domain("create", f"<domain:name>no_name.nz</domain:name>{SECRET}"),
        documents.domain(
            "create",
            f"{NAME}<domain:ns><domain:hostAttr><domain:hostName>no_name.nz</domain:hostName></domain:hostAttr>"
            f"</domain:ns>{SECRET}",
        ),
    ],
    ids=["check", "info", "create", "name server"],
)
def test_a_bad_name_is_2005_in_any_command(document: str) -> None:
    element = payload(document)
    readers = {"check": domain.read_names, "info": domain.Info.read, "create": domain.Create.read}
    verb = element.tag.rpartition("}")[2]

    with pytest.raises(ParameterSyntaxError, match="'no_name' can't be a label"):
        readers[verb](element)


# -- login


def test_a_login_is_read_with_its_services() -> None:
    found = read(DOCUMENTS["epp-login-extensions"].encode())
    assert found.element is not None

    login = Login.read(found.element)

    assert (login.client_id, login.password, login.new_password) == ("100", "se cret", None)
    assert login.services == Services(
        (documents.DOMAIN, documents.CONTACT), (documents.SECDNS, documents.RGP)
    )


def test_passwords_are_tokens() -> None:
    spaced = (
        DOCUMENTS["epp-login-new-password"].replace(">se cret<", ">  se \n cret <").replace(">16 ", "> 16  ")
    )
    found = read(spaced.encode())
    assert found.element is not None

    login = Login.read(found.element)

    assert (login.password, login.new_password) == ("se cret", "16 octets at top")


# -- domains


@pytest.mark.parametrize(
    ("period", "months"),
    [
        ('<domain:period unit="y">1</domain:period>', 12),
        ('<domain:period unit="y">99</domain:period>', 1188),
        ('<domain:period unit="m">7</domain:period>', 7),
        ('<domain:period unit=" m ">\n+07 </domain:period>', 7),
        ("", None),
    ],
)
def test_a_period_is_read_in_months(period: str, months: int | None) -> None:
    assert domain.Create.read(payload(documents.domain("create", NAME + period + SECRET))).months == months


def test_a_create_is_read_with_its_servers_and_contacts() -> None:
    order = domain.Create.read(payload(DOCUMENTS["domain-create-host-attributes"]))

    assert order.servers == (
        domain.NameServer(
            "ns1.example.co.nz", (("v4", "192.0.2.2"), ("v4", "192.0.2.3"), ("v6", "2001:db8::2"))
        ),
        domain.NameServer("ns2.example.net"),
    )
    assert order.registrant == "jd1234"
    assert [(one.type, one.id) for one in order.contacts] == [
        ("admin", "sh8013"),
        ("tech", "sh8014"),
        ("billing", "sh8015"),
        (None, "sh8016"),
    ]


def test_host_objects_are_kept_apart_from_attributes() -> None:
    order = domain.Create.read(payload(DOCUMENTS["domain-create-host-objects"]))

    assert order.servers == ()
    assert [token(host) for host in order.host_objects] == ["ns1.example.nz", "ns2.example.nz"]


@pytest.mark.parametrize(
    ("document", "hosts", "auth_info"),
    [
        ("domain-info", "all", None),
        ("domain-info-hosts-none", "none", "2fooBAR"),
        ("domain-info-hosts-del", "del", "2fooBAR"),
        ("domain-info-hosts-sub", "sub", ""),
    ],
)
def test_an_info_is_read_with_what_it_wants_to_see(document: str, hosts: str, auth_info: str | None) -> None:
    order = domain.Info.read(payload(DOCUMENTS[document]))

    assert (order.name, order.hosts, order.auth_info) == ("example.co.nz", hosts, auth_info)


# -- contacts


def test_a_whole_contact_is_read() -> None:
    order = contact.Create.read(payload(DOCUMENTS["contact-create-full"]))
    full, local = order.postal_infos

    assert order.id == "sh8013"
    assert (full.type, full.name) == ("int", "Jane Doe")
    assert full.address == contact.Address(
        ("123 Example Drive", "", "Suite 100"), "Wellington", "NZ", "Te Whanganui", "6011"
    )
    assert full.organisation is not None
    assert (local.type, local.name, local.organisation) == ("loc", "Jāne Dō", None)
    assert order.voice == contact.Phone("+64.4123456789", "1234")
    assert order.fax == contact.Phone("+64.4123456780")
    assert order.email == "jane@example.co.nz"


def test_a_telephone_number_may_be_empty_or_missing() -> None:
    without = contact.Create.read(payload(DOCUMENTS["contact-create"]))
    emptied = contact.Create.read(payload(DOCUMENTS["contact-create-no-telephone"]))

    assert (without.voice, without.fax) == (None, None)
    assert (emptied.voice, emptied.fax) == (contact.Phone(""), contact.Phone(""))


@pytest.mark.parametrize(
    ("document", "flag", "names"),
    [
        ("contact-create-full", False, ["voice", "email"]),
        (
            "contact-create-no-telephone",
            True,
            ["name"] * 2 + ["org"] * 2 + ["addr"] * 2 + ["voice", "fax", "email"],
        ),
        ("contact-create-proof", True, []),
    ],
)
def test_what_may_be_disclosed_is_read(document: str, flag: bool, names: list[str]) -> None:
    disclose = contact.Create.read(payload(DOCUMENTS[document])).disclose

    assert disclose is not None
    assert disclose.flag is flag
    assert [element.tag.rpartition("}")[2] for element in disclose.elements] == names


# -- DS data


def signed(name: str) -> secdns.Create:
    [extension] = read(DOCUMENTS[name].encode()).extensions
    return secdns.Create.read(extension)


def test_ds_data_is_read() -> None:
    order = signed("secDNS-create-ds")

    assert order.ds == (secdns.DSData(12345, 13, 2, "49FD46E6C4B45C55D4AC"),)
    assert (order.key_data, order.max_sig_life) == (None, None)


@pytest.mark.parametrize(
    ("name", "has_key", "has_life"),
    [
        ("secDNS-create-ds-with-key", True, True),
        ("secDNS-create-key", True, False),
        ("secDNS-create-key-with-lifetime", True, True),
    ],
)
def test_key_data_and_lifetimes_are_seen_wherever_they_stand(
    name: str, has_key: bool, has_life: bool
) -> None:
    order = signed(name)

    assert (order.key_data is not None, order.max_sig_life is not None) == (has_key, has_life)
