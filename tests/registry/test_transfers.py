"""DomainUpdate by a registrar that does not hold the domain: statements 25 to 28."""

from __future__ import annotations

from datetime import timedelta

import pytest

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
SERVERS = '<NameServers><Server FQDN="a.example.net"/><Server FQDN="b.example.net"/></NameServers>'
CONVERT = 'ConvertContactsToHandles="1"'
CONTACTS = ("RegistrantContact", "AdminContact", "TechnicalContact")


@pytest.fixture
def udai(sandbox: Sandbox, first: Client) -> str:
    """The UDAI of a domain of registrar 90, which is past its grace period."""
    first.ask(HANDLE.format("tech-1"))
    made = first.domain(domain_create(NAME, '<TechnicalContact HandleId="tech-1"/>' + SERVERS))
    sandbox.registry.clock.move(timedelta(days=6))
    return str(made.get("UDAI"))


def with_udai(udai: str, more: str = "", content: str = "", *, name: str = NAME, action_id: str = "") -> str:
    return domain_update(name, content, attributes=f'UDAI="{udai}" {more}', action_id=action_id)


def test_statement_25_without_a_udai_nobody_else_can_change_it(second: Client, udai: str) -> None:
    for attributes in ("", 'Cancel="1"', 'UDAI=""', CONVERT):
        assert second.refusal(domain_update(NAME, attributes=attributes)) == (
            "MISSING_MANDATORY_FIELD",
            "UDAI",
            "DomainUpdate",
        )


def test_statement_25_a_wrong_udai_is_refused(second: Client, udai: str) -> None:
    for wrong in ("abcdefgh", udai.swapcase(), udai[:-1]):
        assert second.refusal(with_udai(wrong)) == ("UDAI_DOMAIN_MISMATCH", NAME)
    assert second.ask_one(domain_update(NAME)).find("Domain") is None


def test_statement_25_with_the_right_udai_it_is_the_sender_s(
    sandbox: Sandbox, first: Client, second: Client, udai: str
) -> None:
    before = first.whois(NAME)

    response = second.ask_one(with_udai(udai, action_id="t-1"))

    domain = first_of(response, "Domain")
    assert response.get("Rows") == "1"
    assert attributes_of(domain) == {
        "DomainName": NAME,
        "Status": "Active",
        "Delegate": "1",
        "Term": "1",
        "RegistrarId": "91",
    }
    assert attributes_of(first_of(domain, "AuditDetails")) == {"RegistrarId": "91", "ActionId": "t-1"}
    for tag in ("BilledUntil", "RegisteredDate"):
        assert stamp(first_of(domain, tag)) == stamp(first_of(before, tag))
    assert len(domain.findall("NameServers/Server")) == 2
    assert first.ask_one("<DomainDetailsQry/>").get("Rows") == "0"
    assert second.ask_one("<DomainDetailsQry/>").get("Rows") == "1"


def test_the_loser_keeps_its_handles_and_they_keep_their_loser(
    first: Client, second: Client, udai: str
) -> None:
    domain = second.domain(with_udai(udai))

    technical = first_of(domain, "TechnicalContact")
    assert (technical.get("HandleId"), technical.get("Name")) == (None, "Moana Example")
    changed = first_of(first.ask_one(handle_update("tech-1", attributes='Name="Changed"')), "Handle")
    assert changed.findall("ChangedDomains/Domain") == []
    assert first_of(second.whois(NAME), "TechnicalContact").get("Name") == "Moana Example"


def test_the_default_contact_is_that_of_the_gainer(first: Client, second: Client, udai: str) -> None:
    first.ask(domain_update(NAME, "<TechnicalContact/>"))

    domain = second.domain(with_udai(udai))

    assert first_of(domain, "TechnicalContact").get("Name") == "Second Registrar"
    assert first_of(domain, "AdminContact").get("Name") == "Moana Example"


def test_statement_26_contacts_become_handles_of_the_gainer(first: Client, second: Client, udai: str) -> None:
    first.ask(domain_update(NAME, CONTACT.format("RegistrantContact", "Weka Example")))

    domain = second.domain(with_udai(udai, CONVERT))

    ids = [str(first_of(domain, tag).get("HandleId")) for tag in CONTACTS]
    assert all(handle_id.startswith("nzrs_auto") and 9 < len(handle_id) <= 16 for handle_id in ids)
    assert ids[0] == ids[1] != ids[2]  # the registrant stands for the default administrator
    filters = "".join(f"<HandleIdFilter>{handle_id}</HandleIdFilter>" for handle_id in set(ids))
    found = second.ask_one(f"<HandleDetailsQry>{filters}</HandleDetailsQry>").findall("Handle")
    assert {(one.get("HandleId"), one.get("Name"), one.get("RegistrarId")) for one in found} == {
        (ids[0], "Weka Example", "91"),
        (ids[2], "Moana Example", "91"),
    }
    assert [one.get("HandleId") for one in first.ask_one("<HandleDetailsQry/>").findall("Handle")] == [
        "tech-1"
    ]


def test_the_gainer_s_default_contact_becomes_a_handle_too(first: Client, second: Client, udai: str) -> None:
    first.ask(domain_update(NAME, "<TechnicalContact/>"))

    technical = first_of(second.domain(with_udai(udai, CONVERT)), "TechnicalContact")

    assert technical.get("Name") == "Second Registrar"
    assert str(technical.get("HandleId")).startswith("nzrs_auto")


def test_a_default_contact_that_is_a_handle_of_the_gainer_is_taken_as_it_is(
    first: Client, second: Client, udai: str
) -> None:
    first.ask(domain_update(NAME, "<TechnicalContact/>"))
    second.ask(
        HANDLE.format("our-tech") + f'<RegistrarUpdate ActionId="{fresh_id()}">'
        '<DefaultTechnicalContact HandleId="our-tech"/></RegistrarUpdate>'
    )

    technical = first_of(second.domain(with_udai(udai, CONVERT)), "TechnicalContact")

    assert technical.get("HandleId") == "our-tech"


def test_equal_contacts_become_one_handle(sandbox: Sandbox, first: Client, second: Client) -> None:
    made = first.ask(domain_create("kea.nz") + domain_create("weka.nz"))
    sandbox.registry.clock.move(timedelta(days=6))

    ids = {
        first_of(
            second.domain(with_udai(str(one[1].get("UDAI")), CONVERT, name=str(one[1].get("DomainName")))),
            "RegistrantContact",
        ).get("HandleId")
        for one in made
    }

    assert len(ids) == 1


def test_handles_of_the_registry_s_making_can_be_changed_but_not_made(second: Client, udai: str) -> None:
    made = str(first_of(second.domain(with_udai(udai, CONVERT)), "RegistrantContact").get("HandleId"))

    changed = first_of(second.ask_one(handle_update(made, attributes='Name="New"')), "Handle")

    assert changed.get("Name") == "New"
    assert [one.get("DomainName") for one in changed.iterfind("ChangedDomains/Domain")] == [NAME]
    assert second.refusal(HANDLE.format("nzrs_auto7")) == ("INVALID_FIELD", "nzrs_auto7", "HandleId")


def test_statement_26_the_holder_converts_nothing(first: Client, udai: str) -> None:
    for order in (domain_update(NAME, attributes=CONVERT), with_udai(udai, CONVERT)):
        assert first.refusal(order) == ("CONVERT_TO_HANDLES_ONLY_FOR_TRANSFER",)
    assert first.domain(domain_update(NAME, attributes='ConvertContactsToHandles="0"')) is not None


def test_statement_27_a_new_domain_is_not_transferred(
    sandbox: Sandbox, first: Client, second: Client
) -> None:
    udai = str(first.domain(domain_create(NAME)).get("UDAI"))

    assert second.refusal(with_udai(udai)) == ("TRANSFER_WITHIN_GRACE_PERIOD", NAME)
    sandbox.registry.clock.move(timedelta(days=5, seconds=60))
    assert second.domain(with_udai(udai)).get("RegistrarId") == "91"


def test_statement_27_a_locked_domain_is_not_transferred(sandbox: Sandbox, udai: str) -> None:
    sandbox.itself.ask(domain_update(NAME, attributes='Lock="1"'), attributes=' RegistrarId="90"')

    assert sandbox.second.refusal(with_udai(udai)) == ("DOMAIN_LOCKED", NAME)


def test_statement_27_a_udai_is_good_for_one_transfer(first: Client, second: Client, udai: str) -> None:
    second.ask(with_udai(udai))

    assert first.refusal(with_udai(udai)) == ("UDAI_DOMAIN_MISMATCH", NAME)
    new = str(second.domain(domain_update(NAME, attributes='NewUDAI="1"')).get("UDAI"))
    assert first.domain(with_udai(new)).get("RegistrarId") == "90"


def test_a_udai_is_good_for_30_days(sandbox: Sandbox, first: Client, second: Client, udai: str) -> None:
    sandbox.registry.clock.move(timedelta(days=25))
    assert second.refusal(with_udai(udai)) == ("UDAI_DOMAIN_MISMATCH", NAME)

    udai = str(first.domain(domain_update(NAME, attributes='NewUDAI="1"')).get("UDAI"))
    sandbox.registry.clock.move(timedelta(days=29, hours=23))
    assert second.domain(with_udai(udai)).get("RegistrarId") == "91"


def test_statement_28_a_transfer_of_an_unknown_name_does_nothing(second: Client) -> None:
    response = second.ask_one(with_udai("abcdefgh", CONVERT, name="unknown.nz"))

    assert (response.get("Rows"), len(response)) == ("0", 1)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (f"{NAME} kea.nz", ("MULTIPLE_DOMAIN_TRANSFER",)),
        ("kakap?.nz", ("INVALID_WILDCARD_IN_DOMAINNAMEFILTER",)),
        ("*", ("INVALID_WILDCARD_IN_DOMAINNAMEFILTER",)),
    ],
)
def test_a_transfer_names_one_domain(second: Client, udai: str, name: str, error: tuple[str, ...]) -> None:
    assert second.refusal(with_udai(udai, name=name)) == error


def test_a_transfer_can_renew_and_change(first: Client, second: Client, udai: str) -> None:
    until = first_of(first.whois(NAME), "BilledUntil")

    domain = second.domain(
        with_udai(
            udai, f'{CONVERT} Renew="1" Term="12" Cancel="0" Delegate="0" NewUDAI="1"', "<NameServers/>"
        )
    )

    assert int(str(first_of(domain, "BilledUntil").get("Year"))) == int(str(until.get("Year"))) + 1
    assert (domain.get("Delegate"), domain.get("RegistrarId"), domain.get("Term")) == ("0", "91", "1")
    assert domain.find("NameServers") is None
    assert first.domain(with_udai(str(domain.get("UDAI")))).get("RegistrarId") == "90"


def test_a_transfer_forgets_the_term_and_the_loser_s_renewals(
    first: Client, second: Client, udai: str
) -> None:
    renewed = first.domain(domain_update(NAME, attributes='Renew="1" Term="6"'))
    first.ask(domain_update(NAME, attributes='Term="24"'))

    moved = second.domain(with_udai(udai))
    cancelled = second.domain(domain_update(NAME, attributes='Cancel="1"'))

    assert moved.get("Term") == "1"
    assert stamp(first_of(cancelled, "BilledUntil")) == stamp(first_of(renewed, "BilledUntil"))


def test_a_short_result_of_a_transfer_names_the_holder(second: Client, udai: str) -> None:
    domain = second.domain(with_udai(udai, 'FullResult="0"'))

    assert attributes_of(domain) == {"DomainName": NAME, "RegistrarId": "91"}


def test_a_cancelled_domain_is_transferred_as_it_is(first: Client, second: Client, udai: str) -> None:
    first.ask(domain_update(NAME, attributes='Cancel="1"'))

    for more, content in (('Delegate="0"', ""), ("", SERVERS), ('Cancel="1"', ""), ('NewUDAI="1"', "")):
        error = second.refusal(with_udai(udai, more, content))
        assert error == ("CANCELLED_TRANSFER_WITH_UPDATE", NAME)
    moved = second.domain(with_udai(udai, CONVERT, "<AuditText>x</AuditText>"))

    assert (moved.get("Status"), moved.get("RegistrarId")) == ("PendingRelease", "91")
    restored = second.domain(domain_update(NAME, attributes='Cancel="0"'))
    assert restored.get("Status") == "Active"


def test_a_transfer_can_restore_a_cancelled_domain(first: Client, second: Client, udai: str) -> None:
    first.ask(domain_update(NAME, attributes='Cancel="1"'))

    moved = second.domain(with_udai(udai, 'Cancel="0" Renew="1" Term="12"', SERVERS))

    assert (moved.get("Status"), moved.get("RegistrarId")) == ("Active", "91")


def test_the_registry_transfers_for_a_registrar(sandbox: Sandbox, udai: str) -> None:
    moved = sandbox.itself.domain(with_udai(udai), attributes=' RegistrarId="91"')

    assert moved.get("RegistrarId") == "91"
    assert first_of(moved, "AuditDetails").get("RegistrarId") == "1"


@pytest.mark.parametrize(
    ("taken", "error"),
    [
        ("TransferDomain", ("PERMISSION_DENIED", "TransferDomain")),
        ("Registrar", ("DOMAIN_ASSIGNED_TO_NON_REGISTRAR", "91")),
    ],
)
def test_a_gainer_needs_its_roles(sandbox: Sandbox, udai: str, taken: str, error: tuple[str, ...]) -> None:
    kept = {"Registrar", "TransferDomain", "UpdateDomain"} - {taken}
    roles = "".join(f'<Role RoleName="{role}"/>' for role in kept)
    sandbox.itself.ask(
        f'<RegistrarUpdate ActionId="{fresh_id()}"><Roles>{roles}</Roles></RegistrarUpdate>',
        attributes=' RegistrarId="91"',
    )

    assert sandbox.second.refusal(with_udai(udai)) == error


def test_a_refused_transfer_leaves_nothing_behind(first: Client, second: Client, udai: str) -> None:
    wrong = '<NameServers><Server FQDN="ns.kakapo.nz"/></NameServers>'

    assert second.refusal(with_udai(udai, CONVERT, wrong))[0] == "SELF_SERVING_DNS_VIOLATION"

    assert second.ask_one("<HandleDetailsQry/>").get("Rows") == "0"
    assert first.domain("<DomainDetailsQry/>").get("DomainName") == NAME
    assert second.domain(with_udai(udai)).get("RegistrarId") == "91"  # it is still good
