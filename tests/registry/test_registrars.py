"""Registrars and access lists: statements 38 to 40, and the sandbox's own way in."""

from __future__ import annotations

import logging

import pytest
from lxml import etree

from srs_epp.registry import Registry
from srs_epp.srs.crypt import hash_password, verify_password
from srs_epp.srs.errors import SRSError
from srs_epp.srs.openpgp import generate_key
from srs_epp.srs.values import Element
from tests.registry.client import CONTACT, HANDLE, Client, attributes_of, domain_create, error_of, first_of
from tests.registry.conftest import PASSWORD, Keys, Sandbox

CONTACTS = "".join(
    CONTACT.format(tag, "Third")
    for tag in ("RegistrarPublicContact", "RegistrarSRSContact", "DefaultTechnicalContact")
)


def own(client: Client) -> Element:
    """The registrar's own record."""
    return first_of(client.ask_one("<RegistrarDetailsQry/>"), "Registrar")


def password_hash(registrar: Element) -> str:
    return str(first_of(registrar, "EPPAuth").get("Password"))


def update(content: str = "", attributes: str = "", action_id: str = "r-1") -> str:
    return f'<RegistrarUpdate ActionId="{action_id}"{attributes}>{content}</RegistrarUpdate>'


def new_password(password: str) -> str:
    return update(f'<EPPAuth Password="{password}"/>')


def registrar_create(registrar_id: str = "92", more: str = "") -> str:
    return (
        f'<RegistrarCreate ActionId="r-{registrar_id}" RegistrarId="{registrar_id}" Name="Third" AccRef="a">'
        f"{CONTACTS}{more}</RegistrarCreate>"
    )


def test_statement_38_the_password_is_shown_as_a_hash_only(first: Client) -> None:
    registrar = own(first)

    assert password_hash(registrar).startswith("$5$")
    assert verify_password(PASSWORD, password_hash(registrar))
    assert PASSWORD.encode() not in etree.tostring(registrar)


def test_statement_38_a_new_password_is_hashed(first: Client) -> None:
    response = first.ask_one(new_password("battery staple ü"))

    shown = password_hash(first_of(response, "Registrar"))
    assert shown.startswith("$5$")
    assert verify_password("battery staple ü", shown)
    assert password_hash(own(first)) == shown


@pytest.mark.parametrize("setting", ["$5$saltsalt", "$6$saltsalt", "$5$rounds=1000$saltsalt", "$5$@%z675Kt$"])
def test_a_hash_is_kept_as_it_is(first: Client, setting: str) -> None:
    given = hash_password("battery-staple", setting)

    first.ask(new_password(given))

    assert password_hash(own(first)) == given


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "x" * 256,
        "$5$",
        "$5$saltsalt$tooshort",
        "$6$saltsalt$" + "x" * 43,
        "$5$rounds=999999999$saltsalt$" + "x" * 43,
        "$5$salt:salt$" + "x" * 43,
    ],
)
def test_a_bad_password_is_refused(first: Client, password: str) -> None:
    assert first.refusal(new_password(password)) == ("INVALID_PASSWORD", "EPPAuth")
    assert verify_password(PASSWORD, password_hash(own(first)))


def test_passwords_and_udais_are_in_no_log(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sandbox.first.ask(new_password("battery-staple"))
    sandbox.first.ask(new_password("tiny") + new_password("battery-staple-2"))
    sandbox.first.ask(new_password("battery-staple") + "<RegistrarUpdate/>")
    udai = first_of(sandbox.first.ask_one(domain_create("kakapo.co.nz")), "Domain").get("UDAI")
    sandbox.first.ask(f'<UDAIValidQry DomainName="kakapo.co.nz" UDAI="{udai}"/>')

    assert caplog.records
    for secret in ("battery-staple", "tiny", str(udai), "$5$"):
        assert secret not in caplog.text


def test_a_registrar_sees_itself_only(sandbox: Sandbox) -> None:
    query = '<RegistrarDetailsQry RegistrarId="91"/>'

    assert sandbox.first.refusal(query) == ("PERMISSION_DENIED", "Registry")
    assert own(sandbox.first).get("RegistrarId") == "90"
    assert first_of(sandbox.itself.ask_one(query), "Registrar").get("RegistrarId") == "91"


def test_the_registry_finds_registrars_by_name(sandbox: Sandbox) -> None:
    query = '<RegistrarDetailsQry NameFilter="*registrar"/>'
    error = sandbox.first.refusal(query)
    response = sandbox.itself.ask_one(query)

    assert error == ("NOT_PERMITTED_TO_FILTER_REGISTRAR_BY_NAME",)
    assert [registrar.get("RegistrarId") for registrar in response.iterchildren("Registrar")] == ["90", "91"]
    everybody = sandbox.itself.ask_one("<RegistrarDetailsQry/>").iterchildren("Registrar")
    assert [registrar.get("RegistrarId") for registrar in everybody] == ["1", "50", "90", "91"]
    assert sandbox.itself.ask_one('<RegistrarDetailsQry RegistrarId="7"/>').get("Rows") == "0"
    error = sandbox.itself.refusal('<RegistrarDetailsQry RegistrarId="x"/>')
    assert error == ("INVALID_FIELD", "x", "RegistrarId")


def test_registrars_are_found_by_the_date_of_their_last_change(itself: Client) -> None:
    until = '<ResultDateRange><To Year="2001" Month="1" Day="1" Hour="0" Minute="0"/></ResultDateRange>'

    assert itself.ask_one(f"<RegistrarDetailsQry>{until}</RegistrarDetailsQry>").get("Rows") == "0"


def test_an_update_changes_what_it_names(first: Client) -> None:
    before = own(first)
    content = '<RegistrarSRSContact Email="new@example.net"><Phone AreaCode=""/></RegistrarSRSContact>'
    changed = first_of(first.ask_one(update(content, ' URL="https://example.net/"')), "Registrar")

    assert changed.get("URL") == "https://example.net/"
    contact = first_of(changed, "RegistrarSRSContact")
    assert (contact.get("Name"), contact.get("Email")) == ("First Registrar", "new@example.net")
    assert attributes_of(first_of(contact, "Phone")) == {"CountryCode": "64", "LocalNumber": "5550100"}
    for path in ("RegistrarPublicContact", "DefaultTechnicalContact", "EncryptKeys", "EPPAuth", "Roles"):
        assert etree.tostring(first_of(changed, path)) == etree.tostring(first_of(before, path))
    assert first_of(own(first), "AuditDetails").get("ActionId") == "r-1"


def test_an_update_can_not_take_away_what_is_mandatory(first: Client) -> None:
    error = first.refusal(update('<RegistrarSRSContact Email=""/>'))

    assert error == ("MISSING_MANDATORY_FIELD", "Email", "RegistrarSRSContact")
    error = first.refusal(update(attributes=' Name=" "', action_id="r-2"))
    assert error == ("MISSING_MANDATORY_FIELD", "Name", "RegistrarUpdate")


def test_a_contact_of_a_registrar_can_be_one_of_its_handles(first: Client) -> None:
    first.ask(HANDLE.format("moana-1"))
    unknown = update('<DefaultTechnicalContact HandleId="nobody"/>', action_id="r-0")
    assert first.refusal(unknown) == ("HANDLE_DOES_NOT_EXIST", "DefaultTechnicalContact")

    first.ask(update('<DefaultTechnicalContact HandleId="moana-1"/>'))

    created = first.ask_one(domain_create("kakapo.co.nz"))
    assert first_of(created, "Domain/TechnicalContact").get("HandleId") == "moana-1"
    # fields in place of it make a contact of the registrar's own, and leave the handle as it is
    first.ask(update('<DefaultTechnicalContact Name="Tane"/>', action_id="r-2"))
    assert first_of(own(first), "DefaultTechnicalContact").get("Name") == "Tane"
    assert first_of(first.ask_one("<HandleDetailsQry/>"), "Handle").get("Name") == "Moana Example"


def test_new_keys_replace_the_old_ones(sandbox: Sandbox, keys: Keys) -> None:
    shared = Client(sandbox.server.url, 90, keys.second.key, sandbox.first.registry)
    order = f"<EncryptKeys><EncryptKey><![CDATA[\n{keys.second.certificate}\n]]></EncryptKey></EncryptKeys>"

    sandbox.first.ask(update(order))

    assert error_of(sandbox.first.ask("<RegistrarDetailsQry/>")) == ("SIG_VERIFY_FAILED",)
    assert own(shared).get("RegistrarId") == "90"
    shared.close()


def test_keys_must_be_usable_and_there(first: Client) -> None:
    bad = update("<EncryptKeys><EncryptKey>no key</EncryptKey></EncryptKeys>")

    assert first.refusal(bad) == ("PUBLIC_KEY_INVALID",)
    error = first.refusal(update("<EncryptKeys/>", action_id="r-2"))
    assert error == ("MISSING_MANDATORY_FIELD", "EncryptKey", "EncryptKeys")
    assert own(first).get("RegistrarId") == "90"


@pytest.mark.parametrize(
    "content",
    [
        '<Roles><Role RoleName="Registry"/></Roles>',
        '<Allowed2LDs><SecondLD DomainName="govt.nz"/></Allowed2LDs>',
    ],
)
def test_statement_40_nobody_gives_itself_rights(first: Client, content: str) -> None:
    assert first.refusal(update(content)) == ("PERMISSION_DENIED", "Registry")


def test_statement_40_the_registry_gives_and_takes_rights(sandbox: Sandbox) -> None:
    order = update('<Roles><Role RoleName="Registrar"/><Role RoleName="Query"/></Roles>')
    sandbox.itself.ask(order, attributes=' RegistrarId="90"')

    error = sandbox.first.refusal('<Whois DomainName="kakapo.co.nz"/>')
    assert error == ("PERMISSION_DENIED", "Whois")
    roles = [role.get("RoleName") for role in first_of(own(sandbox.first), "Roles")]
    assert roles == ["Query", "Registrar"]


def test_a_registrar_that_holds_domains_stays_one(sandbox: Sandbox) -> None:
    sandbox.first.ask(domain_create("kakapo.co.nz"))
    order = update('<Roles><Role RoleName="Query"/></Roles>')

    response = sandbox.itself.ask_one(order, attributes=' RegistrarId="90"')

    assert error_of(response) == ("REMOVING_REGISTRAR_ROLE",)


def test_statement_40_the_registry_creates_registrars(sandbox: Sandbox, keys: Keys) -> None:
    more = (
        f"<EncryptKeys><EncryptKey><![CDATA[{keys.second.certificate}]]></EncryptKey></EncryptKeys>"
        '<EPPAuth Password="battery-staple"/>'
        '<Allowed2LDs><SecondLD DomainName="CO.nz"/></Allowed2LDs>'
    )
    made = first_of(sandbox.itself.ask_one(registrar_create(more=more)), "Registrar")

    third = Client(sandbox.server.url, 92, keys.second.key, sandbox.first.registry)
    assert etree.tostring(own(third)) == etree.tostring(made)
    assert first_of(made, "Allowed2LDs/SecondLD").get("DomainName") == "co.nz"
    assert first_of(third.ask_one(domain_create("kakapo.co.nz")), "Domain").get("RegistrarId") == "92"
    third.close()


def test_statement_40_others_create_no_registrars(first: Client) -> None:
    assert first.refusal(registrar_create()) == ("PERMISSION_DENIED", "Registry")


@pytest.mark.parametrize("registrar_id", ["90", "1", "0", "-1", "x", "1e3", "9" * 10])
def test_a_new_registrar_needs_an_id_of_its_own(itself: Client, registrar_id: str) -> None:
    assert itself.refusal(registrar_create(registrar_id)) == ("INVALID_EXPLICIT_REGISTRAR_ID", registrar_id)


def test_a_registrar_is_created_by_the_registry_as_itself(itself: Client) -> None:
    response = itself.ask_one(registrar_create(), attributes=' RegistrarId="90"')

    assert error_of(response) == ("INVALID_EFFECTIVE_REGISTRAR_ID_IN_CreateRegistrar", "90", "92")


def test_a_new_registrar_has_no_handles(itself: Client) -> None:
    order = registrar_create().replace("<RegistrarSRSContact ", '<RegistrarSRSContact HandleId="moana-1" ')

    assert itself.refusal(order) == ("HANDLE_ID_ON_REGISTRAR_CREATE",)


def entry(
    attributes: str, *, action: str = "Add", action_id: str = "l-1", resource: str = "epp_connect"
) -> str:
    return (
        f'<AccessControlList{action} ActionId="{action_id}" Resource="{resource}" List="whitelist">'
        f"<AccessControlListEntry {attributes}/></AccessControlList{action}>"
    )


def query(filters: str = "", attributes: str = "") -> str:
    return (
        f'<AccessControlListQry Resource="epp_connect" List="whitelist" Type="registrar_ip"{attributes}>'
        f"{filters}</AccessControlListQry>"
    )


def asked(client: Client, address: str, registrar_id: int = 90) -> Element:
    """The AccessControlList that tells whether a registrar may come from an address."""
    filters = f"<AddressFilter>{address}</AddressFilter><RegistrarIdFilter>{registrar_id}</RegistrarIdFilter>"
    return first_of(client.ask_one(query(filters)), "AccessControlList")


def test_statement_39_entries_are_found_by_address_and_registrar(sandbox: Sandbox) -> None:
    sandbox.registry.allow_address(90, "192.0.2.0/24")
    sandbox.registry.allow_address(91, "192.0.2.0/24")

    found = asked(sandbox.first, "192.0.2.44")

    assert attributes_of(found) == {
        "Resource": "epp_connect",
        "List": "whitelist",
        "Type": "registrar_ip",
        "Size": "2",
    }
    assert [attributes_of(one) for one in found] == [{"Address": "192.0.2.0/24", "RegistrarId": "90"}]


def test_statement_39_no_match_is_a_list_without_entries(sandbox: Sandbox) -> None:
    sandbox.registry.allow_address(91, "192.0.2.0/24")

    found = asked(sandbox.first, "192.0.2.44")

    assert (found.get("Size"), len(found)) == ("1", 0)


@pytest.mark.parametrize(
    ("network", "address", "fits"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1/32", "192.0.2.1", True),
        ("192.0.2.0/24", "192.0.2.0/25", True),
        ("192.0.2.0/25", "192.0.2.0/24", False),
        ("192.0.2.0/24", "192.0.3.1", False),
        ("192.0.2.0/24", "::ffff:192.0.2.1", True),
        ("2001:db8::/32", "2001:DB8:0:0::1", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("::/0", "192.0.2.1", False),
    ],
)
def test_statement_39_a_network_holds_its_addresses(
    sandbox: Sandbox, network: str, address: str, fits: bool
) -> None:
    sandbox.registry.allow_address(90, network)

    assert len(asked(sandbox.first, address)) == fits


def test_a_certificate_s_name_is_compared_exactly(sandbox: Sandbox) -> None:
    sandbox.registry.allow_certificate(90, "Client.example.net")

    def fits(name: str) -> int:
        response = sandbox.first.ask_one(
            '<AccessControlListQry Resource="epp_client_certs" List="whitelist" Type="registrar_domain">'
            f"<DomainNameFilter>{name}</DomainNameFilter><RegistrarIdFilter>90</RegistrarIdFilter>"
            "</AccessControlListQry>"
        )
        return len(first_of(response, "AccessControlList"))

    assert fits("client.EXAMPLE.net") == 1
    for name in ("*", "*.example.net", "client.example", "", "client?example.net"):
        assert fits(name) == 0


@pytest.mark.parametrize(
    ("filters", "error"),
    [
        ("<AddressFilter>192.0.2.256</AddressFilter>", "INVALID_ADDRESS_FILTER"),
        ("<AddressFilter>192.0.2.1/24</AddressFilter>", "INVALID_ADDRESS_FILTER"),
        ("<AddressFilter/>", "INVALID_ADDRESS_FILTER"),
        ("<AddressFilter>fe80::1%eth0</AddressFilter>", "INVALID_ADDRESS_FILTER"),
        ("<RegistrarIdFilter>first</RegistrarIdFilter>", "INVALID_REGISTRAR_ID_FILTER"),
    ],
)
def test_filters_of_lists_must_make_sense(first: Client, filters: str, error: str) -> None:
    assert first.refusal(query(filters)) == (error,)


def test_lists_are_known_by_name(first: Client) -> None:
    action = '<AccessControlListQry Resource="epp" List="whitelist"/>'

    assert first.refusal(action) == ("INVALID_FIELD", "epp", "Resource")


def test_without_filters_entries_are_shown_on_request_only(sandbox: Sandbox) -> None:
    sandbox.registry.allow_address(90, "192.0.2.1")
    sandbox.registry.allow_certificate(90, "client.example.net")

    assert len(first_of(sandbox.first.ask_one(query()), "AccessControlList")) == 0
    full = sandbox.first.ask_one(query(attributes=' FullResult="1"'))
    assert len(first_of(full, "AccessControlList")) == 1
    everything = sandbox.first.ask_one("<AccessControlListQry/>")
    resources = [
        (one.get("Resource"), one.get("Size")) for one in everything.iterchildren("AccessControlList")
    ]
    assert resources == [("epp_client_certs", "1"), ("epp_connect", "1")]
    assert everything.get("Rows") == "2"


def test_with_query_reg_acl_a_registrar_sees_its_own_entries(registry: Registry, sandbox: Sandbox) -> None:
    for registrar_id in (90, 91):
        registry.allow_address(registrar_id, "192.0.2.0/24")
    certificate = sandbox.keys.first.certificate
    registry.add_registrar(90, name="First", password=PASSWORD, keys=[certificate], roles=["QueryRegACL"])

    response = sandbox.first.ask_one(query("<AddressFilter>192.0.2.1</AddressFilter>"))

    [only] = first_of(response, "AccessControlList")
    assert only.get("RegistrarId") == "90"


def test_statement_40_the_registry_changes_lists(sandbox: Sandbox) -> None:
    added = sandbox.itself.ask_one(
        entry('Address="192.0.2.0/24" RegistrarId="90" Comment="office &lt;1&gt;"')
    )
    found = asked(sandbox.first, "192.0.2.44")
    removed = sandbox.itself.ask_one(
        entry('Address="192.0.2.0/24" RegistrarId="90"', action="Remove", action_id="l")
    )

    assert first_of(added, "AccessControlList").get("SizeChange") == "1"
    assert attributes_of(found[0]) == {
        "Address": "192.0.2.0/24",
        "RegistrarId": "90",
        "Comment": "office <1>",
    }
    assert first_of(removed, "AccessControlList").get("SizeChange") == "-1"
    assert len(asked(sandbox.first, "192.0.2.44")) == 0


@pytest.mark.parametrize("action", ["Add", "Remove"])
def test_statement_40_others_change_no_lists(first: Client, action: str) -> None:
    order = entry('Address="192.0.2.0/24" RegistrarId="90"', action=action)

    assert first.refusal(order) == ("PERMISSION_DENIED", "UpdateACL")


def test_an_entry_is_on_a_list_once(itself: Client) -> None:
    itself.ask(entry('Address="192.0.2.1/32" RegistrarId="90"'))

    error = itself.refusal(entry('Address="192.0.2.1" RegistrarId="90"', action_id="l-2"))

    assert error == ("LIST_ENTRY_ALREADY_EXISTS",)
    again = entry('DomainName="a" RegistrarId="90"', resource="epp_client_certs", action_id="l-3")
    assert first_of(itself.ask_one(again), "AccessControlList").get("SizeChange") == "1"


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ('Address="192.0.2.1/24" RegistrarId="90"', ("INVALID_ADDRESS",)),
        ('Address="office" RegistrarId="90"', ("INVALID_ADDRESS",)),
        ('Address="192.0.2.1" RegistrarId="99"', ("INVALID_FIELD", "99", "RegistrarId")),
        ('Address="192.0.2.1" DomainName="a.nz"', ("INVALID_FIELDSET",)),
        ("", ("INVALID_FIELDSET",)),
    ],
)
def test_entries_must_make_sense(itself: Client, attributes: str, error: tuple[str, ...]) -> None:
    assert itself.refusal(entry(attributes)) == error


def test_entries_are_added_all_or_none(sandbox: Sandbox) -> None:
    order = entry('Address="192.0.2.1" RegistrarId="90"').replace(
        "</AccessControlListAdd>", '<AccessControlListEntry Address="x"/></AccessControlListAdd>'
    )

    assert sandbox.itself.refusal(order) == ("INVALID_ADDRESS",)
    assert len(asked(sandbox.first, "192.0.2.1")) == 0


def test_a_registrar_is_put_in_and_changed_directly(registry: Registry, sandbox: Sandbox) -> None:
    _, certificate = generate_key("Third <third@example.net>")
    registry.add_registrar(92, name="Third", password="battery-staple", keys=[certificate])
    registry.add_registrar(92, name="Third Ltd", password=hash_password("staple-battery"), keys=[certificate])

    response = sandbox.itself.ask_one('<RegistrarDetailsQry RegistrarId="92"/>')

    registrar = first_of(response, "Registrar")
    assert registrar.get("Name") == "Third Ltd"
    assert verify_password("staple-battery", password_hash(registrar))
    assert str(first_of(registrar, "EncryptKeys/EncryptKey").text).strip() == certificate.strip()


def test_what_is_put_in_directly_is_checked_too(registry: Registry, keys: Keys) -> None:
    certificate = keys.first.certificate
    with pytest.raises(SRSError, match="INVALID_PASSWORD"):
        registry.add_registrar(92, name="Third", password="", keys=[certificate])
    with pytest.raises(SRSError, match="PUBLIC_KEY_INVALID"):
        registry.add_registrar(92, name="Third", password=PASSWORD, keys=[keys.first.secret])
    with pytest.raises(SRSError, match="INVALID_FIELD"):
        registry.add_registrar(92, name="Third", password=PASSWORD, keys=[certificate], roles=["Boss"])
    with pytest.raises(SRSError, match="INVALID_ADDRESS"):
        registry.allow_address(90, "office")
