"""What the registry does by itself as time goes by: statement 41, and the whole life of a domain."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import srs_epp
from srs_epp.registry.months import add_months
from srs_epp.srs.times import NEW_ZEALAND, from_attributes
from srs_epp.srs.values import Element
from tests.registry.client import (
    HANDLE,
    Client,
    acknowledge,
    attributes_of,
    domain_create,
    domain_update,
    first_of,
    handle_update,
    poll,
    registrant,
)
from tests.registry.conftest import Sandbox

NAME = "kakapo.nz"
DAY = timedelta(days=1)


def monthly(name: str = NAME) -> str:
    """A DomainCreate for one month."""
    return f'<DomainCreate ActionId="{name}" DomainName="{name}" Term="1">{registrant()}</DomainCreate>'


def moment(element: Element, tag: str) -> datetime:
    return from_attributes(attributes_of(first_of(element, tag)))


def handle_ids(client: Client) -> list[str | None]:
    return [one.get("HandleId") for one in client.ask_one("<HandleDetailsQry/>").iterchildren("Handle")]


def test_statement_41_a_domain_is_renewed_when_its_time_has_come(sandbox: Sandbox, first: Client) -> None:
    until = moment(first.domain(monthly()), "BilledUntil")
    first.empty_queue()

    sandbox.registry.clock.set(until - timedelta(seconds=30))
    assert moment(first.whois(NAME), "BilledUntil") == until
    assert first.messages() == []
    sandbox.registry.clock.set(until)
    assert moment(first.whois(NAME), "BilledUntil") == add_months(until, 1)

    [message] = first.messages()
    domain = first_of(message, "Domain")
    action_id = f"RenewDomains-{until.astimezone(NEW_ZEALAND):%Y-%m-%d %H:%M:%S}-{NAME}"
    assert {key: message.get(key) for key in ("Action", "OrigRegistrarId", "RecipientRegistrarId")} == {
        "Action": "DomainUpdate",
        "OrigRegistrarId": "1",
        "RecipientRegistrarId": "90",
    }
    assert (message.get("Rows"), message.get("TransId")) == ("1", action_id)
    assert moment(message, "FeTimeStamp") == until
    assert moment(domain, "BilledUntil") == add_months(until, 1)
    assert domain.find("RegistrantContact") is not None
    audit = first_of(domain, "AuditDetails")
    assert attributes_of(audit) == {"RegistrarId": "1", "ActionId": action_id}
    assert audit.findtext("AuditText") == "RenewDomains"
    assert moment(audit, "AuditTime/From") == until


def test_statement_41_after_a_long_time_each_renewal_was_made_at_its_own(
    sandbox: Sandbox, first: Client
) -> None:
    until = moment(first.domain(monthly()), "BilledUntil")
    first.ask(monthly("kea.nz"))
    first.empty_queue()

    sandbox.registry.clock.set(add_months(until, 2) + timedelta(hours=1))

    messages = first.messages()
    mine = [one for one in messages if first_of(one, "Domain").get("DomainName") == NAME]
    due = [add_months(until, months) for months in range(3)]
    assert [moment(one, "FeTimeStamp") for one in mine] == due
    assert [moment(one, "Domain/BilledUntil") for one in mine] == [add_months(one, 1) for one in due]
    assert len(messages) == 6
    assert [moment(one, "FeTimeStamp") for one in messages] == sorted(
        moment(one, "FeTimeStamp") for one in messages
    )
    assert len({one.get("FeSeq") for one in messages}) == 6
    assert len({one.get("TransId") for one in messages}) == 6
    assert moment(first.whois(NAME), "BilledUntil") == add_months(until, 3)
    assert len(first.messages()) == 6  # and not again


def test_statement_41_renewals_are_done_before_any_action_sees_them_due(
    sandbox: Sandbox, first: Client
) -> None:
    until = moment(first.domain(monthly()), "BilledUntil")
    sandbox.registry.clock.set(until + DAY)

    renewed = first.domain(domain_update(NAME, attributes='Renew="1" Term="1"'))

    assert moment(renewed, "BilledUntil") == add_months(until, 2)


def test_statement_41_a_queue_shows_a_renewal_at_once(sandbox: Sandbox, first: Client) -> None:
    until = moment(first.domain(monthly()), "BilledUntil")
    first.empty_queue()
    sandbox.registry.clock.set(until)

    message = first_of(first.ask_one(poll()), "Message/Response")
    first.ask(acknowledge(1, str(message.get("TransId"))))

    assert first.messages() == []


def test_statement_41_a_term_of_0_is_not_renewed(sandbox: Sandbox, first: Client) -> None:
    until = moment(first.domain(monthly()), "BilledUntil")
    first.ask(domain_update(NAME, attributes='Term="0"'))
    first.empty_queue()

    sandbox.registry.clock.move(timedelta(days=400))

    domain = first.whois(NAME)
    assert (domain.get("Status"), moment(domain, "BilledUntil")) == ("Active", until)
    assert first.messages() == []
    # once it has a term again, it is renewed up to now
    first.ask(domain_update(NAME, attributes='Term="6"'))
    assert moment(first.whois(NAME), "BilledUntil") > sandbox.registry.clock.now()
    assert moment(first.messages()[0], "FeTimeStamp") > until + timedelta(days=300)


def test_statement_41_a_cancelled_domain_is_not_renewed(sandbox: Sandbox, first: Client) -> None:
    until = moment(first.domain(monthly()), "BilledUntil")
    sandbox.registry.clock.move(6 * DAY)
    first.ask(domain_update(NAME, attributes='Cancel="1"'))
    first.empty_queue()

    sandbox.registry.clock.move(60 * DAY)
    assert moment(first.whois(NAME), "BilledUntil") == until
    assert first.messages() == []


def test_statement_41_a_locked_domain_is_renewed(sandbox: Sandbox, first: Client) -> None:
    until = moment(first.domain(monthly()), "BilledUntil")
    sandbox.itself.ask(domain_update(NAME, attributes='Lock="1"'), attributes=' RegistrarId="90"')

    sandbox.registry.clock.set(until)

    assert moment(first.whois(NAME), "BilledUntil") == add_months(until, 1)


def test_statement_41_a_release_is_not_announced(sandbox: Sandbox, first: Client) -> None:
    first.ask(domain_create(NAME))
    sandbox.registry.clock.move(6 * DAY)
    first.ask(domain_update(NAME, attributes='Cancel="1"'))
    first.empty_queue()

    sandbox.registry.clock.move(90 * DAY)

    assert first.whois(NAME).get("Status") == "Available"
    assert first.messages() == []


def test_statement_41_a_handle_goes_when_it_was_unused_for_90_days(sandbox: Sandbox, first: Client) -> None:
    first.ask(HANDLE.format("unused") + HANDLE.format("used") + HANDLE.format("changed"))
    first.ask(domain_create(NAME, '<AdminContact HandleId="used"/>'))
    first.empty_queue()

    sandbox.registry.clock.move(80 * DAY)
    first.ask(handle_update("changed", attributes='Name="Another"'))
    assert handle_ids(first) == ["changed", "unused", "used"]
    sandbox.registry.clock.move(10 * DAY)
    assert handle_ids(first) == ["changed", "used"]

    [message] = first.messages()
    assert str(message.get("TransId")).startswith("DeleteUnusedHandles-")
    assert str(message.get("TransId")).endswith("-unused")
    assert {key: message.get(key) for key in ("Action", "OrigRegistrarId", "Rows")} == {
        "Action": "HandleUpdate",
        "OrigRegistrarId": "50",
        "Rows": "1",
    }
    handle = first_of(message, "Handle")
    assert handle.get("HandleId") == "unused"
    assert first_of(handle, "AuditDetails").findtext("AuditText") == "DeleteUnusedHandles"
    assert first_of(first.ask_one(acknowledge(50, str(message.get("TransId")))), "AckResponse") is not None


def test_statement_41_a_handle_ages_from_when_its_last_domain_has_gone(
    sandbox: Sandbox, first: Client
) -> None:
    first.ask(HANDLE.format("moana-1"))
    first.ask(domain_create(NAME, '<AdminContact HandleId="moana-1"/>'))
    sandbox.registry.clock.move(10 * DAY)
    first.ask(domain_update(NAME, attributes='Cancel="1"'))

    # released after 90 days, deleted 90 days after that: also where nobody looked in between
    sandbox.registry.clock.move(179 * DAY)
    assert handle_ids(first) == ["moana-1"]
    sandbox.registry.clock.move(2 * DAY)
    assert handle_ids(first) == []


def test_statement_41_a_contact_of_a_registrar_stays(sandbox: Sandbox, first: Client) -> None:
    first.ask(
        HANDLE.format("moana-1")
        + '<RegistrarUpdate ActionId="r"><DefaultTechnicalContact HandleId="moana-1"/></RegistrarUpdate>'
    )

    sandbox.registry.clock.move(400 * DAY)

    assert handle_ids(first) == ["moana-1"]


def test_statement_41_a_handle_of_the_last_domain_stays_while_another_names_it(
    sandbox: Sandbox, first: Client
) -> None:
    by_handle = '<AdminContact HandleId="moana-1"/>'
    first.ask(HANDLE.format("moana-1") + domain_create("a.nz", by_handle) + domain_create("b.nz", by_handle))
    first.ask(domain_update("a.nz", "<AdminContact/>"))

    sandbox.registry.clock.move(100 * DAY)

    assert handle_ids(first) == ["moana-1"]


def test_a_clock_that_is_put_back_undoes_nothing(sandbox: Sandbox, first: Client) -> None:
    until = moment(first.domain(monthly()), "BilledUntil")
    sandbox.registry.clock.set(until + DAY)
    assert len(first.messages()) == 2

    sandbox.registry.clock.move(-20 * DAY)

    assert moment(first.whois(NAME), "BilledUntil") == add_months(until, 1)
    assert len(first.messages()) == 2


ADVANCE = """
import sys
from datetime import timedelta
from pathlib import Path
from srs_epp.registry import Registry
from srs_epp.srs.openpgp import SigningKey
registry = Registry(Path(sys.argv[1]), signing_key=SigningKey(sys.stdin.read()))
registry.clock.move(timedelta(days=int(sys.argv[2])))
registry.close()
"""


def test_another_process_can_move_the_clock_of_a_server(sandbox: Sandbox, first: Client) -> None:
    first.ask(monthly())
    first.empty_queue()

    subprocess.run(
        [sys.executable, "-c", ADVANCE, str(sandbox.path / "registry.sqlite"), "93"],
        input=sandbox.keys.registry.secret,
        text=True,
        check=True,
        cwd=Path(srs_epp.__file__).parent.parent,
        timeout=20,
    )

    assert len(first.messages()) == 3


@pytest.mark.parametrize("months", [1, 12])
def test_many_domains_catch_up_in_time(sandbox: Sandbox, first: Client, months: int) -> None:
    """Not a measurement: it would take minutes if each renewal looked at all domains."""
    first.ask("".join(monthly(f"n{number}.nz") for number in range(40)))
    first.empty_queue()

    sandbox.registry.clock.move(timedelta(days=31 * months))

    assert len(first.messages()) == 40 * months


def test_the_life_of_a_domain(sandbox: Sandbox, first: Client, second: Client) -> None:
    clock = sandbox.registry.clock
    servers = '<NameServers><Server FQDN="a.example.net"/><Server FQDN="b.example.net"/></NameServers>'
    first.ask(HANDLE.format("moana-1"))
    # registered, with the wrong contact
    made = first.domain(domain_create(NAME, servers))
    born = moment(made, "RegisteredDate")
    assert moment(made, "BilledUntil") == add_months(born, 12)
    first.ask(domain_update(NAME, '<RegistrantContact HandleId="moana-1"/>'))
    # it is renewed when its year is over, and then every month
    clock.set(add_months(born, 14) + DAY)
    assert moment(first.whois(NAME), "BilledUntil") == add_months(born, 15)
    assert [one.get("OrigRegistrarId") for one in first.messages()] == ["90", "1", "1", "1"]
    first.ask(domain_update(NAME, attributes='Renew="1" Term="12"'))
    # sold
    udai = str(first.domain(domain_update(NAME, attributes='NewUDAI="1" FullResult="0"')).get("UDAI"))
    attributes = f'UDAI="{udai}" ConvertContactsToHandles="1"'
    bought = second.domain(domain_update(NAME, attributes=attributes, action_id="buy"))
    assert moment(bought, "BilledUntil") == add_months(born, 27)
    assert first.messages()[-1].get("TransId") == "buy"
    # its old contact is not needed any more
    clock.move(89 * DAY)
    assert handle_ids(first) == ["moana-1"]
    clock.move(2 * DAY)
    assert handle_ids(first) == []
    # cancelled, restored, cancelled for good
    for cancel, status in ((1, "PendingRelease"), (0, "Active"), (1, "PendingRelease")):
        domain = second.domain(domain_update(NAME, attributes=f'Cancel="{cancel}"'))
        assert domain.get("Status") == second.whois(NAME).get("Status") == status
        clock.move(30 * DAY)
    clock.move(60 * DAY)
    assert first.whois(NAME).get("Status") == "Available"
    assert handle_ids(second) != []
    # and registered anew, by its first holder
    again = first.domain(domain_create(NAME, servers, action_id="again"))
    assert moment(again, "RegisteredDate") > add_months(born, 20)
    clock.move(90 * DAY)
    assert handle_ids(second) == []
