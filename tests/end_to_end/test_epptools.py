"""epptools, a client that others wrote, through all that it offers for domains, contacts, poll and DNSSEC."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from epptools import Client, Config
from epptools.exceptions import (
    AuthenticationException,
    CommandException,
    ConfigException,
    ConnectionException,
    ValidationException,
)
from epptools.response import Response

from tests.end_to_end.client import CONTACT, DOMAIN, SECDNS
from tests.end_to_end.process import Process, Sandbox
from tests.support.validity import assert_valid

_numbers = itertools.count(1)
DIGEST = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
OTHER_DIGEST = DIGEST[::-1]
CONTACT_ORDER: dict[str, Any] = {
    "name": "Moana Example",
    "street": ["1 Sample Street"],
    "city": "Nelson",
    "cc": "NZ",
    "voice": "+64.35550100",
    "email": "moana@example.net",
}


def new_client(sandbox: Sandbox, number: int = 100, **changes: str) -> Client:
    registrar = sandbox.registrar(number)
    facts: dict[str, Any] = {
        "clid": registrar["id"],
        "password": registrar["password"],
        "ca_file": sandbox.ca,
        "client_cert": registrar["certificate"],
        "client_key": registrar["key"],
    }
    # without it two clients of one second and process would use the same clTRIDs, which the registry refuses
    prefix = f"test-{next(_numbers)}"
    return Client(Config(host=sandbox.host, port=sandbox.port, cltrid_prefix=prefix, **(facts | changes)))


@contextmanager
def logged_in(sandbox: Sandbox, number: int = 100) -> Iterator[Client]:
    client = new_client(sandbox, number)
    client.connect()
    try:
        client.login()
        yield client
        assert client.logout().code() == 1500
    finally:
        client.disconnect()


@pytest.fixture
def epptools(sandbox: Sandbox) -> Iterator[Client]:
    with logged_in(sandbox) as client:
        yield client


def refusal(client: Client, method: Callable[..., Response], *arguments: Any, **options: Any) -> Response:
    """The response of a command that the server refuses; it is valid."""
    client.throw_on_failure(False)
    try:
        response = method(*arguments, **options)
    finally:
        client.throw_on_failure(True)
    assert_valid(response.raw.encode())
    assert not response.is_success()
    return response


def done(response: Response) -> Response:
    """The response of a command that was done; it is valid."""
    assert_valid(response.raw.encode())
    assert response.code() == 1000
    return response


def create_contact(client: Client, handle: str, **changes: Any) -> Response:
    return done(client.contact.create(handle, **(CONTACT_ORDER | changes)))


def with_glue(name: str, *addresses: str) -> dict[str, Any]:
    return {"name": name, "addresses": list(addresses)}


def ds(digest: str = DIGEST, tag: int = 1) -> dict[str, Any]:
    return {"key_tag": tag, "alg": 8, "digest_type": 2, "digest": digest}


@pytest.fixture
def made(epptools: Client, unused: Callable[[str], str]) -> tuple[str, str]:
    """A domain with two name servers and a DS record, and the contact that is all of its contacts."""
    handle, name = unused(""), unused("co.nz")
    create_contact(epptools, handle)
    created = epptools.domain.create(
        name,
        years=1,
        registrant=handle,
        contacts={"admin": handle, "tech": handle},
        nameservers=[with_glue(f"ns1.{name}", "192.0.2.1", "2001:db8::1"), with_glue("ns2.example.net")],
        auth_info="unused",
        sec_dns={"ds_data": [ds()]},
    )
    done(created)
    return name, handle


# -- sessions


def test_it_follows_the_greeting(sandbox: Sandbox) -> None:
    client = new_client(sandbox)
    greeting = client.connect()
    try:
        assert greeting.values("objURI") == [CONTACT, DOMAIN]
        assert SECDNS in greeting.values("extURI")
        assert client.login().code() == 1000
        assert client.hello().is_greeting()
        assert client.logout().code() == 1500
    finally:
        client.disconnect()


def test_it_changes_its_password_at_login(start: Callable[..., Sandbox]) -> None:
    sandbox = start()
    client = new_client(sandbox)
    client.connect()
    try:
        assert client.login(new_password="tui-sings-33").code() == 1000
        assert client.logout().code() == 1500
    finally:
        client.disconnect()

    for password, code in ((sandbox.registrar(100)["password"], 2200), ("tui-sings-33", 1000)):
        assert _login_code(sandbox, password) == code


def _login_code(sandbox: Sandbox, password: str) -> int:
    client = new_client(sandbox, password=password)
    client.connect()
    try:
        return client.login().code()
    except AuthenticationException as refused:
        return refused.response.code() if refused.response else 0
    finally:
        client.disconnect()


def test_it_is_told_of_a_wrong_password(sandbox: Sandbox) -> None:
    assert _login_code(sandbox, "wrong-password") == 2200


def test_it_is_told_that_it_has_not_logged_in(sandbox: Sandbox) -> None:
    client = new_client(sandbox)
    client.connect()
    try:
        with pytest.raises(CommandException) as refused:
            client.domain.check(["example.nz"])
        assert refused.value.response is not None
        assert refused.value.response.code() == 2002
    finally:
        client.disconnect()


def test_it_does_not_trust_a_server_of_another_authority(
    sandbox: Sandbox, start: Callable[..., Sandbox]
) -> None:
    with pytest.raises(ConnectionException, match="CERTIFICATE_VERIFY_FAILED"):
        new_client(sandbox, ca_file=start().ca).connect()


def test_its_certificate_of_another_authority_is_refused(
    sandbox: Sandbox, start: Callable[..., Sandbox]
) -> None:
    stranger = start().registrar(100)
    client = new_client(sandbox, client_cert=stranger["certificate"], client_key=stranger["key"])

    with pytest.raises(ConnectionException):
        client.connect()

    sandbox.wait_for_log("client certificate .* refused: ")


def test_the_session_that_the_sandbox_prints_can_be_pasted(start: Callable[..., Sandbox]) -> None:
    printed = start().out

    pasted = printed[printed.index("from epptools") : printed.index("End with Ctrl-C")]
    run = subprocess.run(
        [sys.executable, "-"], input=pasted, capture_output=True, text=True, timeout=60, check=False
    )

    assert run.stderr == ""
    assert "{'example.co.nz': True}" in run.stdout


# -- contacts


def test_contacts_are_checked_in_the_order_asked(epptools: Client, unused: Callable[[str], str]) -> None:
    handle, other = unused(""), unused("")

    created = create_contact(epptools, handle)

    assert created.object_name() == handle
    checked = done(epptools.contact.check([other, handle]))
    assert checked.availability() == {other: True, handle: False}
    assert checked.unavailable_reason(handle) == "In use"
    assert refusal(epptools, epptools.contact.create, handle, **CONTACT_ORDER).code() == 2302


def test_a_contact_comes_back_as_it_was_created(epptools: Client, unused: Callable[[str], str]) -> None:
    handle = unused("")
    street = ["1 Sample Street", "Floor 2"]
    create_contact(epptools, handle, street=street, sp="Tasman", pc="7010", fax="+64.35550101")

    info = done(epptools.contact.info(handle))

    assert info.object_name() == handle
    assert (info.email(), info.voice(), info.fax()) == ("moana@example.net", "+64.35550100", "+64.35550101")
    assert (info.statuses(), info.sponsor(), info.created_by()) == (["ok"], "100", "100")
    postal = info.postal_info()["int"]
    assert (postal["name"], postal["street"], postal["city"]) == ("Moana Example", street, "Nelson")
    assert (postal["sp"], postal["pc"], postal["cc"]) == ("Tasman", "7010", "NZ")
    assert info.disclose() is None


def test_a_contact_of_its_own_making_has_the_id_that_it_asks_for(epptools: Client) -> None:
    # it asks for "autonic", with which other registries make an id; here it is one like any other
    assert done(epptools.contact.create_auto(**CONTACT_ORDER)).object_name() == "autonic"
    assert refusal(epptools, epptools.contact.create_auto, **CONTACT_ORDER).code() == 2302
    done(epptools.contact.delete("autonic"))


def test_a_contact_is_built_step_by_step(epptools: Client, unused: Callable[[str], str]) -> None:
    handle = unused("")
    builder = epptools.contact.create_builder(handle, "moana@example.net")

    builder.localized_address("Moana Māori", "Ōtaki", "NZ", ["1 Sample Street"]).voice("+64.35550100").send()

    assert epptools.contact.info(handle).postal_info()["loc"]["name"] == "Moana Māori"


def test_a_contact_withholds_what_the_registry_can_withhold(
    epptools: Client, unused: Callable[[str], str]
) -> None:
    handle = unused("")
    create_contact(epptools, handle, disclose={"flag": False, "addr": ["int"], "voice": True, "fax": True})

    shown = epptools.contact.info(handle).disclose()

    assert shown == {"flag": False, "elements": ["addr:int", "voice", "fax"]}
    done(epptools.contact.update_builder(handle).publish("voice").send())
    assert epptools.contact.info(handle).disclose() is None
    assert (
        refusal(
            epptools, epptools.contact.update, handle, chg={"disclose": {"flag": False, "email": True}}
        ).code()
        == 2308
    )


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"org": "Moana Ltd"}, 2306, "org field not supported"),
        ({"voice": None}, 2306, "Voice phone number must be provided"),
        ({"street": []}, 2306, "At least 1 and no more than 2 street lines must be supplied in the address"),
        (
            {"street": ["1", "2", "3"]},
            2306,
            "At least 1 and no more than 2 street lines must be supplied in the address",
        ),
        ({"disclose": {"flag": False, "email": True}}, 2308, "email can't be withheld"),
        ({"cc": "NEW ZEALAND"}, 2005, "contact:cc"),
        ({"email": "nobody"}, 2306, "Email"),
    ],
)
def test_a_contact_that_the_registry_does_not_have_is_refused(
    epptools: Client, unused: Callable[[str], str], changes: dict[str, Any], code: int, text: str
) -> None:
    refused = refusal(epptools, epptools.contact.create, unused(""), **(CONTACT_ORDER | changes))

    assert refused.code() == code
    assert text in " ".join([refused.message() or "", *refused.error_reasons()])


def test_a_contact_of_two_languages_is_2306(epptools: Client, unused: Callable[[str], str]) -> None:
    builder = epptools.contact.create_builder(unused(""), "moana@example.net").voice("+64.35550100")
    builder.international_address("Moana", "Nelson", "NZ", ["1 Sample Street"])
    builder.localized_address("Moana", "Nelson", "NZ", ["1 Sample Street"])

    assert refusal(epptools, builder.send).code() == 2306


def test_a_contact_is_updated_in_all_that_it_has(epptools: Client, unused: Callable[[str], str]) -> None:
    handle = unused("")
    create_contact(epptools, handle, pc="7010", fax="+64.35550101")
    postal = {"type": "int", "name": "Moana Other", "street": ["2 Other St"], "city": "Picton", "cc": "NZ"}

    change = {"postal_info": postal, "voice": "+64.35550102", "fax": "", "email": "other@example.net"}
    done(epptools.contact.update(handle, change=change))

    info = epptools.contact.info(handle)
    shown = info.postal_info()["int"]
    assert (shown["name"], shown["street"], shown["city"]) == ("Moana Other", ["2 Other St"], "Picton")
    assert not shown["pc"]
    assert (info.voice(), info.fax(), info.email()) == ("+64.35550102", None, "other@example.net")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"add_statuses": ["clientDeleteProhibited"]}, 2102),
        ({"remove_statuses": ["clientUpdateProhibited"]}, 2102),
        ({"chg": {"auth_info": "secret"}}, 2102),
        ({"chg": {"voice": ""}}, 2306),
    ],
)
def test_an_update_that_a_contact_cannot_have_is_refused(
    epptools: Client, unused: Callable[[str], str], options: dict[str, Any], code: int
) -> None:
    handle = unused("")
    create_contact(epptools, handle)

    assert refusal(epptools, epptools.contact.update, handle, **options).code() == code


def test_contacts_auth_info_and_transfer_are_refused(epptools: Client, made: tuple[str, str]) -> None:
    _, handle = made

    assert refusal(epptools, epptools.contact.info, handle, "secret").code() == 2102
    for op in ("request", "query", "approve", "reject", "cancel"):
        assert refusal(epptools, epptools.contact.transfer, op, handle, "secret").code() == 2101


def test_a_contact_that_is_not_there_is_2303(epptools: Client, unused: Callable[[str], str]) -> None:
    handle = unused("")

    assert refusal(epptools, epptools.contact.info, handle).code() == 2303
    assert refusal(epptools, epptools.contact.delete, handle).code() == 2303
    assert refusal(epptools, epptools.contact.update, handle, chg={"voice": "+64.1"}).code() == 2303


def test_a_contact_is_deleted_once_no_domain_names_it(epptools: Client, made: tuple[str, str]) -> None:
    name, handle = made

    assert refusal(epptools, epptools.contact.delete, handle).code() == 2305
    done(epptools.domain.delete(name))
    done(epptools.contact.delete(handle))
    assert refusal(epptools, epptools.contact.info, handle).code() == 2303


# -- domains


def test_domains_are_checked_in_the_order_asked(epptools: Client, made: tuple[str, str]) -> None:
    name, _ = made

    checked = done(epptools.domain.check([f"not-{name}", name, "example.te"]))

    assert checked.availability() == {f"not-{name}": True, name: False, "example.te": False}
    assert checked.unavailable_reason(name) == "Registered"
    assert checked.unavailable_reason("example.te")


def test_a_domain_comes_back_as_it_was_created(epptools: Client, made: tuple[str, str]) -> None:
    name, handle = made

    info = done(epptools.domain.info(name))

    assert (info.object_name(), info.sponsor(), info.registrant()) == (name, "100", handle)
    assert info.contacts() == {"admin": [handle], "tech": [handle]}
    assert {
        server: [address["ip"] for address in addresses]
        for server, addresses in info.nameserver_addresses().items()
    } == {f"ns1.{name}": ["192.0.2.1", "2001:db8::1"], "ns2.example.net": []}
    assert info.ds_records() == [{"keyTag": 1, "alg": 8, "digestType": 2, "digest": DIGEST}]
    assert info.is_signed()
    assert info.statuses() == ["ok"]
    assert info.rgp_status() == ["addPeriod"]
    assert info.auth_info() is None


@pytest.mark.parametrize(("hosts", "shown"), [("all", 2), ("del", 2), ("sub", 0), ("none", 0)])
def test_info_shows_the_name_servers_asked_for(
    epptools: Client, made: tuple[str, str], hosts: str, shown: int
) -> None:
    assert len(epptools.domain.info(made[0], hosts=hosts).nameservers()) == shown


def test_a_domain_is_built_step_by_step(epptools: Client, made: tuple[str, str]) -> None:
    name, handle = f"other-{made[0]}", made[1]
    builder = epptools.domain.create_builder(name).years(2).registrant(handle).auth_info("unused")
    builder.admin_contact(handle).tech_contact(handle).nameserver_with_glue("ns1.example.net")

    created = done(builder.ds_record(7, 8, 2, DIGEST).send())

    assert created.object_name() == name
    assert created.expiry_date() == epptools.domain.info(name).expiry_date()
    assert int((created.expiry_date() or "")[:4]) == int((created.created_date() or "")[:4]) + 2


def test_a_domain_of_the_least_has_the_shortest_period(epptools: Client, made: tuple[str, str]) -> None:
    created = done(epptools.domain.create(f"least-{made[0]}", registrant=made[1]))

    info = epptools.domain.info(f"least-{made[0]}")
    assert created.created_date() is not None
    assert info.statuses() == ["inactive"]
    assert not info.is_signed()


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ({"nameservers": ["ns1.example.net"]}, 2102, "hostObj not supported"),
        (
            {"nameservers": [with_glue("ns1.example.net", "192.0.2.1", "192.0.2.2")]},
            2102,
            "multiple addresses of one IP version not supported",
        ),
        ({"nameservers": [with_glue("ns1.example.net", "192.0.2.1")]}, 2306, "IP4Addr"),
        ({"contacts": {"billing": "nobody"}}, 2102, "Only contacts of type 'admin' or 'tech' are supported"),
        ({"contacts": {"tech": ["t-1", "t-2"]}}, 2306, "Only one tech contact per domain supported"),
        ({"registrant": "nobody-there"}, 2303, "RegistrantContact"),
        ({"sec_dns": {"ds_data": [ds()], "max_sig_life": 3600}}, 2102, "maxSigLife not supported"),
        (
            {"sec_dns": {"key_data": [{"flags": 257, "protocol": 3, "alg": 8, "pub_key": "AQPJ"}]}},
            2306,
            "keyData not supported",
        ),
        ({"fee": "100.00"}, 2103, "urn:ietf:params:xml:ns:epp:fee-1.0"),
    ],
)
def test_a_domain_that_the_registry_does_not_have_is_refused(
    epptools: Client, made: tuple[str, str], options: dict[str, Any], code: int, text: str
) -> None:
    order = {"years": 1, "registrant": made[1]} | options

    refused = refusal(epptools, epptools.domain.create, f"refused-{made[0]}", **order)

    assert refused.code() == code
    shown = [str(part) for value in refused.ext_values() for part in (value["text"], value["reason"])]
    assert text in " ".join([refused.message() or "", *shown])


def test_a_registered_name_is_2302_and_a_foreign_zone_2306(epptools: Client, made: tuple[str, str]) -> None:
    name, handle = made

    assert refusal(epptools, epptools.domain.create, name, registrant=handle).code() == 2302
    assert refusal(epptools, epptools.domain.create, "example.com", registrant=handle).code() == 2306


def test_everything_of_a_domain_changes_in_one_update(
    epptools: Client, made: tuple[str, str], unused: Callable[[str], str]
) -> None:
    (name, old), new = made, unused("")
    create_contact(epptools, new)
    builder = epptools.domain.update_builder(name).change_registrant(new).change_auth_info("unused")
    builder.rem_contact("admin", old).add_contact("admin", new).add_status("clientHold")
    builder.add_ds_record(2, 8, 2, OTHER_DIGEST).rem_ds_record(1, 8, 2, DIGEST)

    done(builder.send())
    done(
        epptools.domain.update(
            name,
            add={"ns": [with_glue("ns3.example.net")]},
            rem={"ns": [with_glue(f"ns1.{name}")]},
        )
    )

    info = epptools.domain.info(name)
    assert (info.registrant(), info.contacts()) == (new, {"admin": [new], "tech": [old]})
    assert info.nameservers() == ["ns2.example.net", "ns3.example.net"]
    assert [record["digest"] for record in info.ds_records()] == [OTHER_DIGEST]
    assert info.statuses() == ["clientHold"]
    done(epptools.domain.update(name, remove={"statuses": ["clientHold"]}))
    assert epptools.domain.info(name).statuses() == ["ok"]


def test_ds_records_are_replaced_and_removed(epptools: Client, made: tuple[str, str]) -> None:
    name, _ = made

    done(epptools.domain.update(name, sec_dns={"remove_all": True, "add": {"ds_data": [ds(OTHER_DIGEST)]}}))
    assert [record["digest"] for record in epptools.domain.info(name).ds_records()] == [OTHER_DIGEST]

    done(epptools.domain.update_builder(name).remove_all_dnssec().send())
    assert not epptools.domain.info(name).is_signed()


def test_its_removal_of_auth_info_asks_for_a_new_one(epptools: Client, made: tuple[str, str]) -> None:
    done(epptools.domain.update_builder(made[0]).clear_auth_info().send())


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"add": {"statuses": ["clientTransferProhibited"]}}, 2102),
        ({"add": {"statuses": ["clientHold"]}, "rem": {"statuses": ["clientHold"]}}, 2002),
        ({"add": {"ns": ["ns9.example.net"]}}, 2102),
        ({"add": {"ns": [with_glue("ns2.example.net")]}}, 2002),
        ({"rem": {"ns": [with_glue("ns9.example.net")]}}, 2002),
        ({"add": {"contacts": {"tech": "someone"}}}, 2306),
        ({"rem": {"contacts": {"tech": "someone"}}}, 2002),
        ({"add": {"contacts": {"billing": "someone"}}}, 2102),
        ({"chg": {"registrant": "nobody-there"}}, 2303),
        ({"sec_dns": {"add": {"ds_data": [ds()]}}}, 2002),
        ({"sec_dns": {"rem": {"ds_data": [ds(OTHER_DIGEST)]}}}, 2002),
        ({"sec_dns": {"max_sig_life": 3600}}, 2102),
        ({"restore": True, "chg": {"auth_info": "unused"}}, 2306),
        ({"restore": True}, 2304),
        ({"fee": "1.00", "chg": {"auth_info": "unused"}}, 2103),
    ],
)
def test_an_update_that_a_domain_cannot_have_is_refused(
    epptools: Client, made: tuple[str, str], options: dict[str, Any], code: int
) -> None:
    assert refusal(epptools, epptools.domain.update, made[0], **options).code() == code


def test_its_builder_knows_name_servers_only_as_host_objects_which_are_2102(
    epptools: Client, made: tuple[str, str]
) -> None:
    builder = epptools.domain.update_builder(made[0]).add_nameserver("ns9.example.net")

    assert refusal(epptools, builder.send).code() == 2102


def test_a_domain_is_renewed_by_the_expiry_as_info_shows_it(epptools: Client, made: tuple[str, str]) -> None:
    name, _ = made
    expiry = epptools.domain.info(name).expiry_date() or ""

    renewed = done(epptools.domain.renew(name, expiry, years=2))

    assert renewed.object_name() == name
    assert (renewed.expiry_date() or "")[:4] == str(int(expiry[:4]) + 2)
    assert epptools.domain.info(name).expiry_date() == renewed.expiry_date()
    refused = refusal(epptools, epptools.domain.renew, name, expiry)
    assert refused.code() == 2304
    assert refused.error_reasons() == [
        f"Not close enough to current expiry date ({(renewed.expiry_date() or '')[:10]})"
    ]


@pytest.mark.parametrize("op", ["query", "approve", "reject", "cancel"])
def test_only_the_request_of_a_transfer_is_there(epptools: Client, made: tuple[str, str], op: str) -> None:
    assert refusal(epptools, epptools.domain.transfer, op, made[0]).code() == 2102


def test_a_transfer_of_ones_own_domain_is_2106_and_with_an_impossible_secret_2202(
    epptools: Client, made: tuple[str, str]
) -> None:
    assert refusal(epptools, epptools.domain.transfer, "request", made[0], "Hk7mNp2Q").code() == 2106
    assert refusal(epptools, epptools.domain.transfer, "request", made[0], "impossible").code() == 2202
    assert refusal(epptools, epptools.domain.transfer, "request", made[0]).code() == 2003


def test_a_domain_of_the_grace_period_is_gone_when_it_is_deleted(
    epptools: Client, made: tuple[str, str]
) -> None:
    done(epptools.domain.delete(made[0]))

    assert epptools.domain.check([made[0]]).is_available(made[0])
    assert refusal(epptools, epptools.domain.info, made[0]).code() == 2303
    assert refusal(epptools, epptools.domain.delete, made[0]).code() == 2303


def test_another_registrars_domain_is_2201(epptools: Client, sandbox: Sandbox, made: tuple[str, str]) -> None:
    name, _ = made
    expiry = epptools.domain.info(name).expiry_date()
    with logged_in(sandbox, 101) as other:
        assert refusal(other, other.domain.info, name).code() == 2201
        assert refusal(other, other.domain.info, name, "Hk7mNp2Q").code() == 2202
        assert refusal(other, other.domain.update, name, add={"statuses": ["clientHold"]}).code() == 2201
        assert refusal(other, other.domain.update, name, sec_dns={"remove_all": True}).code() == 2201
        assert refusal(other, other.domain.renew, name, expiry).code() == 2201
        assert refusal(other, other.domain.delete, name).code() == 2201


# -- hosts, fees, balance, licences: not here


def test_hosts_are_2307(epptools: Client) -> None:
    host, name = epptools.host, "ns1.example.nz"

    for refused in (
        refusal(epptools, host.check, [name]),
        refusal(epptools, host.info, name),
        refusal(epptools, host.create, name, ["192.0.2.1"]),
        refusal(epptools, host.update, name, add_addresses=["192.0.2.2"]),
        refusal(epptools, host.delete, name),
    ):
        assert refused.code() == 2307
        assert refused.ext_values()[0]["text"] == "urn:ietf:params:xml:ns:host-1.0"


def test_prices_are_2103(epptools: Client) -> None:
    refused = refusal(epptools, epptools.domain.check, ["example.nz"], fee={"create": 1})

    assert refused.code() == 2103
    assert refused.ext_values()[0]["text"] == "urn:ietf:params:xml:ns:epp:fee-1.0"


def test_what_the_greeting_does_not_offer_the_client_does_not_ask_for(epptools: Client) -> None:
    with pytest.raises(ConfigException):
        epptools.balance()
    with pytest.raises(ConfigException):
        epptools.domain.create("example.nz", registrant="someone", license="TM-1")
    with pytest.raises(ValidationException):
        epptools.domain.update("example.nz")


# -- poll, and what takes time


def later(sandbox: Sandbox, period: str) -> None:
    """Move the clock of the sandbox's registry, as its user would."""
    mover = Process(sandbox.folder / "mover", ["sandbox", "--data", str(sandbox.data), "--advance", period])
    assert mover.wait() == 0, mover.log


def drained(client: Client) -> list[Response]:
    """Every message on the queue, each of them acknowledged."""
    notices: list[Response] = []
    assert client.poll.drain(notices.append) == len(notices)
    for notice in notices:
        assert_valid(notice.raw.encode())
    assert client.poll.request().code() == 1300
    return notices


def test_messages_are_counted_acknowledged_and_gone(
    start: Callable[..., Sandbox], unused: Callable[[str], str]
) -> None:
    with logged_in(start()) as client:
        handle, name = unused(""), unused("nz")
        create_contact(client, handle)
        for label in ("a", "b"):
            done(client.domain.create(f"{label}-{name}", registrant=handle))

        first = client.poll.request()

        assert (first.code(), first.message_count(), first.queue_message()) == (1301, 2, "Domain Create")
        assert first.object_name() == f"a-{name}"
        assert client.poll.request().message_id() == first.message_id()
        acked = done(client.poll.ack(first.message_id() or ""))
        assert (acked.message_count(), acked.message_id()) == (1, first.message_id())
        assert refusal(client, client.poll.ack, first.message_id()).code() == 2303
        assert [notice.object_name() for notice in drained(client)] == [f"b-{name}"]


@pytest.mark.parametrize(("msg_id", "code"), [("0100never-there", 2303), ("what", 2005), ("", 2005)])
def test_an_acknowledgement_of_no_message_is_refused(epptools: Client, msg_id: str, code: int) -> None:
    assert refusal(epptools, epptools.poll.ack, msg_id).code() == code


def test_a_domain_changes_hands_is_deleted_and_restored(
    start: Callable[..., Sandbox], unused: Callable[[str], str]
) -> None:
    sandbox, handle, name = start(), unused(""), unused("nz")
    with logged_in(sandbox, 100) as loser, logged_in(sandbox, 101) as gainer:
        create_contact(loser, handle)
        done(loser.domain.create(name, years=1, registrant=handle))
        [created] = drained(loser)
        udai = created.auth_info()
        assert udai
        assert loser.domain.info(name, udai).code() == 1000
        assert refusal(gainer, gainer.domain.info, name, udai).code() == 2201
        assert refusal(gainer, gainer.domain.transfer, "request", name, udai).code() == 2304
        later(sandbox, "6d")

        moved = done(gainer.domain.transfer("request", name, udai, years=1))

        details = moved.transfer() or {}
        assert (details["status"], details["requested_by"]) == ("serverApproved", "101")
        assert details["expiry_date"] == gainer.domain.info(name).expiry_date()
        [notice] = drained(loser)
        assert notice.queue_message() == "Domain Transfer"
        assert (notice.transfer() or {})["requested_by"] == "101"
        later(sandbox, "6d")
        assert gainer.domain.delete(name).is_pending()
        assert gainer.domain.info(name).statuses() == ["pendingDelete", "inactive"]
        assert gainer.domain.info(name).rgp_status() == ["redemptionPeriod"]
        done(gainer.domain.restore(name))
        assert gainer.domain.info(name).statuses() == ["inactive"]
        assert refusal(gainer, gainer.domain.restore, name).code() == 2304
