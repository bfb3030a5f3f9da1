"""domain:create: one DomainCreate, and refusals of what the registry does not have."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from lxml import etree

from srs_epp.srs.actions import DomainCreate
from srs_epp.srs.values import DS, Server
from tests.epp import documents
from tests.epp.documents import HOST_OBJECTS, SECRET
from tests.support import records
from tests.support.answers import Answer
from tests.support.mappings import SERVER_TRID, run

NAME = "kakapo.co.nz"
ONLY_TYPES = "Only contacts of type 'admin' or 'tech' are supported"


def create(more: str = "", *, period: str = "", extension: str = "", trid: str = "ABC-1") -> str:
    """The command; ``more`` is ns, registrant, contacts."""
    return documents.domain(
        "create", f"<domain:name>{NAME}</domain:name>{period}{more}{SECRET}", extension, cltrid=trid
    )


def contacts(*kinds: tuple[str, str]) -> str:
    return "".join(f'<domain:contact type="{kind}">{handle}</domain:contact>' for kind, handle in kinds)


def hosts(*servers: str) -> str:
    return f"<domain:ns>{''.join(servers)}</domain:ns>"


def host(name: str, *addresses: tuple[str, str]) -> str:
    inner = "".join(f'<domain:hostAddr ip="{ip}">{address}</domain:hostAddr>' for ip, address in addresses)
    return f"<domain:hostAttr><domain:hostName>{name}</domain:hostName>{inner}</domain:hostAttr>"


def signed(content: str) -> str:
    return documents.payload("secDNS", "create", content)


def sent(document: str, settings: Mapping[str, object] | None = None) -> DomainCreate:
    """The one action that the command becomes."""
    dialogue = run(document, [records.result(records.domain(NAME))], settings=settings)
    [[action]] = dialogue.asked
    assert isinstance(action, DomainCreate)
    return action


def refused(document: str) -> Answer:
    """The answer to what the registry is not asked."""
    dialogue = run(document)
    assert dialogue.asked == []
    return dialogue.answer


# -- what is sent


def test_the_least_create_leaves_all_to_the_registry() -> None:
    assert sent(create()) == DomainCreate(action_id="ABC-1", name=NAME, term=1, registrant=None)


def test_without_a_cltrid_the_action_bears_our_own_identifier() -> None:
    assert sent(create(trid="")).action_id == SERVER_TRID


@pytest.mark.parametrize(
    ("period", "term"),
    [
        ('<domain:period unit="y">2</domain:period>', 24),
        ('<domain:period unit="m">7</domain:period>', 7),
        ('<domain:period unit="y">99</domain:period>', 1188),
    ],
)
def test_a_period_is_a_term_in_months(period: str, term: int) -> None:
    assert sent(create(period=period)).term == term


def test_the_period_of_who_names_none_is_an_option() -> None:
    assert sent(create(), {"default_period": 12}).term == 12


def test_registrant_and_contacts_are_sent_by_their_handles() -> None:
    people = "<domain:registrant>moana-1</domain:registrant>" + contacts(
        ("tech", "dns-team"), ("admin", "moana-2")
    )

    action = sent(create(people))

    assert (action.registrant, action.admin, action.tech) == ("moana-1", "moana-2", "dns-team")


def test_name_servers_are_sent_with_their_addresses() -> None:
    servers = hosts(
        host(f"ns1.{NAME}", ("v6", "2001:db8::1"), ("v4", "192.0.2.1")),
        host("ns.example.net"),
        host("b.nz", ("v6", "::1")),
    )

    assert sent(create(servers)).servers == (
        Server(f"ns1.{NAME}", "192.0.2.1", "2001:db8::1"),
        Server("ns.example.net"),
        Server("b.nz", None, "::1"),
    )


def test_ds_data_is_sent() -> None:
    assert (
        sent(create(extension=signed(documents.DS * 2))).ds == (DS(12345, 13, 2, "49FD46E6C4B45C55D4AC"),) * 2
    )


def test_auth_info_goes_nowhere() -> None:
    assert b"2fooBAR" not in etree.tostring(sent(create()).element())


def test_a_create_is_a_write() -> None:
    assert sent(create()).writes


# -- what is refused before the registry hears of it


@pytest.mark.parametrize("kind", ["admin", "tech"])
def test_a_second_contact_of_a_type_is_2306_with_that_contact(kind: str) -> None:
    answer = refused(
        create(
            contacts((kind, "moana-1"), ("tech" if kind == "admin" else "admin", "x-1"), (kind, "moana-2"))
        )
    )

    assert (answer.code, answer.reason) == (2306, f"Only one {kind} contact per domain supported")
    assert answer.value_text == "moana-2"


def test_admin_is_complained_of_before_tech() -> None:
    answer = refused(create(contacts(("tech", "abc"), ("tech", "abd"), ("admin", "abe"), ("admin", "abf"))))

    assert answer.reason == "Only one admin contact per domain supported"


def test_a_billing_contact_is_2102() -> None:
    answer = refused(create(contacts(("admin", "moana-1"), ("billing", "moana-2"))))

    assert (answer.code, answer.reason, answer.value_text) == (2102, ONLY_TYPES, "moana-2")


def test_a_contact_without_a_type_is_2102() -> None:
    answer = refused(create("<domain:contact>moana-1</domain:contact>"))

    assert (answer.code, answer.reason) == (2102, ONLY_TYPES)


def test_too_many_contacts_are_complained_of_before_types() -> None:
    assert refused(create(contacts(("billing", "abc"), ("tech", "abd"), ("tech", "abe")))).code == 2306


def test_host_objects_are_2102_with_the_first() -> None:
    answer = refused(create(HOST_OBJECTS))

    assert (answer.code, answer.reason, answer.value_text) == (
        2102,
        "hostObj not supported",
        "ns1.example.nz",
    )


@pytest.mark.parametrize(
    "addresses",
    [(("v4", "192.0.2.1"), ("v4", "192.0.2.2")), (("v6", "::1"), ("v4", "192.0.2.1"), ("v6", "::2"))],
)
def test_two_addresses_of_one_version_are_2102_with_the_server(
    addresses: tuple[tuple[str, str], ...],
) -> None:
    answer = refused(create(hosts(host("a.nz"), host("b.nz", *addresses))))

    assert (answer.code, answer.reason) == (2102, "multiple addresses of one IP version not supported")
    assert answer.value is not None
    assert "b.nz" in answer.value


@pytest.mark.parametrize("content", [documents.KEY, documents.DS_WITH_KEY])
def test_key_data_is_2306(content: str) -> None:
    answer = refused(create(extension=signed(content)))

    assert (answer.code, answer.reason) == (2306, "keyData not supported")
    assert answer.value is not None
    assert "keyData" in answer.value


def test_a_signature_life_is_2102() -> None:
    answer = refused(create(extension=signed(documents.LIFE + documents.DS)))

    assert (answer.code, answer.reason, answer.value_text) == (2102, "maxSigLife not supported", "604800")


def test_a_name_that_cannot_be_one_is_2005() -> None:
    assert refused(create().replace(NAME, "kaka_po.nz")).code == 2005


def test_a_name_server_that_cannot_be_one_is_2005() -> None:
    assert refused(create(hosts(host("ns_1.nz")))).code == 2005


# -- the answer


def test_the_answer_has_the_name_and_both_dates() -> None:
    answer = run(create(), [records.result(records.domain(NAME))]).answer

    assert answer.code == 1000
    assert answer.texts("//domain:creData/*") == [NAME, "2019-03-04T20:07:02Z", "2020-03-04T20:07:02Z"]


@pytest.mark.parametrize(
    "record", [[], [records.domain(NAME, registered=None)]], ids=["no domain", "no date"]
)
def test_an_answer_without_a_whole_domain_is_2400(record: list[object]) -> None:
    assert run(create(), [records.result(*record)]).answer.code == 2400  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error_id", "details", "code"),
    [
        ("DOMAIN_ALREADY_EXISTS", (NAME,), 2302),
        ("HANDLE_DOES_NOT_EXIST", ("moana-1",), 2303),
        ("ACTION_ID_ALREADY_USED", ("ABC-1",), 2306),
        ("SELF_SERVING_DNS_VIOLATION", (NAME, "ns1"), 2306),
    ],
)
def test_what_the_registry_refuses_is_told_with_its_value(
    error_id: str, details: tuple[str, ...], code: int
) -> None:
    answer = run(create(), [records.refused(error_id, "No.", *details)]).answer

    assert (answer.code, answer.message, answer.value_text) == (code, "No.", details[0])


def test_a_captured_answer_is_told() -> None:
    answer = run(create(), records.captured("domain-create-response")).answer

    assert answer.texts("//domain:creData/*") == [
        "wicked-yeah2.co.te",
        "2010-07-06T01:19:58Z",
        "2010-08-06T01:19:58Z",
    ]
    assert "HMsXwv3M" not in answer.xml
