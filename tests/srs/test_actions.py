"""Each action as the protocol writes it, and several of them in one request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

import srs_epp.srs
from srs_epp.srs import actions
from srs_epp.srs.actions import (
    AccessControlListQry,
    AckMessage,
    Action,
    ActionDetailsQry,
    DomainCreate,
    DomainDetailsQry,
    DomainUpdate,
    GetMessages,
    HandleCreate,
    HandleDetailsQry,
    HandleUpdate,
    RegistrarDetailsQry,
    RegistrarUpdate,
    UDAIValidQry,
    Whois,
)
from srs_epp.srs.results import ResponseUnreadable
from srs_epp.srs.transaction import Transaction
from srs_epp.srs.values import DS, Phone, PostalAddress, Server

ADDRESS = PostalAddress("1 Acacia Ave", "Wellington", "NZ", "Treewood", "Wgtn", "6021")
PHONE = Phone("64", "4", "123 ext 1")
SERVERS = (
    Server("ns1.kakapo.nz", "192.0.2.1", "2001:db8::1"),
    Server("ns2.kakapo.nz", None, "2001:DB8:0:0::2"),
    Server("ns.example.net"),
)
SERVERS_XML = (
    '<NameServers><Server FQDN="ns1.kakapo.nz" IP4Addr="192.0.2.1" IP6Addr="2001:db8::1"/>'
    '<Server FQDN="ns2.kakapo.nz" IP6Addr="2001:DB8:0:0::2"/><Server FQDN="ns.example.net"/></NameServers>'
)
RECORDS = (DS(12345, 8, 2, "AB" * 32), DS(1, 5, 1, "cd" * 20))
RECORDS_XML = (
    f'<DNSSEC><DS KeyTag="12345" Algorithm="8" DigestType="2"><Digest>{"AB" * 32}</Digest></DS>'
    f'<DS KeyTag="1" Algorithm="5" DigestType="1"><Digest>{"cd" * 20}</Digest></DS></DNSSEC>'
)

ACTIONS: dict[str, tuple[Action, str]] = {
    "whois": (Whois("kakapo.nz"), '<Whois DomainName="kakapo.nz" FullResult="1"/>'),
    "whois short": (Whois("kakapo.nz", full=False), '<Whois DomainName="kakapo.nz" FullResult="0"/>'),
    "domain details": (
        DomainDetailsQry("kakapo.nz", ("Status", "NameServers", "BilledUntil")),
        "<DomainDetailsQry><DomainNameFilter>kakapo.nz</DomainNameFilter>"
        '<FieldList Status="1" NameServers="1" BilledUntil="1"/></DomainDetailsQry>',
    ),
    "udai": (UDAIValidQry("kakapo.nz", "aBc"), '<UDAIValidQry DomainName="kakapo.nz" UDAI="aBc"/>'),
    "domain create": (
        DomainCreate(
            action_id="A-1",
            name="kakapo.nz",
            term=24,
            registrant="reg",
            admin="adm",
            tech="tec",
            servers=SERVERS,
            ds=RECORDS,
        ),
        '<DomainCreate ActionId="A-1" DomainName="kakapo.nz" Term="24"><RegistrantContact HandleId="reg"/>'
        '<AdminContact HandleId="adm"/><TechnicalContact HandleId="tec"/>'
        f"{SERVERS_XML}{RECORDS_XML}</DomainCreate>",
    ),
    "domain create, least": (
        DomainCreate(action_id="A-1", name="kakapo.nz", term=1, registrant=None),
        '<DomainCreate ActionId="A-1" DomainName="kakapo.nz" Term="1"><RegistrantContact/></DomainCreate>',
    ),
    "domain update, nothing": (
        DomainUpdate(action_id="A-1", name="kakapo.nz"),
        '<DomainUpdate ActionId="A-1" FullResult="1"><DomainNameFilter>kakapo.nz</DomainNameFilter>'
        "</DomainUpdate>",
    ),
    "domain update, all": (
        DomainUpdate(
            action_id="A-1",
            name="kakapo.nz",
            renew=True,
            term=12,
            cancel=False,
            delegate=False,
            new_udai=True,
            udai="aBc",
            convert_contacts=True,
            full=False,
            registrant="reg",
            admin="adm",
            tech="tec",
            servers=SERVERS,
            ds=RECORDS,
        ),
        '<DomainUpdate ActionId="A-1" UDAI="aBc" NewUDAI="1" Term="12" Delegate="0" Renew="1" Cancel="0" '
        'ConvertContactsToHandles="1" FullResult="0"><DomainNameFilter>kakapo.nz</DomainNameFilter>'
        '<RegistrantContact HandleId="reg"/><AdminContact HandleId="adm"/><TechnicalContact HandleId="tec"/>'
        f"{SERVERS_XML}{RECORDS_XML}</DomainUpdate>",
    ),
    "domain update, cleared": (
        DomainUpdate(action_id="A-1", name="kakapo.nz", admin="", tech="", servers=(), ds=()),
        '<DomainUpdate ActionId="A-1" FullResult="1"><DomainNameFilter>kakapo.nz</DomainNameFilter>'
        "<AdminContact/><TechnicalContact/><NameServers/><DNSSEC/></DomainUpdate>",
    ),
    "handle details": (
        HandleDetailsQry(("h1", "h2")),
        "<HandleDetailsQry><HandleIdFilter>h1</HandleIdFilter><HandleIdFilter>h2</HandleIdFilter>"
        "</HandleDetailsQry>",
    ),
    "handle create": (
        HandleCreate(
            action_id="A-1",
            handle_id="h1",
            name="A Person",
            email="a@example.nz",
            address=ADDRESS,
            phone=PHONE,
            fax=Phone("64", "", "5"),
            privacy=True,
        ),
        '<HandleCreate ActionId="A-1" HandleId="h1" Name="A Person" Email="a@example.nz" Privacy="1">'
        '<PostalAddress Address1="1 Acacia Ave" Address2="Treewood" City="Wellington" Province="Wgtn" '
        'CountryCode="NZ" PostalCode="6021"/><Phone CountryCode="64" AreaCode="4" LocalNumber="123 ext 1"/>'
        '<Fax CountryCode="64" AreaCode="" LocalNumber="5"/></HandleCreate>',
    ),
    "handle create, least": (
        HandleCreate(
            action_id="A-1",
            handle_id="h1",
            name="A",
            email="a@b",
            address=PostalAddress("1 Rd", "Ōtaki", "NZ"),
            phone=PHONE,
        ),
        '<HandleCreate ActionId="A-1" HandleId="h1" Name="A" Email="a@b"><PostalAddress Address1="1 Rd" '
        'City="Ōtaki" CountryCode="NZ"/><Phone CountryCode="64" AreaCode="4" LocalNumber="123 ext 1"/>'
        "</HandleCreate>",
    ),
    "handle update": (
        HandleUpdate(
            action_id="A-1",
            handle_id="h1",
            name="B",
            email="b@b",
            address=PostalAddress("1 Rd", "Ōtaki", "NZ", "", "", ""),
            phone=PHONE,
            fax=PHONE,
            privacy=False,
        ),
        '<HandleUpdate ActionId="A-1" HandleId="h1" Name="B" Email="b@b" Privacy="0"><PostalAddress '
        'Address1="1 Rd" Address2="" City="Ōtaki" Province="" CountryCode="NZ" PostalCode=""/>'
        '<Phone CountryCode="64" AreaCode="4" LocalNumber="123 ext 1"/>'
        '<Fax CountryCode="64" AreaCode="4" LocalNumber="123 ext 1"/></HandleUpdate>',
    ),
    "handle update, no fax": (
        HandleUpdate(action_id="A-1", handle_id="h1", clear_fax=True),
        '<HandleUpdate ActionId="A-1" HandleId="h1"><Fax/></HandleUpdate>',
    ),
    "handle delete": (
        HandleUpdate(action_id="A-1", handle_id="h1", delete=True),
        '<HandleUpdate ActionId="A-1" HandleId="h1" Delete="1"/>',
    ),
    "messages": (
        GetMessages(),
        '<GetMessages QueueMode="1" MaxResults="1"><TypeFilter Type="third-party"/>'
        '<TypeFilter Type="server-generated-data"/></GetMessages>',
    ),
    "ack": (
        AckMessage(action_id="A-1", originating_registrar_id=90, trans_id="x y ā "),
        '<AckMessage ActionId="A-1" OriginatingRegistrarId="90" TransId="x y ā "/>',
    ),
    "action details": (ActionDetailsQry("A-1"), '<ActionDetailsQry ActionId="A-1"/>'),
    "registrar details": (RegistrarDetailsQry(100), '<RegistrarDetailsQry RegistrarId="100"/>'),
    "registrar update": (
        RegistrarUpdate(action_id="A-1", epp_password="se cret"),
        '<RegistrarUpdate ActionId="A-1"><EPPAuth Password="se cret"/></RegistrarUpdate>',
    ),
    "address list": (
        AccessControlListQry(
            resource="epp_connect", type="registrar_ip", registrar_id=100, address="2001:db8::7"
        ),
        '<AccessControlListQry Resource="epp_connect" List="whitelist" Type="registrar_ip" FullResult="1">'
        "<AddressFilter>2001:db8::7</AddressFilter><RegistrarIdFilter>100</RegistrarIdFilter>"
        "</AccessControlListQry>",
    ),
    "certificate list": (
        AccessControlListQry(
            resource="epp_client_certs", type="registrar_domain", registrar_id=100, domain_name="epp.a.nz"
        ),
        '<AccessControlListQry Resource="epp_client_certs" List="whitelist" Type="registrar_domain" '
        'FullResult="1"><DomainNameFilter>epp.a.nz</DomainNameFilter>'
        "<RegistrarIdFilter>100</RegistrarIdFilter></AccessControlListQry>",
    ),
}

WRITES = (DomainCreate, DomainUpdate, HandleCreate, HandleUpdate, AckMessage, RegistrarUpdate)


def canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n")


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_written_as_the_protocol_has_it(name: str) -> None:
    action, expected = ACTIONS[name]
    assert canonical(action.element()) == canonical(etree.fromstring(expected))


def test_every_action_is_tried_here() -> None:
    kinds = {
        kind
        for kind in vars(actions).values()
        if isinstance(kind, type) and issubclass(kind, Action) and "xml" in vars(kind)
    }
    assert {type(action) for action, _ in ACTIONS.values()} == kinds - {Action}


@pytest.mark.parametrize("name", ACTIONS)
def test_a_write_is_known_as_one_and_bears_an_action_id(name: str) -> None:
    action, _ = ACTIONS[name]

    assert action.writes == isinstance(action, WRITES)
    assert Transaction(100, (action,)).writes == action.writes
    if action.writes:
        assert action.element().get("ActionId") == "A-1"


@pytest.fixture(scope="session")
def dtd(reference: Path) -> etree.DTD:
    return etree.DTD(str(reference / "protocol.dtd"))


@pytest.fixture(scope="session")
def schema() -> etree.XMLSchema:
    return etree.XMLSchema(file=str(Path(srs_epp.srs.__file__).parent / "schema" / "requests.xsd"))


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_valid_by_our_own_grammar(name: str, schema: etree.XMLSchema) -> None:
    schema.assertValid(etree.fromstring(Transaction(100, (ACTIONS[name][0],)).document()))


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_is_valid_by_the_published_grammar(name: str, dtd: etree.DTD) -> None:
    assert dtd.validate(etree.fromstring(Transaction(100, (ACTIONS[name][0],)).document())), dtd.error_log


@pytest.mark.parametrize(
    "action",
    [
        ACTIONS["udai"][0],
        ACTIONS["domain update, all"][0],
        ACTIONS["registrar update"][0],
    ],
)
def test_a_secret_is_not_shown_with_its_action(action: Action) -> None:
    for shown in (repr(action), str(action), repr(Transaction(100, (action,)))):
        assert "aBc" not in shown
        assert "se cret" not in shown


# --- values

TEXTS = st.text(
    st.characters(
        blacklist_categories=["Cs", "Cc"], whitelist_characters="\t\n\r", blacklist_characters="\ufffe\uffff"
    ),
    max_size=40,
)
ODD = "\"'<&>]]> \t\n\r Māori 漢字 𝄞 &amp; %26"


@settings(max_examples=150, deadline=None, database=None)
@given(TEXTS)
@example(ODD)
def test_every_character_of_a_value_survives(text: str) -> None:
    handle = HandleCreate(
        action_id=text,
        handle_id=text,
        name=text,
        email=text,
        address=PostalAddress(text, text, text, text, text, text),
        phone=Phone(text, text, text),
    )
    others = (HandleDetailsQry((text,)), RegistrarUpdate(action_id="1", epp_password=text))
    root = etree.fromstring(Transaction(100, (handle, *others)).document())

    created, queried, updated = root
    assert [created.get(name) for name in ("ActionId", "HandleId", "Name", "Email")] == [text] * 4
    assert set(created[0].attrib.values()) == set(created[1].attrib.values()) == {text}
    assert (queried[0].text or "") == text
    assert updated[0].get("Password") == text


# --- several in one request


def test_queries_bear_a_label_that_no_other_request_has() -> None:
    actions = tuple(action for action, _ in ACTIONS.values())
    labels = set()
    for _ in range(3):
        root = etree.fromstring(Transaction(100, actions).document())
        written = {action.writes: set[str | None]() for action in actions}
        for action, child in zip(actions, root, strict=True):
            written[action.writes].add(child.get("QryId"))
        assert written[True] == {None}
        [label] = written[False]
        labels.add(label)

    assert len(labels) == 3


def test_a_request_has_its_actions_in_their_order() -> None:
    root = etree.fromstring(Transaction(100, tuple(action for action, _ in ACTIONS.values())).document())
    for child in root:
        child.attrib.pop("QryId", "")

    assert root.tag == "NZSRSRequest"
    assert dict(root.items()) == {"VerMajor": "5", "VerMinor": "0"}
    assert [canonical(child) for child in root] == [
        canonical(etree.fromstring(expected)) for _, expected in ACTIONS.values()
    ]


def test_a_request_is_utf8_on_one_line_without_declaration() -> None:
    document = Transaction(100, tuple(action for action, _ in ACTIONS.values())).document()

    assert document.startswith(b"<NZSRSRequest ")
    assert document.decode("utf-8")
    assert "Ōtaki".encode() in document
    assert b"\n" not in document
    assert b"\r" not in document


def test_a_line_break_in_an_attribute_is_not_one_in_the_document() -> None:
    document = Transaction(100, (Whois("a\r\nb"),)).document()
    assert b"\n" not in document
    assert b"\r" not in document


def test_one_write_makes_the_transaction_a_write() -> None:
    query, write = Whois("a.nz"), RegistrarUpdate(action_id="1", epp_password="x")

    assert not Transaction(100, (query, query)).writes
    assert Transaction(100, (query, write)).writes
    assert not Transaction(100, ()).writes


def response(count: int) -> bytes:
    one = (
        '<Response Action="Whois" FeId="1" FeSeq="%d"><FeTimeStamp Year="2019" Month="3" Day="5" Hour="9" '
        'Minute="7"/></Response>'
    )
    return f"<NZSRSResponse>{''.join(one % number for number in range(count))}</NZSRSResponse>".encode()


def test_results_are_paired_with_actions_by_their_order() -> None:
    found = Transaction(100, (Whois("a.nz"),) * 3).results(response(3))
    assert [result.identity for result in found] == ["1,0", "1,1", "1,2"]


@pytest.mark.parametrize(("sent", "results"), [(1, 0), (1, 2), (3, 2), (10, 11)])
def test_another_number_of_results_cannot_be_paired(sent: int, results: int) -> None:
    with pytest.raises(ResponseUnreadable, match=f"{results} results for {sent} requests"):
        Transaction(100, (Whois("a.nz"),) * sent).results(response(results))


def test_equal_actions_are_equal() -> None:
    action, _ = ACTIONS["domain create"]
    assert isinstance(action, DomainCreate)
    assert replace(action) == action
    assert replace(action, term=1) != action
