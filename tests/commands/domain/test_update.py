"""``<domain:update>``: what is refused without a question, what is asked, and the change that is ordered."""

from __future__ import annotations

import pytest

from srs_epp.srs.actions import DomainDetailsQry, DomainUpdate, Whois
from srs_epp.srs.errors import SRSError
from srs_epp.srs.results import Result
from srs_epp.srs.values import DS, Server
from tests.epp import documents
from tests.support import records
from tests.support.mappings import SERVER_TRID, Dialogue, run

NAME = "kakapo.co.nz"
DIGEST = "49FD46E6C4B45C55D4AC"
DONE = [records.result(records.domain())]
ABSENT = [records.result()]
MISSING_UDAI = records.refused("MISSING_MANDATORY_FIELD", "a UDAI is needed", "UDAI", "DomainUpdate")


def update(inner: str = "", extension: str = "", cltrid: str = "TEST-0001") -> str:
    return documents.domain(
        "update", f"<domain:name>{NAME}</domain:name>{inner}", extension=extension, cltrid=cltrid
    )


def change(
    *, add: str = "", rem: str = "", chg: str = "", extension: str = "", cltrid: str = "TEST-0001"
) -> str:
    parts = (("add", add), ("rem", rem), ("chg", chg))
    inner = "".join(f"<domain:{name}>{content}</domain:{name}>" for name, content in parts if content)
    return update(inner, extension, cltrid)


def contact(kind: str, handle: str) -> str:
    return f'<domain:contact type="{kind}">{handle}</domain:contact>'


def status(name: str, text: str = "") -> str:
    return f'<domain:status s="{name}">{text}</domain:status>'


def server(name: str, *addresses: tuple[str, str]) -> str:
    shown = "".join(f'<domain:hostAddr ip="{ip}">{text}</domain:hostAddr>' for ip, text in addresses)
    return f"<domain:hostAttr><domain:hostName>{name}</domain:hostName>{shown}</domain:hostAttr>"


def ns(*servers: str) -> str:
    return f"<domain:ns>{''.join(servers)}</domain:ns>"


def signed(content: str, attributes: str = "") -> str:
    return documents.payload("secDNS", "update", content, attributes)


def ds(tag: int = 12345, digest: str = DIGEST) -> str:
    return documents.DS.replace("12345", str(tag)).replace(DIGEST, digest)


def adding(content: str) -> str:
    return signed(f"<secDNS:add>{content}</secDNS:add>")


def removing(content: str) -> str:
    return signed(f"<secDNS:rem>{content}</secDNS:rem>")


def present(**changes: object) -> list[Result]:
    """The answer to DomainDetailsQry."""
    return [records.result(records.domain(**changes))]  # type: ignore[arg-type]


def ordered(dialogue: Dialogue) -> DomainUpdate:
    """The change that it asked for, at last, and alone."""
    [action] = dialogue.asked[-1]
    assert isinstance(action, DomainUpdate)
    return action


def asked_for(dialogue: Dialogue) -> tuple[str, ...]:
    """The fields that it wanted to see first."""
    [question] = dialogue.asked[0]
    assert isinstance(question, DomainDetailsQry)
    assert question.name == NAME
    return question.fields


def refusal(document: str, *results: list[Result] | SRSError) -> tuple[int, str | None, str | None]:
    """Code, reason and the text of the value."""
    answer = run(document, *results).answer
    return answer.code, answer.reason, answer.value_text


# -- nothing to do


@pytest.mark.parametrize(
    "document",
    [
        update(),
        update("<domain:add/>"),
        update("<domain:add/><domain:rem/><domain:chg/>"),
        update(extension=signed("")),
        update("<domain:chg/>", extension=signed("<secDNS:chg/>")),
        update(extension=removing("<secDNS:all>false</secDNS:all>")),
    ],
)
def test_an_update_with_nothing_to_do_is_2003_and_nothing_is_asked(document: str) -> None:
    dialogue = run(document)

    assert dialogue.answer.code == 2003
    assert dialogue.answer.message == "Required parameter missing: nothing to update"
    assert dialogue.asked == []


# -- statuses


@pytest.mark.parametrize("name", [name for name in documents.DOMAIN_STATUSES if name != "clientHold"])
@pytest.mark.parametrize("part", ["add", "rem"])
def test_a_status_other_than_client_hold_is_2102_with_it_as_value(name: str, part: str) -> None:
    answer = run(change(**{part: status(name)})).answer

    assert (answer.code, answer.reason) == (2102, "Adding or removing this status is not allowed")
    assert answer.value is not None
    assert f's="{name}"' in answer.value


def test_a_status_that_is_not_allowed_is_found_beside_one_that_is() -> None:
    answer = run(change(add=status("clientHold") + status("clientDeleteProhibited"))).answer

    assert answer.code == 2102
    assert "clientDeleteProhibited" in (answer.value or "")


def test_client_hold_added_and_removed_is_2002() -> None:
    answer = run(change(add=status("clientHold"), rem=status("clientHold"))).answer

    assert (answer.code, answer.reason) == (2002, "Cannot add and remove the same status")
    assert 's="clientHold"' in (answer.value or "")


def test_another_status_added_and_removed_is_2102_rather_than_2002() -> None:
    assert run(
        change(add=status("clientUpdateProhibited"), rem=status("clientUpdateProhibited"))
    ).answer.code == (2102)


@pytest.mark.parametrize(("part", "delegate"), [("add", False), ("rem", True)])
def test_client_hold_is_the_opposite_of_delegate(part: str, delegate: bool) -> None:
    dialogue = run(change(**{part: status("clientHold", "Unpaid")}), DONE)

    assert dialogue.answer.code == 1000
    assert dialogue.asked == [[DomainUpdate(action_id="TEST-0001", name=NAME, delegate=delegate)]]


# -- contacts


@pytest.mark.parametrize("kind", ["admin", "tech"])
@pytest.mark.parametrize("part", ["add", "rem"])
def test_two_contacts_of_a_type_are_2306_with_the_second_as_value(kind: str, part: str) -> None:
    document = change(**{part: contact(kind, "moana-1") + contact(kind, "moana-2")})

    assert refusal(document) == (2306, f"Only one {kind} contact per domain supported", "moana-2")


def test_the_clients_own_element_is_the_value_of_a_contact_too_many() -> None:
    twice = contact("admin", "moana-1") + contact("admin", "moana-2")

    assert (run(change(add=twice)).answer.value or "").startswith("<domain:contact")


def test_two_admin_contacts_are_complained_of_before_two_tech_contacts() -> None:
    contacts = "".join(contact(kind, f"moana-{n}") for kind in ("tech", "admin") for n in (1, 2))

    assert refusal(change(add=contacts))[1] == "Only one admin contact per domain supported"


@pytest.mark.parametrize("part", ["add", "rem"])
def test_a_billing_contact_is_2102(part: str) -> None:
    assert refusal(change(**{part: contact("billing", "moana-1")})) == (
        2102,
        "Only contacts of type 'admin' or 'tech' are supported",
        "moana-1",
    )


def test_a_contact_without_a_type_is_2102() -> None:
    assert refusal(change(add="<domain:contact>moana-1</domain:contact>"))[0] == 2102


@pytest.mark.parametrize(("kind", "field"), [("admin", "AdminContact"), ("tech", "TechnicalContact")])
def test_a_contact_replaces_the_registrys_default(kind: str, field: str) -> None:
    dialogue = run(change(add=contact(kind, "moana-1")), present(**{kind: None}), DONE)

    assert dialogue.answer.code == 1000
    assert asked_for(dialogue) == (field,)
    assert getattr(ordered(dialogue), kind) == "moana-1"
    assert getattr(ordered(dialogue), {"admin": "tech", "tech": "admin"}[kind]) is None


@pytest.mark.parametrize("kind", ["admin", "tech"])
def test_a_second_contact_beside_one_with_a_handle_is_2306(kind: str) -> None:
    document = change(add=contact(kind, "moana-2"))

    assert refusal(document, present(**{kind: "moana-1"})) == (
        2306,
        f"Only one {kind} contact per domain supported",
        "moana-2",
    )


@pytest.mark.parametrize("kind", ["admin", "tech"])
def test_a_contact_is_replaced_by_removing_the_one_and_adding_the_other(kind: str) -> None:
    dialogue = run(
        change(add=contact(kind, "moana-2"), rem=contact(kind, "moana-1")),
        present(**{kind: "moana-1"}),
        DONE,
    )

    assert getattr(ordered(dialogue), kind) == "moana-2"


@pytest.mark.parametrize("kind", ["admin", "tech"])
def test_a_contact_removed_without_another_is_an_empty_element(kind: str) -> None:
    dialogue = run(change(rem=contact(kind, "moana-1")), present(**{kind: "moana-1"}), DONE)

    assert getattr(ordered(dialogue), kind) == ""
    name = {"admin": "AdminContact", "tech": "TechnicalContact"}[kind]
    found = ordered(dialogue).element().find(name)
    assert found is not None
    assert not found.attrib


@pytest.mark.parametrize("kind", ["admin", "tech"])
@pytest.mark.parametrize("holder", ["someone", None])
def test_a_contact_to_remove_that_is_not_there_is_2002(kind: str, holder: object) -> None:
    document = change(rem=contact(kind, "moana-1"))

    assert refusal(document, present(**{kind: holder})) == (
        2002,
        f"Attempting to remove {kind} contact which does not exist on the domain",
        "moana-1",
    )


def test_both_contacts_change_in_one_update() -> None:
    dialogue = run(
        change(add=contact("tech", "t-2") + contact("admin", "a-2"), rem=contact("tech", "t-1")),
        present(tech="t-1"),
        DONE,
    )

    assert asked_for(dialogue) == ("AdminContact", "TechnicalContact")
    assert (ordered(dialogue).admin, ordered(dialogue).tech) == ("a-2", "t-2")


# -- registrant and authInfo


def test_a_registrant_is_changed_without_a_look_at_the_domain() -> None:
    dialogue = run(change(chg="<domain:registrant> moana-2 </domain:registrant>"), DONE)

    assert dialogue.answer.code == 1000
    assert dialogue.asked == [[DomainUpdate(action_id="TEST-0001", name=NAME, registrant="moana-2")]]


def test_an_empty_registrant_is_2306() -> None:
    answer = run(change(chg="<domain:registrant/>")).answer

    assert (answer.code, answer.reason) == (2306, "registrant cannot be removed")
    assert "registrant" in (answer.value or "")


@pytest.mark.parametrize(
    "auth_info",
    [
        documents.SECRET,
        documents.FOREIGN_SECRET,
        documents.PROOF,
        "<domain:authInfo><domain:pw/></domain:authInfo>",
        "<domain:authInfo><domain:null/></domain:authInfo>",
    ],
)
def test_any_auth_info_asks_for_a_new_udai_and_its_text_goes_nowhere(auth_info: str) -> None:
    dialogue = run(change(chg=auth_info), DONE)

    assert dialogue.answer.code == 1000
    assert dialogue.asked == [[DomainUpdate(action_id="TEST-0001", name=NAME, new_udai=True)]]


# -- name servers

OLD = (
    Server("ns1.kakapo.co.nz", "192.0.2.1", "2001:db8::1"),
    Server("ns2.example.net"),
    Server("ns3.example.net"),
)


def test_an_added_server_follows_those_that_are_there_with_their_addresses() -> None:
    dialogue = run(
        change(add=ns(server("ns4.kakapo.co.nz", ("v4", "192.0.2.4"), ("v6", "2001:db8::4")))),
        present(servers=OLD),
        DONE,
    )

    assert asked_for(dialogue) == ("NameServers",)
    assert ordered(dialogue).servers == (*OLD, Server("ns4.kakapo.co.nz", "192.0.2.4", "2001:db8::4"))
    assert ordered(dialogue).ds is None


def test_a_removed_server_goes_and_the_others_keep_their_order() -> None:
    dialogue = run(change(rem=ns(server("ns2.example.net"))), present(servers=OLD), DONE)

    assert ordered(dialogue).servers == (OLD[0], OLD[2])


def test_servers_are_compared_without_case() -> None:
    dialogue = run(change(rem=ns(server("NS2.Example.NET"))), present(servers=OLD), DONE)

    assert ordered(dialogue).servers == (OLD[0], OLD[2])


def test_a_server_that_the_registry_shows_in_capitals_is_found() -> None:
    shown = (Server("NS1.Example.NET"), Server("ns2.example.net"))

    dialogue = run(change(rem=ns(server("ns1.example.net"))), present(servers=shown), DONE)

    assert ordered(dialogue).servers == (shown[1],)


def test_a_server_to_add_twice_in_other_letters_is_2002() -> None:
    twice = server("NS9.example.net") + server("ns9.example.net")

    assert refusal(change(add=ns(twice)), present())[0] == 2002


def test_the_last_server_removed_is_an_empty_list() -> None:
    dialogue = run(change(rem=ns(*(server(one.name) for one in OLD))), present(servers=OLD), DONE)

    assert ordered(dialogue).servers == ()
    found = ordered(dialogue).element().find("NameServers")
    assert found is not None
    assert len(found) == 0


def test_a_servers_address_changes_by_removing_and_adding_it() -> None:
    name = OLD[0].name
    dialogue = run(
        change(rem=ns(server(name)), add=ns(server(name, ("v4", "192.0.2.99")))), present(servers=OLD), DONE
    )

    assert ordered(dialogue).servers == (OLD[1], OLD[2], Server(name, "192.0.2.99"))


def test_a_server_to_remove_that_is_not_there_is_2002() -> None:
    assert refusal(change(rem=ns(server("ns9.example.net"))), present(servers=OLD)) == (
        2002,
        "Attempting to remove name server which does not exist on the domain",
        "ns9.example.net",
    )


def test_a_server_to_remove_twice_is_2002() -> None:
    twice = server("ns2.example.net") * 2

    assert refusal(change(rem=ns(twice)), present(servers=OLD))[0] == 2002


@pytest.mark.parametrize("name", ["ns2.example.net", "NS2.EXAMPLE.net"])
def test_a_server_to_add_that_is_there_is_2002(name: str) -> None:
    assert refusal(change(add=ns(server(name))), present(servers=OLD)) == (
        2002,
        "already exists on the domain",
        name,
    )


def test_a_server_to_add_twice_is_2002() -> None:
    document = change(add=ns(server("ns9.example.net") * 2))

    assert refusal(document, present()) == (2002, "already exists on the domain", "ns9.example.net")


@pytest.mark.parametrize("part", ["add", "rem"])
def test_a_host_object_is_2102_with_the_first_as_value(part: str) -> None:
    assert refusal(change(**{part: documents.HOST_OBJECTS})) == (
        2102,
        "hostObj not supported",
        "ns1.example.nz",
    )


def test_two_addresses_of_one_version_are_2102_with_the_server_as_value() -> None:
    two = server("ns1.kakapo.co.nz", ("v4", "192.0.2.1"), ("v4", "192.0.2.2"))
    answer = run(change(add=ns(two))).answer

    assert (answer.code, answer.reason) == (2102, "multiple addresses of one IP version not supported")
    assert (answer.value or "").startswith("<domain:hostAttr")
    assert (answer.value_text or "").startswith("ns1.kakapo.co.nz")


# -- DS records

KEPT = DS(1, 8, 2, "AA")
KNOWN = DS(12345, 13, 2, DIGEST)


def test_an_added_ds_follows_those_that_are_there() -> None:
    dialogue = run(update(extension=adding(ds())), present(ds=(KEPT,)), DONE)

    assert asked_for(dialogue) == ("DNSSEC",)
    assert ordered(dialogue).ds == (KEPT, KNOWN)
    assert ordered(dialogue).servers is None


def test_a_removed_ds_goes_whatever_the_case_of_its_digest() -> None:
    dialogue = run(update(extension=removing(ds(digest=DIGEST.lower()))), present(ds=(KNOWN, KEPT)), DONE)

    assert ordered(dialogue).ds == (KEPT,)


def test_all_ds_removed_is_an_empty_element() -> None:
    dialogue = run(
        update(extension=removing("<secDNS:all>true</secDNS:all>")), present(ds=(KNOWN, KEPT)), DONE
    )

    assert ordered(dialogue).ds == ()
    found = ordered(dialogue).element().find("DNSSEC")
    assert found is not None
    assert len(found) == 0


def test_all_ds_can_be_replaced() -> None:
    content = f"<secDNS:rem><secDNS:all>1</secDNS:all></secDNS:rem><secDNS:add>{ds()}</secDNS:add>"
    dialogue = run(update(extension=signed(content)), present(ds=(KNOWN, KEPT)), DONE)

    assert ordered(dialogue).ds == (KNOWN,)


def test_a_ds_removed_and_added_in_one_update_is_the_last() -> None:
    content = f"<secDNS:rem>{ds()}</secDNS:rem><secDNS:add>{ds()}</secDNS:add>"
    dialogue = run(update(extension=signed(content)), present(ds=(KNOWN, KEPT)), DONE)

    assert ordered(dialogue).ds == (KEPT, KNOWN)


@pytest.mark.parametrize("there", [(), (KEPT,), (DS(99, 13, 2, DIGEST),), (DS(12345, 8, 2, DIGEST),)])
def test_a_ds_to_remove_that_is_not_there_is_2002_with_its_digest(there: tuple[DS, ...]) -> None:
    assert refusal(update(extension=removing(ds())), present(ds=there)) == (
        2002,
        "Attempting to remove DS record which does not exist on the domain",
        DIGEST,
    )


@pytest.mark.parametrize("digest", [DIGEST, DIGEST.lower()])
def test_a_ds_to_add_that_is_there_is_2002_with_its_digest(digest: str) -> None:
    assert refusal(update(extension=adding(ds(digest=digest))), present(ds=(KNOWN,))) == (
        2002,
        "already exists on the domain",
        digest,
    )


@pytest.mark.parametrize("content", [adding(documents.KEY), removing(documents.KEY)])
def test_key_data_is_2306(content: str) -> None:
    code, reason, _ = refusal(update(extension=content))

    assert (code, reason) == (2306, "keyData not supported")


def test_key_data_inside_ds_data_is_2306() -> None:
    assert refusal(update(extension=adding(documents.DS_WITH_KEY)))[:2] == (2306, "keyData not supported")


@pytest.mark.parametrize(
    "content", [adding(documents.LIFE + documents.DS), signed(f"<secDNS:chg>{documents.LIFE}</secDNS:chg>")]
)
def test_a_signature_life_is_2102(content: str) -> None:
    assert refusal(update(extension=content)) == (2102, "maxSigLife not supported", "604800")


@pytest.mark.parametrize("urgent", ["1", "true"])
def test_urgent_is_2102(urgent: str) -> None:
    content = signed(f"<secDNS:add>{documents.DS}</secDNS:add>", f' urgent="{urgent}"')

    assert refusal(update(extension=content))[:2] == (2102, "urgent not supported")


def test_what_is_not_urgent_is_done() -> None:
    content = signed(f"<secDNS:add>{documents.DS}</secDNS:add>", ' urgent="false"')

    assert run(update(extension=content), present(), DONE).answer.code == 1000


# -- all in one


def test_everything_at_once_is_one_question_and_one_change() -> None:
    dialogue = run(
        change(
            add=ns(server("ns9.example.net")) + contact("admin", "a-2") + status("clientHold"),
            rem=ns(server("ns2.example.net")) + contact("tech", "t-1"),
            chg=f"<domain:registrant>r-2</domain:registrant>{documents.SECRET}",
            extension=adding(ds()),
        ),
        present(servers=OLD, tech="t-1", admin=None, ds=(KEPT,)),
        DONE,
    )

    assert dialogue.answer.code == 1000
    assert asked_for(dialogue) == ("NameServers", "AdminContact", "TechnicalContact", "DNSSEC")
    assert dialogue.asked[1:] == [
        [
            DomainUpdate(
                action_id="TEST-0001",
                name=NAME,
                delegate=False,
                new_udai=True,
                registrant="r-2",
                admin="a-2",
                tech="",
                servers=(OLD[0], OLD[2], Server("ns9.example.net")),
                ds=(KEPT, KNOWN),
            )
        ]
    ]


def test_a_change_without_lists_is_not_preceded_by_a_question() -> None:
    dialogue = run(
        change(rem=status("clientHold"), chg="<domain:registrant>r-2</domain:registrant>" + documents.SECRET),
        DONE,
    )

    assert len(dialogue.asked) == 1


# -- the order of the rules

BAD_STATUS = status("clientDeleteProhibited")
TWO_ADMINS = contact("admin", "a-1") + contact("admin", "a-2")
BILLING = contact("billing", "b-1")
TWO_ADDRESSES = ns(server("ns1.kakapo.co.nz", ("v4", "192.0.2.1"), ("v4", "192.0.2.2")))
HOLD = status("clientHold")
NO_REGISTRANT = "<domain:registrant/>"


@pytest.mark.parametrize(
    ("document", "code", "reason"),
    [
        (
            change(add=TWO_ADMINS + HOLD + BAD_STATUS, rem=HOLD),
            2102,
            "Adding or removing this status is not allowed",
        ),
        (change(add=TWO_ADMINS + HOLD, rem=HOLD), 2002, "Cannot add and remove the same status"),
        (change(add=BILLING + TWO_ADMINS), 2306, "Only one admin contact per domain supported"),
        (
            change(add=BILLING, chg=NO_REGISTRANT),
            2102,
            "Only contacts of type 'admin' or 'tech' are supported",
        ),
        (change(add=documents.HOST_OBJECTS, chg=NO_REGISTRANT), 2306, "registrant cannot be removed"),
        (change(add=documents.HOST_OBJECTS, rem=TWO_ADDRESSES), 2102, "hostObj not supported"),
        (
            change(add=TWO_ADDRESSES, extension=adding(documents.KEY)),
            2102,
            "multiple addresses of one IP version not supported",
        ),
        (update(extension=adding(documents.LIFE + documents.KEY)), 2306, "keyData not supported"),
        (
            update(
                extension=signed(f"<secDNS:add>{documents.LIFE}{documents.DS}</secDNS:add>", ' urgent="1"')
            ),
            2102,
            "maxSigLife not supported",
        ),
    ],
)
def test_of_two_faults_the_rule_that_stands_first_is_told(document: str, code: int, reason: str) -> None:
    dialogue = run(document)

    assert (dialogue.answer.code, dialogue.answer.reason) == (code, reason)
    assert dialogue.asked == []


# -- whose domain

LISTS = [
    change(add=ns(server("ns9.example.net"))),
    change(rem=contact("admin", "a-1")),
    update(extension=removing("<secDNS:all>true</secDNS:all>")),
]


@pytest.mark.parametrize("document", LISTS)
def test_lists_of_a_domain_that_is_not_there_are_2303(document: str) -> None:
    dialogue = run(document, ABSENT, [records.result(records.domain(NAME, "Available"))])

    assert (dialogue.answer.code, dialogue.answer.value_text) == (2303, NAME)
    assert dialogue.asked[1] == [Whois(NAME, full=False)]


@pytest.mark.parametrize("document", LISTS)
@pytest.mark.parametrize("found", ["Active", "PendingRelease"])
def test_lists_of_another_registrars_domain_are_2201(document: str, found: str) -> None:
    dialogue = run(document, ABSENT, [records.result(records.domain(NAME, found))])

    assert (dialogue.answer.code, dialogue.answer.value_text) == (2201, NAME)


def test_a_change_of_another_registrars_domain_is_2201() -> None:
    dialogue = run(change(add=HOLD), [MISSING_UDAI])

    assert (dialogue.answer.code, dialogue.answer.value_text) == (2201, NAME)
    assert "UDAI" not in dialogue.answer.xml


def test_another_field_that_is_missing_is_2306() -> None:
    dialogue = run(change(add=HOLD), [records.refused("MISSING_MANDATORY_FIELD", "Term", "Term")])

    assert dialogue.answer.code == 2306


def test_a_change_of_a_domain_that_is_not_there_is_2303() -> None:
    dialogue = run(change(add=HOLD), ABSENT)

    assert (dialogue.answer.code, dialogue.answer.value_text) == (2303, NAME)


def test_a_domain_that_went_between_the_question_and_the_change_is_2303() -> None:
    dialogue = run(change(add=ns(server("ns9.example.net"))), present(), ABSENT)

    assert dialogue.answer.code == 2303


# -- the registry's refusals


@pytest.mark.parametrize(
    ("error_id", "details", "code", "reason", "value"),
    [
        ("DOMAIN_INACTIVE", (NAME,), 2304, "domainName", NAME),
        ("DOMAIN_LOCKED", (NAME,), 2304, "domainName", NAME),
        ("HANDLE_DOES_NOT_EXIST", ("a-9",), 2303, "handleId", "a-9"),
        ("SELF_SERVING_DNS_VIOLATION", (NAME, "ns1"), 2306, "domainName", NAME),
        ("INVALID_FIELD", ("x", "FQDN"), 2306, "value of 'FQDN'", "x"),
        ("SYSTEM_READONLY", (), 2400, None, None),
        ("UNDETERMINED_RESULT", (), 2500, None, None),
    ],
)
def test_a_refusal_of_the_registry_is_told(
    error_id: str, details: tuple[str, ...], code: int, reason: str | None, value: str | None
) -> None:
    answer = run(change(add=HOLD), [records.refused(error_id, "It can't be", *details)]).answer

    assert (answer.code, answer.message) == (code, "It can't be")
    assert (answer.reason, answer.value_text) == (reason, value)


def test_a_refusal_of_the_whole_request_is_told() -> None:
    assert run(change(add=HOLD), SRSError("LOCK_ERROR", "busy", whole=True)).answer.code == 2400


# -- settings and identifiers


def test_without_a_cltrid_the_servers_own_is_the_action_id() -> None:
    assert ordered(run(change(add=HOLD, cltrid=""), DONE)).action_id == SERVER_TRID


def test_the_domain_is_not_restored_by_the_way() -> None:
    assert ordered(run(change(add=HOLD), DONE)).cancel is None


def test_the_domain_is_restored_by_the_way_where_the_settings_say_so() -> None:
    assert ordered(run(change(add=HOLD), DONE, settings={"restore_on_update": "true"})).cancel is False


def test_a_captured_answer_with_a_new_udai_shows_none_of_it() -> None:
    dialogue = run(change(chg=documents.SECRET), records.captured("domain-update-response-new-udai"))

    assert dialogue.answer.code == 1000
    assert "R75yheay" not in dialogue.answer.xml
