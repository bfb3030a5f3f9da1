"""DomainUpdate by the holder of a domain: statements 19 to 24, 28 to 30."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from srs_epp.registry.months import add_months
from srs_epp.srs.times import from_attributes
from srs_epp.srs.values import Element
from tests.registry.client import (
    CONTACT,
    HANDLE,
    Client,
    attributes_of,
    domain_create,
    domain_update,
    first_of,
    fresh_id,
    handle_update,
    stamp,
)
from tests.registry.conftest import Sandbox

NAME = "kakapo.nz"
DIGEST = "00112233445566778899aabbccddeeff" * 2
DS = f'<DS KeyTag="2371" Algorithm="8" DigestType="2"><Digest>{DIGEST}</Digest></DS>'
AS_90 = ' RegistrarId="90"'


def servers(*names: str) -> str:
    return f"<NameServers>{''.join(f'<Server FQDN={name!r}/>' for name in names)}</NameServers>"


FOUR = servers(*(f"ns{number}.example.net" for number in range(4)))


def server_names(domain: Element) -> list[str | None]:
    return [server.get("FQDN") for server in domain.iterfind("NameServers/Server")]


def moment(domain: Element, tag: str) -> datetime:
    return from_attributes(attributes_of(first_of(domain, tag)))


def details(client: Client, *fields: str) -> Element:
    listed = " ".join(f'{field}="1"' for field in fields)
    wanted = f"<DomainNameFilter>{NAME}</DomainNameFilter><FieldList {listed}/>"
    return client.domain(f"<DomainDetailsQry>{wanted}</DomainDetailsQry>")


@pytest.fixture
def holder(first: Client) -> Client:
    """Registrar 90, which has just registered a domain with four name servers."""
    first.ask(domain_create(NAME, FOUR, attributes=' RegistrantRef="ref-1"'))
    return first


@pytest.fixture
def later(sandbox: Sandbox, holder: Client) -> Client:
    """The same, after the grace period of the registration."""
    sandbox.registry.clock.move(timedelta(days=6))
    return holder


def test_statement_19_a_list_of_name_servers_replaces_the_old_one(holder: Client) -> None:
    domain = holder.domain(domain_update(NAME, servers("a.example.net", "b.example.net")))

    assert server_names(domain) == ["a.example.net", "b.example.net"]


def test_statement_19_an_empty_list_of_name_servers_clears_it(holder: Client) -> None:
    assert server_names(holder.domain(domain_update(NAME, "<NameServers/>"))) == []
    assert server_names(details(holder, "NameServers")) == []


def test_statement_19_a_list_that_is_left_out_stays(holder: Client) -> None:
    holder.ask(domain_update(NAME, f"<DNSSEC>{DS}</DNSSEC>"))

    domain = holder.domain(domain_update(NAME, attributes='Delegate="0"'))

    assert len(server_names(domain)) == 4
    assert domain.findtext("DNSSEC/DS/Digest") == DIGEST


def test_statement_19_name_servers_stay_while_there_are_ds_records(holder: Client) -> None:
    holder.ask(domain_update(NAME, f"<DNSSEC>{DS}</DNSSEC>"))

    assert holder.refusal(domain_update(NAME, "<NameServers/>")) == (
        "MISSING_MANDATORY_FIELD",
        "NameServers",
        "DNSSEC",
    )
    assert len(server_names(details(holder, "NameServers"))) == 4
    both = holder.domain(domain_update(NAME, "<NameServers/><DNSSEC/>"))
    assert both.find("NameServers") is None
    assert both.find("DNSSEC") is None


def test_statement_20_an_update_changes_only_what_it_names(sandbox: Sandbox, holder: Client) -> None:
    before = details(holder, "RegistrantContact", "NameServers", "BilledUntil", "Status", "Term")
    sandbox.registry.clock.move(timedelta(minutes=5))

    after = holder.domain(domain_update(NAME, "<AuditText>why</AuditText>", attributes='Delegate="0"'))

    assert after.get("Delegate") == "0"
    assert after.get("RegistrantRef") == "ref-1"
    assert server_names(after) == server_names(before)
    for tag in ("RegistrantContact", "BilledUntil"):
        assert attributes_of(first_of(after, tag)) == attributes_of(first_of(before, tag))
    assert (after.get("Status"), after.get("Term")) == (before.get("Status"), before.get("Term"))
    assert first_of(after, "AuditDetails").findtext("AuditText") == "why"
    assert moment(after, "AuditDetails/AuditTime/From") - moment(after, "RegisteredDate") >= timedelta(
        minutes=5
    )


def test_statement_20_a_full_result_has_all_but_the_udai(holder: Client) -> None:
    response = holder.ask_one(domain_update(NAME, f"<DNSSEC>{DS}</DNSSEC>", action_id="u-1"))

    domain = first_of(response, "Domain")
    assert attributes_of(response)["Rows"] == "1"
    assert attributes_of(domain) == {
        "DomainName": NAME,
        "Status": "Active",
        "Delegate": "1",
        "Term": "1",
        "RegistrarId": "90",
        "RegistrantRef": "ref-1",
    }
    assert [child.tag for child in domain] == [
        "NameServers",
        "DNSSEC",
        "RegistrantContact",
        "AdminContact",
        "TechnicalContact",
        "BilledUntil",
        "RegisteredDate",
        "AuditDetails",
    ]
    assert attributes_of(domain[-1]) == {"RegistrarId": "90", "ActionId": "u-1"}


def test_statement_20_a_short_result_has_what_changed(holder: Client) -> None:
    change = domain_update(
        NAME, f"<DNSSEC>{DS}</DNSSEC><AuditText>x</AuditText>", attributes='FullResult="0" Delegate="0"'
    )

    domain = holder.domain(change)

    assert attributes_of(domain) == {"DomainName": NAME, "Delegate": "0"}
    assert [child.tag for child in domain] == ["DNSSEC", "AuditDetails"]
    assert domain.findtext("AuditDetails/AuditText") == "x"


def test_a_reference_can_be_changed_and_cleared(holder: Client) -> None:
    changed = holder.domain(domain_update(NAME, attributes='RegistrantRef="r 2"'))
    cleared = holder.domain(domain_update(NAME, attributes='RegistrantRef=""'))

    assert (changed.get("RegistrantRef"), cleared.get("RegistrantRef")) == ("r 2", None)


def test_a_contact_can_become_a_handle_and_fields_again(holder: Client) -> None:
    holder.ask(HANDLE.format("moana-1"))

    by_handle = holder.domain(domain_update(NAME, '<RegistrantContact HandleId="moana-1"/>'))
    by_fields = holder.domain(domain_update(NAME, '<RegistrantContact Name="Other"/>'))

    assert first_of(by_handle, "RegistrantContact").get("HandleId") == "moana-1"
    registrant = first_of(by_fields, "RegistrantContact")
    assert (registrant.get("HandleId"), registrant.get("Name")) == (None, "Other")
    assert first_of(registrant, "PostalAddress").get("PostalCode") == "7010"  # as the handle had it
    [handle] = holder.ask_one("<HandleDetailsQry/>").iterchildren("Handle")
    assert handle.get("Name") == "Moana Example"


def test_fields_of_a_contact_that_are_left_out_stay(holder: Client) -> None:
    holder.ask(
        domain_update(
            NAME,
            '<RegistrantContact><PostalAddress Address2="Level 2" City="Gore"/>'
            '<Fax CountryCode="64" LocalNumber="1"/></RegistrantContact>',
        )
    )

    kept = first_of(holder.whois(NAME), "RegistrantContact")
    cleared = first_of(
        holder.domain(
            domain_update(NAME, '<RegistrantContact><PostalAddress Address2=""/><Fax/></RegistrantContact>')
        ),
        "RegistrantContact",
    )

    assert kept.get("Name") == "Moana Example"
    assert attributes_of(first_of(kept, "PostalAddress")) == {
        "Address1": "1 Sample Street",
        "Address2": "Level 2",
        "City": "Gore",
        "CountryCode": "NZ",
    }
    assert kept.find("Fax") is not None
    assert first_of(cleared, "PostalAddress").get("Address2") is None
    assert cleared.find("Fax") is None


@pytest.mark.parametrize(
    ("tag", "default"), [("AdminContact", "Moana Example"), ("TechnicalContact", "First Registrar")]
)
def test_an_empty_contact_restores_the_default(holder: Client, tag: str, default: str) -> None:
    own = holder.domain(domain_update(NAME, CONTACT.format(tag, "Somebody")))
    restored = holder.domain(domain_update(NAME, f"<{tag}/>"))

    assert first_of(own, tag).get("Name") == "Somebody"
    assert first_of(restored, tag).get("Name") == default
    assert first_of(details(holder, "DefaultContacts"), "DefaultContacts").get(tag) == "1"


def test_a_default_contact_that_is_changed_becomes_the_domain_s_own(holder: Client) -> None:
    domain = holder.domain(domain_update(NAME, '<AdminContact Name="Somebody"/>'))

    assert first_of(domain, "AdminContact").get("Name") == "Somebody"
    assert first_of(domain, "RegistrantContact").get("Name") == "Moana Example"


def test_an_empty_registrant_changes_nothing(holder: Client) -> None:
    domain = holder.domain(domain_update(NAME, "<RegistrantContact/>"))

    assert first_of(domain, "RegistrantContact").get("Name") == "Moana Example"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ('<AdminContact HandleId="nobody"/>', ("HANDLE_DOES_NOT_EXIST", "AdminContact")),
        ('<AdminContact HandleId="moana-1" Name="X"/>', ("HANDLE_ID_WITH_CONTACT_FIELDS",)),
        ('<RegistrantContact Name=""/>', ("MISSING_MANDATORY_FIELD", "Name", "RegistrantContact")),
        ('<RegistrantContact Email="@"/>', ("INVALID_FIELD", "@", "Email")),
    ],
)
def test_contacts_must_be_right(holder: Client, content: str, error: tuple[str, ...]) -> None:
    holder.ask(HANDLE.format("moana-1"))

    assert holder.refusal(domain_update(NAME, content)) == error
    assert first_of(holder.whois(NAME), "AuditDetails/AuditTime/From") is not None


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (
            '<NameServers><Server FQDN="ns.example.net" IP4Addr="192.0.2.1"/></NameServers>',
            ("IP4ADDR_NOT_ALLOWED", "192.0.2.1", "ns.example.net", NAME),
        ),
        (
            '<NameServers><Server FQDN="ns.example.net" IP6Addr="2001:db8::1"/></NameServers>',
            ("IP6ADDR_NOT_ALLOWED", "2001:db8::1", "ns.example.net", NAME),
        ),
        (servers("ns.kakapo.nz"), ("SELF_SERVING_DNS_VIOLATION", NAME, "ns.kakapo.nz")),
        (servers("a.nz", "a.nz"), ("NAME_SERVER_DUPLICATION", "a.nz", NAME)),
        (servers(*(f"a{n}.nz" for n in range(11))), ("NAMESERVERS_EXCEEDED_MAX", "10")),
        (f"<DNSSEC>{DS * 11}</DNSSEC>", ("DNSSEC_KEYS_EXCEEDED_MAX", "10")),
        (
            f"<NameServers/><DNSSEC>{DS}</DNSSEC>",
            ("MISSING_MANDATORY_FIELD", "NameServers", "DNSSEC"),
        ),
    ],
)
def test_statement_30_an_update_checks_servers_and_ds_records(
    holder: Client, content: str, error: tuple[str, ...]
) -> None:
    assert holder.refusal(domain_update(NAME, content)) == error
    assert len(server_names(details(holder, "NameServers"))) == 4


@pytest.mark.parametrize("full", ["0", "1"])
def test_statement_21_a_cancel_of_0_leaves_an_active_domain_as_it_is(holder: Client, full: str) -> None:
    domain = holder.domain(domain_update(NAME, attributes=f'Cancel="0" FullResult="{full}"'))

    assert domain.get("Status") == "Active"
    assert holder.whois(NAME).get("Status") == "Active"


def test_statement_22_a_renewal_adds_its_term(holder: Client) -> None:
    until = moment(holder.whois(NAME), "BilledUntil")

    renewed = holder.domain(domain_update(NAME, attributes='Renew="1" Term="12"'))

    assert moment(renewed, "BilledUntil") == add_months(until, 12)
    assert renewed.get("Term") == "1"


def test_statement_22_a_renewal_reaches_120_months_ahead_at_most(sandbox: Sandbox, holder: Client) -> None:
    now = sandbox.registry.clock.now()

    error = holder.refusal(domain_update(NAME, attributes='Renew="1" Term="109"'))
    most = holder.domain(domain_update(NAME, attributes='Renew="1" Term="108"'))

    assert (error[0], *error[2:]) == ("RENEWAL_EXCEEDS_MAX", "120", NAME)
    assert error[1][:4] == str(now.year + 10 if now.month < 12 else now.year + 11)
    assert moment(most, "BilledUntil") - add_months(now, 120) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ('Renew="1"', ("RENEW_REQUIRES_TERM", NAME)),
        ('Renew="1" Term="0"', ("ZERO_TERM_RENEW",)),
        ('Renew="1" Term="121"', ("TERM_EXCEEDS_MAX", "120")),
        ('Term="121"', ("TERM_EXCEEDS_MAX", "120")),
        ('Term="-1"', ("INVALID_FIELD", "-1", "Term")),
        ('Renew="1" Term="1" Cancel="1"', ("DOMAIN_CANCEL_AND_RENEW",)),
        ('Lock="1"', ("LOCK_ATTEMPT",)),
        ('Lock="0"', ("LOCK_ATTEMPT",)),
        ('Release="1"', ("UNEXPECTED_FIELD", "Release")),
        ('NoAutoRenew="1"', ("UNEXPECTED_FIELD", "NoAutoRenew")),
        ('DisclosureMask="1"', ("UNEXPECTED_FIELD", "DisclosureMask")),
        ('ConvertContactsToHandles="1"', ("CONVERT_TO_HANDLES_ONLY_FOR_TRANSFER",)),
    ],
)
def test_attributes_that_are_refused(holder: Client, attributes: str, error: tuple[str, ...]) -> None:
    until = stamp(first_of(holder.whois(NAME), "BilledUntil"))

    assert holder.refusal(domain_update(NAME, attributes=attributes)) == error
    assert stamp(first_of(holder.whois(NAME), "BilledUntil")) == until


def test_a_renewal_must_reach_into_the_future(sandbox: Sandbox, holder: Client) -> None:
    holder.ask(domain_update(NAME, attributes='Term="0"'))
    sandbox.registry.clock.move(timedelta(days=365 + 100))

    assert holder.refusal(domain_update(NAME, attributes='Renew="1" Term="3"')) == (
        "INSUFFICIENT_TERM_FOR_RENEW",
        NAME,
    )
    renewed = holder.domain(domain_update(NAME, attributes='Renew="1" Term="4"'))
    assert moment(renewed, "BilledUntil") > sandbox.registry.clock.now()


def test_a_term_alone_is_that_of_the_next_renewal_only(sandbox: Sandbox, holder: Client) -> None:
    until = moment(holder.whois(NAME), "BilledUntil")

    kept = holder.domain(domain_update(NAME, attributes='Term="6"'))
    sandbox.registry.clock.move(timedelta(days=370))

    assert kept.get("Term") == "6"
    assert moment(kept, "BilledUntil") == until
    renewed = details(holder, "Term", "BilledUntil")
    assert renewed.get("Term") == "1"
    assert moment(renewed, "BilledUntil") == add_months(until, 6)


def test_statement_23_a_cancel_in_the_grace_period_frees_the_name(
    sandbox: Sandbox, holder: Client, second: Client
) -> None:
    sandbox.registry.clock.move(timedelta(days=4, hours=23))

    domain = holder.domain(domain_update(NAME, attributes='Cancel="1" FullResult="0"'))

    assert attributes_of(domain) == {"DomainName": NAME, "Status": "Available"}
    assert holder.whois(NAME).get("Status") == "Available"
    assert second.domain(domain_create(NAME)).get("RegistrarId") == "91"


def test_what_is_cancelled_in_the_grace_period_says_by_whom(holder: Client) -> None:
    response = holder.ask_one(domain_update(NAME, attributes='Cancel="1"', action_id="c-1"))

    assert response.get("Rows") == "1"
    assert first_of(response, "Domain/AuditDetails").get("ActionId") == "c-1"


def test_statement_23_a_later_cancel_makes_it_pending_release(later: Client) -> None:
    order = domain_update(NAME, attributes='Cancel="1" FullResult="0"')

    domain = later.domain(order)

    assert attributes_of(domain) == {"DomainName": NAME, "Status": "PendingRelease"}
    assert [child.tag for child in domain] == ["AuditDetails"]
    assert [child.tag for child in domain[0]] == ["AuditText"]
    assert not domain[0].attrib
    whois = later.whois(NAME)
    assert whois.get("Status") == "PendingRelease"
    assert stamp(first_of(whois, "CancelledDate")) == stamp(first_of(whois, "AuditDetails/AuditTime/From"))
    assert later.refusal(domain_create(NAME, action_id="again")) == ("DOMAIN_ALREADY_EXISTS", NAME)


@pytest.mark.parametrize(
    "attributes",
    ['Delegate="0"', 'NewUDAI="1"', 'Renew="1" Term="1"', 'Cancel="1"', 'RegistrantRef="x"', ""],
)
def test_statement_23_a_cancelled_domain_can_not_be_changed(later: Client, attributes: str) -> None:
    later.ask(domain_update(NAME, attributes='Cancel="1"'))

    assert later.refusal(domain_update(NAME, attributes=attributes)) == ("DOMAIN_INACTIVE", NAME)


def test_statement_23_a_cancelled_domain_can_be_restored(later: Client) -> None:
    later.ask(domain_update(NAME, attributes='Cancel="1"'))

    domain = later.domain(domain_update(NAME, attributes='Cancel="0" Delegate="0"'))

    assert (domain.get("Status"), domain.get("Delegate")) == ("Active", "0")
    assert domain.find("CancelledDate") is None
    assert later.whois(NAME).get("Status") == "Active"


def test_statement_23_a_job_frees_the_name_after_90_days(sandbox: Sandbox, later: Client) -> None:
    later.ask(domain_update(NAME, attributes='Cancel="1"'))

    sandbox.registry.clock.move(timedelta(days=89, hours=23))
    before = later.whois(NAME).get("Status")
    sandbox.registry.clock.move(timedelta(hours=1))

    assert (before, later.whois(NAME).get("Status")) == ("PendingRelease", "Available")
    assert attributes_of(later.domain(domain_create(NAME, action_id="again")))["Status"] == "Active"


def test_a_name_is_given_back_in_grace_once_in_30_days(sandbox: Sandbox, holder: Client) -> None:
    cancel = 'Cancel="1" FullResult="0"'
    holder.ask(domain_update(NAME, attributes=cancel))
    holder.ask(domain_create(NAME, action_id="again"))

    assert holder.refusal(domain_update(NAME, attributes=cancel)) == ("DOUBLE_CANCEL_ATTEMPT", NAME)
    assert holder.whois(NAME).get("Status") == "Active"
    # another registrar, or the same one later, may
    sandbox.registry.clock.move(timedelta(days=6))
    assert holder.domain(domain_update(NAME, attributes=cancel)).get("Status") == "PendingRelease"
    sandbox.registry.clock.move(timedelta(days=91))
    holder.ask(domain_create(NAME, action_id="once more"))
    assert holder.domain(domain_update(NAME, attributes=cancel)).get("Status") == "Available"


@pytest.mark.parametrize("renewals", [1, 2])
def test_statement_24_a_cancel_takes_a_renewal_in_grace_back(later: Client, renewals: int) -> None:
    until = stamp(first_of(later.whois(NAME), "BilledUntil"))
    for _ in range(renewals):
        later.ask(domain_update(NAME, attributes='Renew="1" Term="6"'))

    domain = later.domain(domain_update(NAME, attributes='Cancel="1"'))

    assert domain.get("Status") == "PendingRelease"
    assert stamp(first_of(domain, "BilledUntil")) == until


def test_statement_24_a_cancel_keeps_an_older_renewal(sandbox: Sandbox, later: Client) -> None:
    renewed = stamp(
        first_of(later.domain(domain_update(NAME, attributes='Renew="1" Term="6"')), "BilledUntil")
    )
    sandbox.registry.clock.move(timedelta(days=4))
    later.ask(domain_update(NAME, attributes='Renew="1" Term="3"'))
    sandbox.registry.clock.move(timedelta(days=2))

    cancelled = later.domain(domain_update(NAME, attributes='Cancel="1"'))

    assert stamp(first_of(cancelled, "BilledUntil")) == renewed


def test_statement_24_an_automatic_renewal_has_a_grace_period_too(sandbox: Sandbox, holder: Client) -> None:
    until = first_of(holder.whois(NAME), "BilledUntil")
    sandbox.registry.clock.set(from_attributes(attributes_of(until)) + timedelta(days=4))
    assert stamp(first_of(holder.whois(NAME), "BilledUntil")) != stamp(until)

    cancelled = holder.domain(domain_update(NAME, attributes='Cancel="1"'))
    restored, seen = holder.ask(
        domain_update(NAME, attributes='Cancel="0"') + f'<Whois DomainName="{NAME}"/>'
    )

    assert stamp(first_of(cancelled, "BilledUntil")) == stamp(until)
    # and once it is active again, it is renewed at once
    assert stamp(first_of(restored, "Domain/BilledUntil")) == stamp(until)
    assert moment(seen, "Domain/BilledUntil") > sandbox.registry.clock.now()


def test_statement_28_an_update_of_an_unknown_name_does_nothing(first: Client) -> None:
    for attributes in ("", 'Delegate="0"', 'UDAI="abcdefgh"', 'Cancel="1"', 'ConvertContactsToHandles="1"'):
        response = first.ask_one(domain_update("unknown.nz", attributes=attributes))
        assert response.get("Rows") == "0"
        assert len(response) == 1


def test_statement_29_the_registry_locks_and_unlocks(sandbox: Sandbox, holder: Client) -> None:
    locked = sandbox.itself.domain(domain_update(NAME, attributes='Lock="1"'), attributes=AS_90)

    since = stamp(first_of(locked, "LockedDate"))
    assert holder.refusal(domain_update(NAME, attributes='Delegate="0"')) == ("DOMAIN_LOCKED", NAME)
    assert holder.refusal(domain_update(NAME, attributes='Cancel="1"')) == ("DOMAIN_LOCKED", NAME)
    assert sandbox.itself.refusal(domain_update(NAME), attributes=AS_90) == ("DOMAIN_LOCKED", NAME)
    assert stamp(first_of(holder.whois(NAME), "LockedDate")) == since
    sandbox.registry.clock.move(timedelta(days=1))
    again = sandbox.itself.domain(domain_update(NAME, attributes='Lock="1" FullResult="0"'), attributes=AS_90)
    assert stamp(first_of(again, "LockedDate")) == since

    unlocked = sandbox.itself.domain(domain_update(NAME, attributes='Lock="0"'), attributes=AS_90)
    assert unlocked.find("LockedDate") is None
    assert holder.domain(domain_update(NAME, attributes='Delegate="0"')).get("Delegate") == "0"


def test_several_domains_are_updated_at_once(holder: Client, second: Client) -> None:
    holder.ask(domain_create("kea.co.nz") + domain_create("weka.nz"))
    second.ask(domain_create("kiwi.nz"))

    by_names = holder.ask_one(
        domain_update("weka.nz kea.co.nz weka.nz unknown.nz", attributes='Delegate="0" FullResult="0"')
    )
    by_pattern = holder.ask_one(domain_update("K*.nz", attributes='Delegate="0" FullResult="0"'))
    everywhere = holder.ask_one(domain_update("*k?a.* weka.nz", attributes='Delegate="1" FullResult="0"'))

    assert [one.get("DomainName") for one in by_names.iterchildren("Domain")] == ["kea.co.nz", "weka.nz"]
    assert by_names.get("Rows") == "2"
    assert [one.get("DomainName") for one in by_pattern.iterchildren("Domain")] == [NAME]
    assert [one.get("DomainName") for one in everywhere.iterchildren("Domain")] == ["weka.nz"]
    assert holder.whois("kiwi.nz").get("Delegate") == "1"


def test_an_update_of_several_domains_is_done_for_all_or_none(holder: Client) -> None:
    holder.ask(domain_create("aroha.nz"))

    error = holder.refusal(domain_update("*.nz", servers("ns.kakapo.nz")))

    assert error == ("SELF_SERVING_DNS_VIOLATION", NAME, "ns.kakapo.nz")
    assert server_names(holder.whois("aroha.nz")) == []


def test_a_new_udai_comes_with_its_domain_and_voids_the_old_one(holder: Client) -> None:
    def valid(udai: str | None) -> str | None:
        response = holder.ask_one(f'<UDAIValidQry DomainName="{NAME}" UDAI="{udai}"/>')
        return first_of(response, "UDAIValid").get("Valid")

    one = holder.domain(domain_update(NAME, attributes='NewUDAI="1"')).get("UDAI")
    two = holder.domain(domain_update(NAME, attributes='NewUDAI="1" FullResult="0"')).get("UDAI")
    none = holder.domain(domain_update(NAME, attributes='NewUDAI="0"')).get("UDAI")

    assert one != two
    assert none is None
    assert (valid(one), valid(two)) == ("0", "1")


def test_each_domain_gets_a_udai_of_its_own(holder: Client) -> None:
    holder.ask(domain_create("kea.nz"))

    response = holder.ask_one(domain_update("k*.nz", attributes='NewUDAI="1" FullResult="0"'))

    assert len({one.get("UDAI") for one in response.iterchildren("Domain")} - {None}) == 2


def test_a_repeated_update_gets_its_first_answer(later: Client) -> None:
    order = domain_update(NAME, attributes='Renew="1" Term="1"')

    one, two = later.domain(order), later.domain(order)

    assert stamp(first_of(one, "BilledUntil")) == stamp(first_of(two, "BilledUntil"))


@pytest.mark.parametrize(
    ("taken", "attributes"),
    [("CancelDomain", 'Cancel="1"'), ("UncancelDomain", 'Cancel="0"'), ("UpdateDomain", "")],
)
def test_each_kind_of_update_needs_its_role(
    sandbox: Sandbox, later: Client, taken: str, attributes: str
) -> None:
    if taken == "UncancelDomain":
        later.ask(domain_update(NAME, attributes='Cancel="1"'))
    kept = {"Connect", "Registrar", "CancelDomain", "UncancelDomain", "UpdateDomain", "Whois"} - {taken}
    roles = "".join(f'<Role RoleName="{role}"/>' for role in sorted(kept))
    update = f'<RegistrarUpdate ActionId="{fresh_id()}"><Roles>{roles}</Roles></RegistrarUpdate>'
    sandbox.itself.ask(update, attributes=AS_90)

    assert later.refusal(domain_update(NAME, attributes=attributes)) == ("PERMISSION_DENIED", taken)


def test_contacts_that_nothing_names_any_more_are_gone(sandbox: Sandbox, holder: Client) -> None:
    def inline() -> int:
        with sandbox.registry._store.reading() as database:
            [(number,)] = database.execute(
                "SELECT count(*) FROM contacts WHERE handle_id IS NULL AND action_id <> 'bootstrap'"
            )
        return int(number)

    holder.ask(HANDLE.format("moana-1"))
    counts = [inline()]
    for change in (
        CONTACT.format("AdminContact", "A"),
        '<RegistrantContact HandleId="moana-1"/>',
        "<AdminContact/>",
    ):
        holder.ask(domain_update(NAME, change))
        counts.append(inline())

    assert counts == [1, 2, 1, 0]


def test_a_handle_that_changes_shows_in_the_domain(holder: Client) -> None:
    holder.ask(HANDLE.format("moana-1"))
    holder.ask(domain_update(NAME, '<AdminContact HandleId="moana-1"/>'))

    holder.ask(handle_update("moana-1", attributes='Name="New Name"'))

    assert first_of(holder.whois(NAME), "AdminContact").get("Name") == "New Name"
