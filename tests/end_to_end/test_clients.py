"""Clients that others wrote: epptools and pyepp, through all that this version serves."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from epptools import Client as EppTools
from epptools import Config
from epptools.exceptions import AuthenticationException, CommandException, ConnectionException
from pyepp import EppCommunicator
from pyepp.contact import AddressData, Contact, ContactData, PostalInfoData
from pyepp.domain import Domain
from pyepp.epp import EppCommunicatorException

from tests.end_to_end.client import CONTACT, DOMAIN, SECDNS, login
from tests.end_to_end.process import Sandbox

# pyepp sets TLS options that Python calls deprecated
pytestmark = pytest.mark.filterwarnings("ignore:ssl.OP_NO_:DeprecationWarning")


_numbers = itertools.count(1)


def epptools_client(sandbox: Sandbox, number: int = 100, **changes: str) -> EppTools:
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
    return EppTools(Config(host=sandbox.host, port=sandbox.port, cltrid_prefix=prefix, **(facts | changes)))


@pytest.fixture
def epptools(sandbox: Sandbox) -> Iterator[EppTools]:
    client = epptools_client(sandbox)
    client.connect()
    client.login()
    yield client
    client.logout()
    client.disconnect()


def create_contact(client: EppTools, handle: str) -> None:
    response = client.contact.create(
        handle,
        name="Moana Example",
        street=["1 Sample Street"],
        city="Nelson",
        cc="NZ",
        voice="+64.35550100",
        email="moana@example.net",
        auth_info="unused",
    )
    assert response.code() == 1000
    assert response.object_name() == handle


def test_epptools_follows_the_greeting(sandbox: Sandbox) -> None:
    client = epptools_client(sandbox)
    greeting = client.connect()
    try:
        assert greeting.values("objURI") == [CONTACT, DOMAIN]
        assert SECDNS in greeting.values("extURI")
        assert client.login().code() == 1000
        assert client.hello().is_greeting()
        assert client.logout().code() == 1500
    finally:
        client.disconnect()


def test_epptools_checks_creates_and_looks_at_contacts(
    epptools: EppTools, unused: Callable[[str], str]
) -> None:
    handle, other = unused(""), unused("")

    create_contact(epptools, handle)

    assert epptools.contact.check([other, handle]).availability() == {other: True, handle: False}
    info = epptools.contact.info(handle)
    assert info.email() == "moana@example.net"
    assert info.voice() == "+64.35550100"
    assert info.statuses() == ["ok"]
    assert info.sponsor() == "100"
    assert info.postal_info()["int"]["city"] == "Nelson"


def test_epptools_checks_creates_and_looks_at_domains(
    epptools: EppTools, unused: Callable[[str], str]
) -> None:
    handle, name, other = unused(""), unused("co.nz"), unused("nz")
    create_contact(epptools, handle)
    digest = "A" * 64

    created = epptools.domain.create(
        name,
        years=1,
        registrant=handle,
        contacts={"admin": handle, "tech": handle},
        nameservers=[{"name": f"ns1.{name}", "addresses": ["192.0.2.1", "2001:db8::1"]}],
        auth_info="unused",
        sec_dns={"ds_data": [{"key_tag": 1, "alg": 8, "digest_type": 2, "digest": digest}]},
    )

    assert created.code() == 1000
    assert epptools.domain.check([name, other]).availability() == {name: False, other: True}
    info = epptools.domain.info(name)
    assert info.registrant() == handle
    assert info.contacts() == {"admin": [handle], "tech": [handle]}
    [(server, addresses)] = info.nameserver_addresses().items()
    assert server == f"ns1.{name}"
    assert [address["ip"] for address in addresses] == ["192.0.2.1", "2001:db8::1"]
    assert [str(record["digest"]).upper() for record in info.ds_records()] == [digest]
    assert info.expiry_date() == created.expiry_date()
    assert info.rgp_status() == ["addPeriod"]


def test_epptools_is_told_of_a_wrong_password(sandbox: Sandbox) -> None:
    client = epptools_client(sandbox, password="wrong-password")
    client.connect()
    try:
        with pytest.raises(AuthenticationException) as refused:
            client.login()
        assert refused.value.response is not None
        assert refused.value.response.code() == 2200
    finally:
        client.disconnect()


def test_epptools_is_told_that_it_has_not_logged_in(sandbox: Sandbox) -> None:
    client = epptools_client(sandbox)
    client.connect()
    try:
        with pytest.raises(CommandException) as refused:
            client.domain.check(["example.nz"])
        assert refused.value.response is not None
        assert refused.value.response.code() == 2002
    finally:
        client.disconnect()


def test_epptools_does_not_trust_a_server_of_another_authority(
    sandbox: Sandbox, start: Callable[..., Sandbox]
) -> None:
    with pytest.raises(ConnectionException, match="CERTIFICATE_VERIFY_FAILED"):
        epptools_client(sandbox, ca_file=start().ca).connect()


def test_a_client_certificate_of_another_authority_is_refused(
    sandbox: Sandbox, start: Callable[..., Sandbox]
) -> None:
    stranger = start().registrar(100)
    client = epptools_client(sandbox, client_cert=stranger["certificate"], client_key=stranger["key"])

    with pytest.raises(ConnectionException):
        client.connect()

    sandbox.wait_for_log("client certificate .* refused: ")


def test_the_session_that_the_sandbox_prints_can_be_pasted(start: Callable[..., Sandbox]) -> None:
    printed = start().out

    pasted = printed[printed.index("from epptools") : printed.index("End with Ctrl-C")]
    done = subprocess.run(
        [sys.executable, "-"], input=pasted, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stderr == ""
    assert "{'example.co.nz': True}" in done.stdout


@pytest.fixture
def pyepp(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[EppCommunicator]:
    monkeypatch.setenv("SSL_CERT_FILE", sandbox.ca)  # it trusts what OpenSSL trusts
    registrar = sandbox.registrar(101)
    client = EppCommunicator(sandbox.host, str(sandbox.port), registrar["certificate"], registrar["key"])
    client.connect()
    yield client
    if client._ssl_socket is not None:  # logout has not closed it
        client._ssl_socket.close()


def test_pyepps_own_login_asks_for_hosts_which_are_not_on_offer(
    pyepp: EppCommunicator, sandbox: Sandbox
) -> None:
    registrar = sandbox.registrar(101)

    with pytest.raises(EppCommunicatorException, match=r"2307.*urn:ietf:params:xml:ns:host-1\.0"):
        pyepp.login(registrar["id"], registrar["password"])


def test_pyepp_with_the_services_on_offer(
    pyepp: EppCommunicator, sandbox: Sandbox, unused: Callable[[str], str]
) -> None:
    assert pyepp.execute(login(sandbox.registrar(101))).code == 1000
    contacts, domains = Contact(pyepp), Domain(pyepp)
    handle, name = unused(""), unused("nz")
    address = AddressData(street_1="1 Sample Street", city="Nelson", country_code="NZ", postal_code="7010")
    order = ContactData(
        id=handle,
        email="moana@example.net",
        postal_info=PostalInfoData(name="Moana Example", address=address),
        phone="+64.35550100",
    )

    assert contacts.create(order).code == 1000
    assert contacts.check([handle]).result_data[handle]["avail"] is False
    assert contacts.info(handle).result_data.postal_info.address.city == "Nelson"
    created = pyepp.execute(
        f'<epp xmlns="urn:ietf:params:xml:ns:epp-1.0"><command><create><d:create xmlns:d="{DOMAIN}">'
        f'<d:name>{name}</d:name><d:period unit="m">6</d:period><d:registrant>{handle}</d:registrant>'
        "<d:authInfo><d:pw>unused</d:pw></d:authInfo></d:create></create></command></epp>"
    )
    assert created.code == 1000
    assert domains.check([name]).result_data[name]["avail"] is False
    assert domains.info(name).result_data.registrant == handle
    assert pyepp.logout().code == 1500
