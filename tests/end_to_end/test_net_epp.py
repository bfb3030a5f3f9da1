"""Net::EPP::Simple, a client in Perl, through all that it offers. ``net_epp.pl`` drives it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from tests.end_to_end.client import DOMAIN
from tests.end_to_end.process import Process, Sandbox
from tests.support.validity import assert_valid

SCRIPT = Path(__file__).with_name("net_epp.pl")
HOSTS_ARE_NOT_ON_OFFER = (
    "Unimplemented object service: urn:ietf:params:xml:ns:host-1.0 is not available on this server"
)


def _why_not() -> str | None:
    """What is missing on this machine."""
    perl = shutil.which("perl")
    if perl is None:
        return "perl is not installed"
    tried = subprocess.run(
        [perl, "-MNet::EPP::Simple", "-MJSON::PP", "-e", "1"], capture_output=True, text=True, check=False
    )
    return None if tried.returncode == 0 else "Perl's Net::EPP (libnet-epp-perl) or JSON::PP is not installed"


_MISSING = _why_not()
pytestmark = pytest.mark.skipif(_MISSING is not None, reason=str(_MISSING))


@dataclass(frozen=True)
class Outcome:
    """What the module says of one operation; ``result`` is what its method returned."""

    code: int
    message: str
    error: str
    result: Any


class NetEpp:
    """A Perl process with one Net::EPP::Simple, logged in."""

    def __init__(self, sandbox: Sandbox, number: int = 100, **changes: object) -> None:
        registrar = sandbox.registrar(number)
        self._perl = subprocess.Popen(
            ["perl", str(SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        facts = {
            "host": sandbox.host,
            "port": sandbox.port,
            "user": registrar["id"],
            "pass": registrar["password"],
            "cert": registrar["certificate"],
            "key": registrar["key"],
            "ca_file": sandbox.ca,
            "verify": 1,
            "timeout": 20,
        }
        self.login = self._say(facts | changes)

    def do(self, method: str, *arguments: object) -> Outcome:
        return self._say([method, *arguments])

    def done(self, method: str, *arguments: object) -> Any:
        """What an operation returns that succeeds, and that the server says so of."""
        outcome = self.do(method, *arguments)
        assert outcome.code == 1000, outcome
        assert outcome.result is not None, outcome
        return outcome.result

    def close(self) -> None:
        self._perl.communicate(timeout=30)
        assert self._perl.returncode == 0

    def _say(self, what: object) -> Outcome:
        assert self._perl.stdin is not None
        assert self._perl.stdout is not None
        self._perl.stdin.write(json.dumps(what) + "\n")
        self._perl.stdin.flush()
        answer = json.loads(self._perl.stdout.readline())
        assert "died" not in answer, answer
        return Outcome(int(answer["code"] or 0), answer["message"], answer["error"], answer["result"])


@contextmanager
def perl(sandbox: Sandbox, number: int = 100, **changes: object) -> Iterator[NetEpp]:
    client = NetEpp(sandbox, number, **changes)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def net_epp(sandbox: Sandbox) -> Iterator[NetEpp]:
    with perl(sandbox) as client:
        assert client.login == Outcome(1000, "Command completed successfully", "", 1)
        yield client


def contact(handle: str) -> dict[str, Any]:
    address = {"street": ["1 Sample Street", "Floor 2"], "city": "Nelson", "sp": "", "pc": "7010", "cc": "NZ"}
    return {
        "id": handle,
        "postalInfo": {"int": {"name": "Moana Example", "addr": address}},
        "voice": "+64.35550100",
        "fax": "+64.35550101",
        "email": "moana@example.net",
        "authInfo": "unused",
    }


def server(name: str, *addresses: tuple[str, str]) -> dict[str, Any]:
    shown = [{"version": version, "addr": address} for version, address in addresses]
    return {"name": name, "addrs": shown} if shown else {"name": name}


def domain(name: str, handle: str, **changes: object) -> dict[str, Any]:
    return {
        "name": name,
        "period": 2,
        "registrant": handle,
        "contacts": {"admin": handle, "tech": handle},
        "ns": [server(f"ns1.{name}", ("v4", "192.0.2.1"), ("v6", "2001:db8::1")), server("ns2.example.net")],
        "authInfo": "unused",
    } | changes


@pytest.fixture
def made(net_epp: NetEpp, unused: Callable[[str], str]) -> tuple[str, str]:
    """A domain, and the contact that is all of its contacts."""
    handle, name = unused(""), unused("co.nz")
    assert net_epp.done("create_contact", contact(handle)) == 1
    assert net_epp.done("create_domain", domain(name, handle)) == 1
    return name, handle


# -- sessions


def test_it_logs_in_with_the_services_of_the_greeting_and_logs_out(sandbox: Sandbox) -> None:
    with perl(sandbox) as client:
        assert client.login.code == 1000
        assert client.do("ping").result == 1
        assert client.do("logout").result == 1


def test_it_is_told_of_a_wrong_password(sandbox: Sandbox) -> None:
    with perl(sandbox, 100, **{"pass": "wrong-password"}) as client:
        assert client.login == Outcome(
            2200,
            "Authentication error",
            "Error logging in (response code 2200, message Authentication error)",
            None,
        )


def test_its_standard_objects_include_hosts_which_are_not_on_offer(sandbox: Sandbox) -> None:
    with perl(sandbox, stdobj=1) as client:
        assert (client.login.code, client.login.message) == (2307, HOSTS_ARE_NOT_ON_OFFER)


def test_its_standard_extension_is_on_offer(sandbox: Sandbox) -> None:
    with perl(sandbox, stdext=1) as client:
        assert client.login.code == 1000


# -- contacts


def test_a_contact_is_available_until_it_is_created(net_epp: NetEpp, unused: Callable[[str], str]) -> None:
    handle = unused("")

    assert net_epp.done("check_contact", handle) == "1"
    assert net_epp.done("create_contact", contact(handle)) == 1
    assert net_epp.done("check_contact", handle) == "0"
    assert net_epp.do("create_contact", contact(handle)).code == 2302


def test_a_contact_comes_back_as_it_was_created(net_epp: NetEpp, unused: Callable[[str], str]) -> None:
    handle = unused("")
    net_epp.done("create_contact", contact(handle))

    info = net_epp.done("contact_info", handle)

    assert info["id"] == handle
    assert info["status"] == ["ok"]
    assert (info["voice"], info["fax"], info["email"]) == (
        "+64.35550100",
        "+64.35550101",
        "moana@example.net",
    )
    assert info["postalInfo"]["int"]["name"] == "Moana Example"
    assert info["postalInfo"]["int"]["addr"] == {
        "street": ["1 Sample Street", "Floor 2"],
        "city": "Nelson",
        "pc": "7010",
        "cc": "NZ",
    }
    assert (info["clID"], info["crID"]) == ("100", "100")
    assert info["roid"].endswith("-CON")
    assert "upDate" not in info


def test_a_contact_in_two_languages_is_2306(net_epp: NetEpp, unused: Callable[[str], str]) -> None:
    order = contact(unused(""))
    order["postalInfo"]["loc"] = order["postalInfo"]["int"]

    refused = net_epp.do("create_contact", order)

    assert (refused.code, refused.result) == (2306, None)
    assert refused.message.endswith("Only one postal info element per contact supported")


def test_a_contacts_auth_info_is_2102(net_epp: NetEpp, made: tuple[str, str]) -> None:
    assert net_epp.do("contact_info", made[1], "secret").code == 2102


def test_a_contact_that_is_not_there_is_2303(net_epp: NetEpp, unused: Callable[[str], str]) -> None:
    assert net_epp.do("contact_info", unused("")).code == 2303
    assert net_epp.do("delete_contact", unused("")).code == 2303


def test_a_contact_is_updated(net_epp: NetEpp, unused: Callable[[str], str]) -> None:
    handle = unused("")
    net_epp.done("create_contact", contact(handle))
    address = {"street": ["2 Other Street"], "city": "Picton", "sp": "Marlborough", "pc": "7220", "cc": "NZ"}
    changes = {
        "postalInfo": {"int": {"name": "Moana Other", "addr": address}},
        "voice": "+64.35550109",
        "email": "other@example.net",
        "authInfo": "unused",
    }

    net_epp.done("update_contact_with", {"id": handle, "chg": changes})

    info = net_epp.done("contact_info", handle)
    assert info["postalInfo"]["int"] == {"name": "Moana Other", "addr": address}
    assert (info["voice"], info["fax"], info["email"]) == (
        "+64.35550109",
        "+64.35550101",
        "other@example.net",
    )


def test_its_own_contact_update_has_an_empty_add_which_rfc_5733_does_not_allow(
    net_epp: NetEpp, made: tuple[str, str]
) -> None:
    refused = net_epp.do("update_contact", {"id": made[1], "chg": {"email": "other@example.net"}})

    assert refused.code == 2003
    assert refused.message.endswith("contact:add: contact:status is missing")


def test_a_status_of_a_contact_is_2102(net_epp: NetEpp, made: tuple[str, str]) -> None:
    status = {"status": ["clientDeleteProhibited"]}

    refused = net_epp.do("update_contact_with", {"id": made[1], "add": status})

    assert (refused.code, refused.message) == (2102, "Unimplemented option: statuses are not supported")


def test_a_contact_can_be_deleted_once_no_domain_names_it(net_epp: NetEpp, made: tuple[str, str]) -> None:
    name, handle = made

    assert net_epp.do("delete_contact", handle).code == 2305
    assert net_epp.done("delete_domain", name) == 1
    assert net_epp.done("delete_contact", handle) == 1
    assert net_epp.done("check_contact", handle) == "1"


@pytest.mark.parametrize("op", ["query", "request", "cancel", "approve", "reject"])
def test_contacts_are_not_transferred(net_epp: NetEpp, made: tuple[str, str], op: str) -> None:
    assert net_epp.do(f"contact_transfer_{op}", made[1], "secret").code == 2101


# -- domains


def test_a_domain_is_available_until_it_is_created(net_epp: NetEpp, made: tuple[str, str]) -> None:
    name, handle = made

    assert net_epp.done("check_domain", f"not-{name}") == "1"
    assert net_epp.done("check_domain", name) == "0"
    assert net_epp.do("create_domain", domain(name, handle)).code == 2302


def test_a_domain_comes_back_as_it_was_created(net_epp: NetEpp, made: tuple[str, str]) -> None:
    name, handle = made

    info = net_epp.done("domain_info", name)

    assert info["name"] == name
    assert info["status"] == ["ok"]
    assert (info["registrant"], info["contacts"]) == (handle, {"admin": handle, "tech": handle})
    assert info["ns"] == [
        server(f"ns1.{name}", ("v4", "192.0.2.1"), ("v6", "2001:db8::1")),
        server("ns2.example.net"),
    ]
    assert info["clID"] == "100"
    assert int(info["exDate"][:4]) == int(info["crDate"][:4]) + 2
    assert info["roid"].endswith("-DOM")


def test_it_follows_the_contacts_of_a_domain(net_epp: NetEpp, made: tuple[str, str]) -> None:
    name, handle = made

    info = net_epp.done("domain_info", name, None, 1)

    assert info["registrant"]["id"] == info["contacts"]["admin"]["id"] == handle


def test_a_wrong_auth_info_is_2202_and_a_name_that_is_not_there_2303(
    net_epp: NetEpp, made: tuple[str, str]
) -> None:
    assert net_epp.do("domain_info", made[0], "wrong").code == 2202
    assert net_epp.do("domain_info", f"not-{made[0]}").code == 2303
    assert net_epp.do("delete_domain", f"not-{made[0]}").code == 2303


def test_host_objects_of_a_new_domain_are_2102(net_epp: NetEpp, made: tuple[str, str]) -> None:
    order = domain(f"other-{made[0]}", made[1], ns=["ns1.example.net"])

    refused = net_epp.do("create_domain", order)

    assert (refused.code, refused.message) == (2102, "Unimplemented option: hostObj not supported")


def test_a_billing_contact_of_a_new_domain_is_2102(net_epp: NetEpp, made: tuple[str, str]) -> None:
    order = domain(f"other-{made[0]}", made[1], contacts={"billing": made[1]})

    assert net_epp.do("create_domain", order).code == 2102


def test_a_domain_is_updated_in_all_that_the_client_can_change(
    net_epp: NetEpp, made: tuple[str, str], unused: Callable[[str], str]
) -> None:
    name, old = made
    new = unused("")
    net_epp.done("create_contact", contact(new))
    change = {
        "name": name,
        "add": {
            "ns": [server("ns3.example.net")],
            "contacts": {"admin": new},
            "status": {"clientHold": "Unpaid"},
        },
        "rem": {"ns": [server(f"ns1.{name}")], "contacts": {"admin": old}},
        "chg": {"registrant": new, "authInfo": "unused"},
    }

    assert net_epp.done("update_domain", change) == 1

    info = net_epp.done("domain_info", name)
    assert info["ns"] == [server("ns2.example.net"), server("ns3.example.net")]
    assert (info["registrant"], info["contacts"]) == (new, {"admin": new, "tech": old})
    assert info["status"] == ["clientHold"]
    assert net_epp.done("update_domain", {"name": name, "rem": {"status": ["clientHold"]}}) == 1
    assert net_epp.done("domain_info", name)["status"] == ["ok"]


def test_an_update_with_nothing_to_do_is_2003(net_epp: NetEpp, made: tuple[str, str]) -> None:
    assert net_epp.do("update_domain", {"name": made[0]}).code == 2003


def test_another_status_of_a_domain_is_2102(net_epp: NetEpp, made: tuple[str, str]) -> None:
    change = {"name": made[0], "add": {"status": ["clientTransferProhibited"]}}

    assert net_epp.do("update_domain", change).code == 2102


def test_a_domain_is_renewed_by_who_knows_when_it_expires(net_epp: NetEpp, made: tuple[str, str]) -> None:
    name, _ = made
    expiry = net_epp.done("domain_info", name)["exDate"]

    wrong = net_epp.do("renew_domain", {"name": name, "cur_exp_date": "2001-02-03", "period": 1})
    right = net_epp.do("renew_domain", {"name": name, "cur_exp_date": expiry[:10], "period": 1})

    assert (wrong.code, wrong.result) == (2304, None)
    assert (right.code, right.result) == (1000, 1)
    renewed = net_epp.done("domain_info", name)["exDate"]
    assert (int(renewed[:4]), renewed[4:10]) == (int(expiry[:4]) + 1, expiry[4:10])


@pytest.mark.parametrize("op", ["query", "cancel", "approve", "reject"])
def test_only_the_request_of_a_transfer_is_there(net_epp: NetEpp, made: tuple[str, str], op: str) -> None:
    refused = net_epp.do(f"domain_transfer_{op}", made[0])

    assert (refused.code, refused.message) == (2102, "Unimplemented option: only op='request' is supported")


def test_a_transfer_for_which_the_client_sends_zero_years_is_2004(
    net_epp: NetEpp, made: tuple[str, str]
) -> None:
    # without a period it sends one of 0, which RFC 5731 does not allow
    assert net_epp.do("domain_transfer_request", made[0], "Hk7mNp2Q").code == 2004


def test_a_deleted_domain_of_the_grace_period_is_gone(net_epp: NetEpp, made: tuple[str, str]) -> None:
    assert net_epp.done("delete_domain", made[0]) == 1
    assert net_epp.done("check_domain", made[0]) == "1"
    assert net_epp.do("domain_info", made[0]).code == 2303


def test_another_registrars_domain_is_2201(net_epp: NetEpp, sandbox: Sandbox, made: tuple[str, str]) -> None:
    name, _ = made
    expiry = net_epp.done("domain_info", name)["exDate"][:10]
    with perl(sandbox, 101) as other:
        assert other.do("domain_info", name).code == 2201
        assert other.do("update_domain", {"name": name, "add": {"status": ["clientHold"]}}).code == 2201
        assert other.do("renew_domain", {"name": name, "cur_exp_date": expiry, "period": 1}).code == 2201
        assert other.do("delete_domain", name).code == 2201


# -- hosts


@pytest.mark.parametrize(
    ("method", "argument"),
    [
        ("check_host", "ns1.example.nz"),
        ("host_info", "ns1.example.nz"),
        ("create_host", {"name": "ns1.example.nz", "addrs": []}),
        ("update_host", {"name": "ns1.example.nz", "chg": {"name": "ns2.example.nz"}}),
        ("delete_host", "ns1.example.nz"),
    ],
)
def test_hosts_are_2307(net_epp: NetEpp, method: str, argument: object) -> None:
    refused = net_epp.do(method, argument)

    assert (refused.code, refused.message, refused.result) == (2307, HOSTS_ARE_NOT_ON_OFFER, None)


# -- poll and transfer


def test_messages_are_read_and_acknowledged_and_a_domain_changes_hands(
    start: Callable[..., Sandbox], unused: Callable[[str], str]
) -> None:
    sandbox = start()
    handle, name = unused(""), unused("nz")
    with perl(sandbox, 100) as loser, perl(sandbox, 101) as gainer:
        assert loser.do("poll_req").code == 1300
        loser.done("create_contact", contact(handle))
        loser.done("create_domain", domain(name, handle))
        udai = _next_message(loser, "Domain Create").findtext(f".//{{{DOMAIN}}}pw")
        assert loser.do("poll_req").code == 1300
        assert udai is not None

        assert gainer.do("domain_transfer_request", name, udai, 1).code == 2304, "in the grace period"
        later(sandbox, "6d")
        assert gainer.do("domain_transfer_request", name, "Hk7mNp2Q", 1).code == 2202
        moved = gainer.done("domain_transfer_request", name, udai, 1)

        assert (moved["name"], moved["trStatus"]) == (name, "serverApproved")
        assert (moved["reID"], moved["acID"]) == ("101", "101")
        assert moved["reDate"] == moved["acDate"]
        info = gainer.done("domain_info", name)
        assert (info["clID"], info["exDate"]) == ("101", moved["exDate"])
        assert gainer.done("contact_info", info["registrant"])["email"] == "moana@example.net"
        assert loser.do("domain_info", name).code == 2201
        message = _next_message(loser, "Domain Transfer")
        assert message.findtext(f".//{{{DOMAIN}}}trnData/{{{DOMAIN}}}reID") == "101"
        assert loser.do("poll_req").code == 1300


def test_an_acknowledgement_of_no_message_is_2303(net_epp: NetEpp) -> None:
    assert net_epp.do("poll_ack", "0100never-there").code == 2303


def _next_message(client: NetEpp, text: str) -> etree._Element:
    """The next message, which has this text; it is acknowledged."""
    found = client.do("poll_req")
    assert found.code == 1301
    document = assert_valid(found.result.encode())
    queue = document.find(".//{*}msgQ")
    assert queue is not None
    assert queue.findtext("{*}msg") == text
    assert client.do("poll_ack", queue.get("id")).code == 1000
    return document


def later(sandbox: Sandbox, period: str) -> None:
    """Move the clock of the sandbox's registry, as its user would."""
    mover = Process(sandbox.folder / "mover", ["sandbox", "--data", str(sandbox.data), "--advance", period])
    assert mover.wait() == 0, mover.log
