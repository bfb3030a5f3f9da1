"""pyepp, a client that others wrote, through all that it offers for domains, contacts, poll and DNSSEC."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyepp import EppCommunicator
from pyepp.contact import AddressData, Contact, ContactData, PostalInfoData
from pyepp.domain import Domain, DomainData, DSRecordData, DSRecordKeyData
from pyepp.epp import EppCommunicatorException, EppResultData
from pyepp.host import Host, HostData, IPAddressData
from pyepp.poll import Poll

from tests.end_to_end.client import CONTACT, DOMAIN, EPP, SECDNS, Answer
from tests.end_to_end.process import Process, Sandbox

# pyepp sets TLS options that Python calls deprecated
pytestmark = pytest.mark.filterwarnings("ignore:ssl.OP_NO_:DeprecationWarning")

RGP = "urn:ietf:params:xml:ns:rgp-1.0"
DIGEST = "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"


def login(registrar: dict[str, str]) -> str:
    """pyepp's own login, but for hosts, which are not on offer."""
    return (
        f'<epp xmlns="{EPP}"><command><login><clID>{registrar["id"]}</clID><pw>{registrar["password"]}</pw>'
        "<options><version>1.0</version><lang>en</lang></options>"
        f"<svcs><objURI>{DOMAIN}</objURI><objURI>{CONTACT}</objURI>"
        f"<svcExtension><extURI>{SECDNS}</extURI><extURI>{RGP}</extURI></svcExtension></svcs>"
        "</login></command></epp>"
    )


@contextmanager
def connected(sandbox: Sandbox, number: int = 101) -> Iterator[EppCommunicator]:
    """A connection; it trusts what OpenSSL trusts, which SSL_CERT_FILE names."""
    registrar = sandbox.registrar(number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", sandbox.ca)
        client = EppCommunicator(sandbox.host, str(sandbox.port), registrar["certificate"], registrar["key"])
        client.connect()
        # it sends the length and the document one by one; the second would wait for the first to be seen
        client._ssl_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            yield client
        finally:
            client.disconnect()


@contextmanager
def logged_in(sandbox: Sandbox, number: int = 101) -> Iterator[EppCommunicator]:
    with connected(sandbox, number) as client:
        assert client.execute(login(sandbox.registrar(number))).code == 1000
        yield client
        assert client.logout().code == 1500


@pytest.fixture
def pyepp(sandbox: Sandbox) -> Iterator[EppCommunicator]:
    with logged_in(sandbox) as client:
        yield client


def seen(result: EppResultData) -> Answer:
    """The response of a command; it is valid."""
    return Answer(result.raw_response)


def code(result: EppResultData) -> int:
    assert seen(result).code == result.code
    return int(result.code)


def address(**changes: str) -> AddressData:
    parts = {"street_1": "1 Sample Street", "city": "Nelson", "country_code": "NZ", "postal_code": "7010"}
    return AddressData(**(parts | changes))


def contact(handle: str, **changes: Any) -> ContactData:
    facts: dict[str, Any] = {
        "id": handle,
        "email": "moana@example.net",
        "postal_info": PostalInfoData(name="Moana Example", address=address()),
        "phone": "+64.35550100",
        "fax": "+64.35550101",
    }
    return ContactData(**(facts | changes))


def ds(**changes: Any) -> DSRecordData:
    return DSRecordData(**({"key_tag": 1, "algorithm": 8, "digest_type": 2, "digest": DIGEST} | changes))


@pytest.fixture
def made(pyepp: EppCommunicator, unused: Callable[[str], str]) -> tuple[str, str]:
    """A domain, and the contact that is all of its contacts."""
    handle, name = unused(""), unused("nz")
    assert code(Contact(pyepp).create(contact(handle))) == 1000
    order = DomainData(name, period=1, registrant=handle, admin=handle, tech=handle)
    assert code(Domain(pyepp).create(order)) == 1000
    return name, handle


def expiry(client: EppCommunicator, name: str) -> date:
    return datetime.fromisoformat(Domain(client).info(name).result_data.expiry_date).date()


# -- sessions


def test_its_own_login_asks_for_hosts_which_are_not_on_offer(sandbox: Sandbox) -> None:
    registrar = sandbox.registrar(101)
    with connected(sandbox) as client:
        with pytest.raises(EppCommunicatorException, match=r"2307.*urn:ietf:params:xml:ns:host-1\.0"):
            client.login(registrar["id"], registrar["password"])

        assert client.execute(login(registrar)).code == 1000


def test_it_is_told_of_a_wrong_password(sandbox: Sandbox) -> None:
    registrar = sandbox.registrar(101) | {"password": "wrong-password"}
    with connected(sandbox) as client:
        assert code(client.execute(login(registrar))) == 2200


def test_it_says_hello_and_its_frames_end_in_a_line_feed(pyepp: EppCommunicator) -> None:
    assert Answer(pyepp.hello()).is_greeting


def test_nothing_but_login_before_login(sandbox: Sandbox) -> None:
    with connected(sandbox) as client:
        assert code(Domain(client).check(["example.nz"])) == 2002


# -- contacts


def test_contacts_are_checked(pyepp: EppCommunicator, made: tuple[str, str]) -> None:
    _, handle = made

    found = Contact(pyepp).check([f"{handle}-no", handle])

    assert code(found) == 1000
    assert found.result_data == {
        f"{handle}-no": {"avail": True, "reason": None},
        handle: {"avail": False, "reason": "In use"},
    }


def test_a_contact_comes_back_as_it_was_created(pyepp: EppCommunicator, unused: Callable[[str], str]) -> None:
    handle = unused("")
    postal = PostalInfoData(name="Moana Māori", address=address(street_2="Floor 2", province="Tasman"))
    created = Contact(pyepp).create(contact(handle, postal_info=postal))
    assert seen(created).texts("id", CONTACT) == [handle]

    found = Contact(pyepp).info(handle).result_data

    assert (found.id, found.email) == (handle, "moana@example.net")
    assert (found.phone, found.fax) == ("+64.35550100", "+64.35550101")
    assert (found.sponsoring_client_id, found.create_client_id) == ("101", "101")
    assert (found.postal_info.name, found.postal_info.type) == ("Moana Māori", "loc")
    shown = found.postal_info.address
    assert (shown.street_1, shown.street_2, shown.street_3) == ("1 Sample Street", "Floor 2", None)
    assert (shown.city, shown.province, shown.postal_code) == ("Nelson", "Tasman", "7010")
    assert found.postal_info.organization is None


def test_a_contact_all_in_ascii_is_shown_as_international(
    pyepp: EppCommunicator, made: tuple[str, str]
) -> None:
    assert Contact(pyepp).info(made[1]).result_data.postal_info.type == "int"


@pytest.mark.parametrize(
    ("changes", "expected", "reason"),
    [
        ({"phone": ""}, 2306, "Voice phone number must be provided"),
        ({"phone": "035550100"}, 2005, "contact:voice"),
        (
            {"postal_info": PostalInfoData("Moana", "Moana Ltd", address())},
            2306,
            "org field not supported",
        ),
        (
            {"postal_info": PostalInfoData("Moana", address=address(street_2="2", street_3="3"))},
            2306,
            "At least 1 and no more than 2 street lines must be supplied in the address",
        ),
        (
            {"postal_info": PostalInfoData("Moana", address=address(street_1=""))},
            2306,
            "At least 1 and no more than 2 street lines must be supplied in the address",
        ),
        ({"id": "x"}, 2005, "contact:id"),
    ],
)
def test_a_contact_that_the_registry_does_not_have_is_refused(
    pyepp: EppCommunicator, unused: Callable[[str], str], changes: dict[str, Any], expected: int, reason: str
) -> None:
    refused = Contact(pyepp).create(contact(unused(""), **changes))

    assert code(refused) == expected
    assert reason in f"{refused.message} {refused.reason}"


def test_a_contact_that_is_there_is_2302_and_one_that_is_not_2303(
    pyepp: EppCommunicator, made: tuple[str, str]
) -> None:
    _, handle = made

    assert code(Contact(pyepp).create(contact(handle))) == 2302
    assert code(Contact(pyepp).info(f"{handle}-no")) == 2303
    assert code(Contact(pyepp).update(contact(f"{handle}-no"))) == 2303
    assert code(Contact(pyepp).delete(f"{handle}-no")) == 2303


def test_a_contact_is_updated(pyepp: EppCommunicator, made: tuple[str, str]) -> None:
    _, handle = made
    moved = PostalInfoData("Moana Other", address=AddressData("2 Other Street", "Picton", "NZ"))
    change = ContactData(handle, "other@example.net", moved, phone="+64.35550109", password="unused")

    assert code(Contact(pyepp).update(change)) == 1000

    found = Contact(pyepp).info(handle).result_data
    assert (found.email, found.phone, found.fax) == ("other@example.net", "+64.35550109", "+64.35550101")
    shown = found.postal_info
    assert (shown.name, shown.address.street_1, shown.address.city) == (
        "Moana Other",
        "2 Other Street",
        "Picton",
    )
    assert shown.address.postal_code is None


def test_a_contact_update_with_nothing_in_it_is_2003(pyepp: EppCommunicator, made: tuple[str, str]) -> None:
    assert code(Contact(pyepp).update(ContactData(made[1]))) == 2003


def test_its_status_of_a_contact_is_not_well_formed_xml(
    pyepp: EppCommunicator, made: tuple[str, str]
) -> None:
    # its template leaves out the quotes around the attribute
    assert code(Contact(pyepp).update(ContactData(made[1]), add_status="clientDeleteProhibited")) == 2001
    quoted = '"clientDeleteProhibited"'
    assert code(Contact(pyepp).update(ContactData(made[1]), add_status=quoted)) == 2001


def test_a_contact_is_deleted_once_no_domain_names_it(pyepp: EppCommunicator, made: tuple[str, str]) -> None:
    name, handle = made

    assert code(Contact(pyepp).delete(handle)) == 2305
    assert code(Domain(pyepp).delete(name)) == 1000
    assert code(Contact(pyepp).delete(handle)) == 1000
    assert Contact(pyepp).check([handle]).result_data[handle]["avail"] is True


# -- domains


def test_domains_are_checked(pyepp: EppCommunicator, made: tuple[str, str]) -> None:
    name, _ = made

    found = Domain(pyepp).check([f"not-{name}", name])

    assert code(found) == 1000
    assert found.result_data == {
        f"not-{name}": {"avail": True, "reason": None},
        name: {"avail": False, "reason": "Registered"},
    }


def test_a_domain_comes_back_as_it_was_created(pyepp: EppCommunicator, made: tuple[str, str]) -> None:
    name, handle = made

    result = Domain(pyepp).info(name)

    found = result.result_data
    assert (found.domain_name, found.sponsoring_client_id) == (name, "101")
    assert (found.registrant, found.admin, found.tech) == (handle, handle, handle)
    assert found.status == ["inactive"]
    assert found.expiry_date[:4] == str(int(found.create_date[:4]) + 1)
    assert (found.host, found.dns_sec, found.password) == (None, None, None)
    assert result.repository_object_id.endswith("-DOM")


def test_ds_records_without_name_servers_are_refused_by_the_registry(
    pyepp: EppCommunicator, made: tuple[str, str]
) -> None:
    order = DomainData(f"signed-{made[0]}", period=1, registrant=made[1], dns_sec=[ds()])

    assert code(Domain(pyepp).create(order)) == 2306


def test_ds_records_come_back_as_they_were_given(pyepp: EppCommunicator, made: tuple[str, str]) -> None:
    # name servers it knows only as host objects: so here they are told by hand
    name = f"signed-{made[0]}"
    created = pyepp.execute(
        f'<epp xmlns="{EPP}"><command><create><d:create xmlns:d="{DOMAIN}"><d:name>{name}</d:name>'
        '<d:period unit="m">6</d:period><d:ns><d:hostAttr><d:hostName>ns1.example.net</d:hostName>'
        f"</d:hostAttr></d:ns><d:registrant>{made[1]}</d:registrant>"
        "<d:authInfo><d:pw>unused</d:pw></d:authInfo></d:create></create>"
        f'<extension><s:create xmlns:s="{SECDNS}"><s:dsData><s:keyTag>1</s:keyTag><s:alg>8</s:alg>'
        f"<s:digestType>2</s:digestType><s:digest>{DIGEST}</s:digest></s:dsData></s:create></extension>"
        "</command></epp>"
    )
    assert code(created) == 1000

    found = Domain(pyepp).info(name).result_data

    assert found.dns_sec == [DSRecordData("1", "8", "2", DIGEST)]
    assert found.status == ["ok"]
    assert found.host == [], "it looks for host objects"


@pytest.mark.parametrize(
    ("changes", "expected", "reason"),
    [
        ({"host": ["ns1.example.net"]}, 2102, "hostObj not supported"),
        ({"billing": "someone"}, 2102, "Only contacts of type 'admin' or 'tech' are supported"),
        ({"registrant": "nobody-there"}, 2303, "RegistrantContact"),
        ({"registrant": ""}, 2005, "domain:registrant"),
        ({"period": 0}, 2004, "domain:period"),
        (
            {"dns_sec": [ds(dns_key=DSRecordKeyData("257", 8, "AQPJ"))]},
            2306,
            "keyData not supported",
        ),
    ],
)
def test_a_domain_that_the_registry_does_not_have_is_refused(
    pyepp: EppCommunicator, made: tuple[str, str], changes: dict[str, Any], expected: int, reason: str
) -> None:
    order = DomainData(f"refused-{made[0]}", **({"period": 1, "registrant": made[1]} | changes))

    refused = Domain(pyepp).create(order)

    assert code(refused) == expected
    assert reason in refused.raw_response.decode()


def test_a_domain_without_a_period_has_none_in_its_request_which_is_2005(
    pyepp: EppCommunicator, made: tuple[str, str]
) -> None:
    # its template writes an empty element, which RFC 5731 does not allow
    assert code(Domain(pyepp).create(DomainData(f"none-{made[0]}", registrant=made[1]))) == 2005


def test_a_domain_is_updated(
    pyepp: EppCommunicator, made: tuple[str, str], unused: Callable[[str], str]
) -> None:
    (name, old), new = made, unused("")
    assert code(Contact(pyepp).create(contact(new))) == 1000

    updated = Domain(pyepp).update(
        name,
        registrant=new,
        password="unused",
        add_admins=[new],
        remove_admins=[old],
        remove_techs=[old],
        add_statuses=[("clientHold", "Unpaid")],
    )

    assert code(updated) == 1000
    found = Domain(pyepp).info(name).result_data
    assert (found.registrant, found.admin, found.tech) == (new, new, None)
    assert found.status == ["clientHold", "inactive"]
    assert code(Domain(pyepp).update(name, add_techs=[new], remove_statuses=["clientHold"])) == 1000
    found = Domain(pyepp).info(name).result_data
    assert (found.tech, found.status) == (new, ["inactive"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 2003),
        ({"add_hosts": ["ns1.example.net"]}, 2102),
        ({"remove_hosts": ["ns1.example.net"]}, 2102),
        ({"add_statuses": [("clientTransferProhibited", "")]}, 2102),
        ({"add_statuses": [("clientHold", "")], "remove_statuses": ["clientHold"]}, 2002),
        ({"add_admins": ["a-1", "a-2"]}, 2306),
        ({"add_techs": ["someone"]}, 2306),
        ({"remove_techs": ["someone"]}, 2002),
        ({"add_billings": ["someone"]}, 2102),
        ({"remove_billings": ["someone"]}, 2102),
        ({"registrant": "nobody-there"}, 2303),
    ],
)
def test_an_update_that_a_domain_cannot_have_is_refused(
    pyepp: EppCommunicator, made: tuple[str, str], changes: dict[str, Any], expected: int
) -> None:
    assert code(Domain(pyepp).update(made[0], **changes)) == expected


def test_a_domain_is_renewed_by_who_knows_when_it_expires(
    pyepp: EppCommunicator, made: tuple[str, str]
) -> None:
    name, _ = made
    before = expiry(pyepp, name)

    assert code(Domain(pyepp).renew(name, date(2001, 2, 3))) == 2304
    renewed = Domain(pyepp).renew(name, before, period=2)

    assert code(renewed) == 1000
    assert seen(renewed).texts("exDate")[0][:4] == str(before.year + 2)
    assert expiry(pyepp, name).year == before.year + 2


def test_a_domain_of_the_grace_period_is_gone_when_it_is_deleted(
    pyepp: EppCommunicator, made: tuple[str, str]
) -> None:
    name, _ = made

    assert code(Domain(pyepp).restore(name)) == 2304
    assert code(Domain(pyepp).delete(name)) == 1000

    assert Domain(pyepp).check([name]).result_data[name]["avail"] is True
    assert code(Domain(pyepp).info(name)) == 2303
    assert code(Domain(pyepp).delete(name)) == 2303
    assert code(Domain(pyepp).restore(name)) == 2303


def test_a_restore_report_is_2304_since_none_is_awaited(
    pyepp: EppCommunicator, made: tuple[str, str]
) -> None:
    moment = datetime(2024, 2, 29, tzinfo=UTC)

    report = Domain(pyepp).restore_report(
        made[0], "before", "after", moment, moment, "an error", "first statement", "second statement", "more"
    )

    assert code(report) == 2304
    assert report.reason == "no restore is pending"


def test_a_transfer_of_ones_own_domain_is_2106_and_with_an_impossible_secret_2202(
    pyepp: EppCommunicator, made: tuple[str, str]
) -> None:
    assert code(Domain(pyepp).transfer(made[0], "Hk7mNp2Q")) == 2106
    assert code(Domain(pyepp).transfer(made[0], "impossible", period=1)) == 2202


def test_another_registrars_domain_is_2201(
    pyepp: EppCommunicator, sandbox: Sandbox, made: tuple[str, str]
) -> None:
    name, handle = made
    with logged_in(sandbox, 100) as other:
        assert code(Domain(other).info(name)) == 2201
        assert code(Domain(other).update(name, registrant=handle)) == 2201
        assert code(Domain(other).renew(name, expiry(pyepp, name))) == 2201
        assert code(Domain(other).delete(name)) == 2201


# -- hosts


def test_hosts_are_2307(pyepp: EppCommunicator) -> None:
    hosts, name = Host(pyepp), "ns1.example.nz"
    glue = [IPAddressData("192.0.2.1", "v4")]

    for refused in (
        hosts.check([name]),
        hosts.info(name),
        hosts.create(HostData(name, glue)),
        hosts.update(name, add_ip_address=glue),
        hosts.delete(name),
    ):
        assert code(refused) == 2307
        assert refused.reason == "urn:ietf:params:xml:ns:host-1.0 is not available on this server"


# -- poll, and what takes time


def later(sandbox: Sandbox, period: str) -> None:
    """Move the clock of the sandbox's registry, as its user would."""
    mover = Process(sandbox.folder / "mover", ["sandbox", "--data", str(sandbox.data), "--advance", period])
    assert mover.wait() == 0, mover.log


def next_message(client: EppCommunicator) -> tuple[Answer, str]:
    """The first message and its id, by hand: pyepp takes ids for numbers, which RFC 5730 does not."""
    with pytest.raises(ValueError, match="invalid literal for int"):
        Poll(client).request()
    answer = seen(client.execute(f'<epp xmlns="{EPP}"><command><poll op="req"/></command></epp>'))
    assert answer.code == 1301
    queue = answer.root.find(f".//{{{EPP}}}msgQ")
    assert queue is not None
    return answer, queue.get("id", "")


def acknowledge(client: EppCommunicator, msg_id: str) -> None:
    """It is acknowledged, though pyepp then fails to make a number of its id."""
    with pytest.raises(ValueError, match="invalid literal for int"):
        Poll(client).acknowledge(msg_id)


def test_a_domain_changes_hands_is_deleted_and_restored(
    start: Callable[..., Sandbox], unused: Callable[[str], str]
) -> None:
    sandbox, handle, name = start(), unused(""), unused("nz")
    with logged_in(sandbox, 101) as loser, logged_in(sandbox, 100) as gainer:
        assert code(Poll(loser).request()) == 1300
        assert code(Contact(loser).create(contact(handle))) == 1000
        assert code(Domain(loser).create(DomainData(name, period=1, registrant=handle))) == 1000
        created, msg_id = next_message(loser)
        [udai] = created.texts("pw")
        acknowledge(loser, msg_id)
        assert code(Poll(loser).request()) == 1300
        assert code(Poll(loser).acknowledge(msg_id)) == 2303
        assert code(Domain(gainer).transfer(name, udai)) == 2304
        later(sandbox, "6d")
        assert code(Domain(gainer).transfer(name, "Hk7mNp2Q")) == 2202

        moved = Domain(gainer).transfer(name, udai, period=1)

        assert code(moved) == 1000
        assert seen(moved).texts("trStatus") == ["serverApproved"]
        assert Domain(gainer).info(name).result_data.sponsoring_client_id == "100"
        assert code(Domain(loser).info(name)) == 2201
        message, _ = next_message(loser)
        assert message.texts("msg", EPP)[1:] == ["Domain Transfer"]
        later(sandbox, "6d")
        assert code(Domain(gainer).delete(name)) == 1001
        assert Domain(gainer).info(name).result_data.status == ["pendingDelete", "inactive"]
        assert code(Domain(gainer).restore(name)) == 1000
        assert Domain(gainer).info(name).result_data.status == ["inactive"]
