"""What the registry answers, as values: the captured responses, and documents that nobody would capture."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from srs_epp.srs.errors import ERRORS, SRSError
from srs_epp.srs.results import (
    AccessControlList,
    AckResponse,
    Domain,
    DomainTransfer,
    Handle,
    Message,
    RawRequest,
    RawResponse,
    Registrar,
    ResponseUnreadable,
    Result,
    UDAIValid,
    parse,
)
from srs_epp.srs.values import DS, Contact, Phone, PostalAddress, Server
from srs_epp.tree import own_parser

NZST, NZDT = timezone(timedelta(hours=12)), timezone(timedelta(hours=13))


# --- the captured responses

Read = Callable[[str], list[Result]]
ReadContact = Callable[[str, str], Contact]


@pytest.fixture
def sample(reference: Path) -> Read:
    return lambda name: parse((reference / "samples" / f"{name}.xml").read_bytes())


@pytest.fixture
def contact(reference: Path) -> ReadContact:
    """A contact inside a captured domain, whole; a Domain keeps its HandleId only."""

    def read_one(name: str, role: str) -> Contact:
        document = etree.parse(reference / "samples" / f"{name}.xml", own_parser())
        element = document.find(f".//{role}")
        assert element is not None
        return Contact.read(element)

    return read_one


def domain_of(result: Result) -> Domain:
    assert result.domain is not None
    return result.domain


def test_sample_of_four_whois_answers(sample: Read) -> None:
    results = sample("whois-active-and-available")

    assert [(domain_of(result).name, domain_of(result).status) for result in results] == [
        ("cheese.co.te", "Active"),
        ("ffo.co.te", "Available"),
        ("foo.net.te", "Available"),
        ("bar.org.te", "Available"),
    ]
    for result in results:
        assert result.identity == "4,1981693"
        assert result.time == datetime(2010, 6, 10, 16, 33, 32, tzinfo=NZST)
        assert result.action == "Whois"
        assert result.originating_registrar_id == 90
        assert result.trans_id == ""
        assert result.error is None
        assert domain_of(result).delegate is None
        assert domain_of(result).servers == ()
        assert domain_of(result).registrant is None
        assert domain_of(result).billed_until is None
        assert domain_of(result).audit is None


def test_sample_of_domain_details_with_name_servers_and_ds(sample: Read, contact: ReadContact) -> None:
    captured = "domain-details-with-name-servers-and-ds"
    whois, details = sample(captured)
    domain = domain_of(details)

    assert (whois.identity, details.identity) == ("8,4739879", "8,4739999")
    assert details.time == datetime(2010, 6, 23, 17, 29, 44, tzinfo=NZST)
    assert domain_of(whois).status == "Active"
    assert (domain.name, domain.status, domain.delegate) == ("cheese123.co.te", "Active", True)
    assert domain.registrar_id == 100
    assert domain.udai is None
    assert domain.servers == tuple(Server(f"ns{number}.everydns.net") for number in range(1, 5))
    assert domain.ds == (
        DS(1, 5, 1, "1234abcd11111111111111111111111111111111"),
        DS(4, 6, 2, "8888ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
    )
    address = PostalAddress("52 Festive Rd", "London", "UK", "Putney")
    phone = Phone("44", "207", "000000")
    holder = contact(captured, "RegistrantContact")
    assert holder == Contact(None, "Mr Ben", "e@xample.com", address, phone, None, None)
    admin = contact(captured, "AdminContact")
    assert admin.address == PostalAddress("52 Festive Rd", "London", "UK", "Putney", None, "6021")
    assert contact(captured, "TechnicalContact") == admin
    assert (domain.registrant, domain.admin, domain.tech) == (None, None, None)
    assert domain.registered == datetime(2007, 11, 19, 19, 45, 2, tzinfo=NZDT)
    assert domain.billed_until == datetime(2011, 11, 19, 19, 45, 2, tzinfo=NZDT)
    assert domain.cancelled is None
    assert domain.locked is None
    assert domain.audit is not None
    assert domain.audit.registrar_id == 100
    assert domain.audit.action_id == "20091231.4b3b555304642"
    assert domain.audit.effective_from == domain.registered
    assert domain.audit.text == "Domain Agent Update"


def test_sample_of_a_domain_pending_release(sample: Read, contact: ReadContact) -> None:
    captured = "domain-details-pending-release"
    whois, details = sample(captured)
    domain = domain_of(details)

    assert domain_of(whois).status == domain.status == "PendingRelease"
    assert domain.cancelled == datetime(2011, 8, 12, 8, 44, 15, tzinfo=NZST)
    assert domain.billed_until == datetime(2010, 9, 12, 8, 44, 15, tzinfo=NZST)
    assert domain.registered == datetime(2010, 8, 12, 8, 44, 15, tzinfo=NZST)
    assert len(domain.servers) == 4
    assert domain.ds == ()
    address = PostalAddress("1 Acacia Ave", "Wellington", "NZ", "Treewood", "Wellington", "6021")
    phone = Phone("4", "4", "0000000")
    holder = contact(captured, "RegistrantContact")
    assert holder == Contact("reg1", "A Person", "someone@example.com", address, phone, None, None)
    assert contact(captured, "AdminContact") == holder
    assert contact(captured, "TechnicalContact").fax == Phone("99", "9", "234-5679")
    assert (domain.registrant, domain.admin, domain.tech) == ("reg1", "reg1", None)
    assert domain.audit is not None
    assert (domain.audit.registrar_id, domain.audit.action_id, domain.audit.text) == (50, None, "")
    assert domain.audit.effective_from == datetime(2010, 8, 27, 8, 44, 15, tzinfo=NZST)


def test_sample_of_a_created_domain(sample: Read, contact: ReadContact) -> None:
    (result,) = sample("domain-create-response")
    domain = domain_of(result)

    assert (result.identity, result.action, result.trans_id) == ("8,4794946", "DomainCreate", "brause2348")
    assert (domain.name, domain.udai, domain.registrar_id) == ("wicked-yeah2.co.te", "HMsXwv3M", 90)
    assert domain.registered == datetime(2010, 7, 6, 13, 19, 58, tzinfo=NZST)
    assert domain.billed_until == datetime(2010, 8, 6, 13, 19, 58, tzinfo=NZST)
    assert domain.registrant == "registrant-001"
    assert contact("domain-create-response", "RegistrantContact").fax == Phone("64", "4", "123666")
    assert "HMsXwv3M" not in repr(result)


def test_sample_of_an_updated_domain_with_a_new_udai(sample: Read) -> None:
    (result,) = sample("domain-update-response-new-udai")
    domain = domain_of(result)

    assert domain.delegate is False
    assert domain.udai == "R75yheay"
    assert domain.servers == (
        Server("ns1.cheese.net.te", "192.0.2.34", "2001:db8:0:D0::34:0"),
        Server("ns3.cheese.net.te", "192.0.2.33", "2001:db8:20D0:1::1"),
        Server("ns2.cheese.net.te", "192.0.2.35", "2001:db8:0:D0::35:0"),
    )
    assert domain.registered == datetime(1998, 12, 7, 0, 0, 0, tzinfo=NZDT)
    assert domain.tech == "auto_technical"
    assert (result.originating_registrar_id, result.trans_id) == (1, "sep.d2b95ee.2c7a.001")


def test_sample_of_a_transferred_domain(sample: Read) -> None:
    whois, update = sample("domain-transfer-response")
    domain = domain_of(update)

    assert domain_of(whois).name == domain.name == "mozzarella.co.te"
    assert (update.identity, update.trans_id) == ("2,122118672", "20100624092216713")
    assert domain.servers == (Server("ns1.moca.co.nz"), Server("ns2.discountdomains.co.nz"))
    assert domain.audit is not None
    assert domain.audit.registrar_id == 104


def test_sample_of_a_handle(sample: Read) -> None:
    (result,) = sample("handle-details")
    (handle,) = result.handles

    assert handle.registrar_id == 100
    assert handle.contact == Contact(
        "04a",
        "A Person",
        "someone@example.com",
        PostalAddress("1 Acacia Ave", "Wellington", "NZ", "Treewood", "Wellington", "6021"),
        Phone("4", "4", "0000000"),
        None,
        None,
    )
    assert handle.created == datetime(2010, 6, 3, 17, 3, 58, tzinfo=NZST)
    assert handle.audit is not None
    assert handle.audit.text == "Handles test!\nUser Id: evan"
    assert (handle.audit.registrar_id, handle.audit.action_id) == (1, "srsrps-1_149")


def test_sample_of_a_handle_that_is_not_there(sample: Read) -> None:
    (result,) = sample("handle-query-no-match")

    assert (result.handles, result.records, result.error) == ((), (), None)
    assert result.identity == "8,4713409"


def test_sample_of_a_login(sample: Read) -> None:
    registrar, addresses, certificates = sample("login-accepted")

    assert registrar.registrar is not None
    assert registrar.registrar.registrar_id == 90
    hashed = "$5$7PzBN2aQ$vlkphb1Isb3UzVZ535oOxFiGPGdxbYWSfNQ8G.ELTR8"
    assert registrar.registrar.password_hash == hashed
    assert hashed not in repr(registrar)
    assert (registrar.entries, addresses.entries, certificates.entries) == (0, 1, 1)
    assert addresses.registrar is None


def test_sample_of_a_login_that_no_list_allows(sample: Read) -> None:
    registrar, addresses, certificates = sample("login-refused-by-acl")

    assert registrar.registrar is not None
    assert (addresses.entries, certificates.entries) == (0, 0)
    assert addresses.error is None


def test_sample_of_an_error_of_one_action(sample: Read) -> None:
    whois, update = sample("error-inside-response")

    assert whois.error is None
    assert domain_of(whois).status == "Active"
    assert update.domain is None
    assert update.trans_id == "20100701 1"
    error = update.error
    assert error is not None
    assert not error.whole
    assert error.error_id == "UDAI_DOMAIN_MISMATCH"
    assert error.severity == "err"
    assert error.hint == "INVALID_REQUEST_ERROR"
    assert error.description == "The given UDAI does not match the requested domain"
    assert error.details == ("mozzarella.co.te",)
    assert error.named_details() == [("domainName", "mozzarella.co.te")]


def test_sample_of_a_request_refused_as_a_whole(sample: Read) -> None:
    with pytest.raises(SRSError) as caught:
        sample("error-whole-request")

    error = caught.value
    assert error.whole
    assert (error.error_id, error.severity, error.hint) == (
        "XML_PARSE_ERROR",
        "err",
        "INVALID_REQUEST_ERROR",
    )
    assert error.description == "XML parse error"
    (detail,) = error.details
    assert detail.startswith(":3: element HandleUpdate: validity error")
    assert detail.endswith("^")


def message_of(result: Result) -> Message:
    message = result.first(Message)
    assert message is not None
    return message


def test_sample_of_a_message_of_a_created_domain(sample: Read) -> None:
    (result,) = sample("poll-domain-create")
    message = message_of(result)

    assert result.domain is None
    assert message.remaining == 6
    assert message.result.action == "DomainCreate"
    assert (message.result.originating_registrar_id, message.result.trans_id) == (1, "srsrps-1_476")
    assert message.result.identity == "8,4861516"
    assert message.result.time == datetime(2010, 7, 21, 16, 15, 41, tzinfo=NZST)
    domain = domain_of(message.result)
    assert (domain.name, domain.udai, domain.registrar_id) == ("eppregistrar2.co.nz", "9GS97hDz", 922)
    assert domain.audit is not None
    assert domain.audit.text == "User Id: manuela"


def test_sample_of_a_message_of_a_transfer(sample: Read) -> None:
    (result,) = sample("poll-domain-transfer")
    message = message_of(result)

    assert message.remaining == 0
    assert message.result.action == "DomainTransfer"
    assert message.result.trans_id == "srsrps-1_376 "
    (transfer,) = message.result.all(DomainTransfer)
    assert transfer.registrar_name == "Catalyst.Net Ltd"
    assert transfer.time == datetime(2010, 7, 7, 9, 13, 1, tzinfo=NZST)
    assert transfer.names == ("pepper.co.te",)


def test_sample_of_a_message_of_two_domains(sample: Read) -> None:
    (result,) = sample("poll-new-udai-auto-generated")
    message = message_of(result)

    assert result.trans_id == "sep.4d3371a1.6207.002"
    assert message.result.trans_id == "sep.4d2fceb8.2d28.002 (Auto-generated)"
    assert [(domain.name, domain.udai) for domain in message.result.all(Domain)] == [
        ("first-example.net.nz", "mW5Nq7sP"),
        ("second-example.org.nz", "qPAaBuf7"),
    ]


def test_sample_of_a_message_of_a_renewal(sample: Read) -> None:
    (result,) = sample("poll-domain-renew")
    message = message_of(result)

    assert message.remaining == 5
    domain = domain_of(message.result)
    assert domain.audit is not None
    assert domain.audit.text == "RenewDomains"
    assert domain.audit.action_id == "RenewDomains-2010-07-06 23:30:00-tasty.co.te"
    assert domain.billed_until == datetime(2010, 8, 6, 11, 26, 50, tzinfo=NZST)


def test_sample_of_an_acknowledgement(sample: Read) -> None:
    (result,) = sample("ack-response")

    assert (result.action, result.trans_id) == ("AckMessage", "2010 0707 1")
    assert result.all(AckResponse) == (AckResponse(1, "5aa"),)


def test_every_sample_is_read(reference: Path) -> None:
    files = sorted((reference / "samples").glob("*.xml"))
    assert len(files) == 17
    for file in files:
        try:
            assert parse(file.read_bytes())
        except SRSError as error:
            assert error.whole  # noqa: PT017 - the one sample of this kind has a test of its own


# --- documents of our own

TIME = '<FeTimeStamp Year="2019" Month="3" Day="5" Hour="9" Minute="7" TimeZoneOffset="+13:00"/>'


def response(content: str = "", attributes: str = "", root: str = "NZSRSResponse", before: str = "") -> bytes:
    """A document with one Response."""
    return (
        f'{before}<{root} VerMajor="5" VerMinor="0"><Response Action="Whois" FeId="2" FeSeq="501" '
        f'OrigRegistrarId="90"{attributes}>{TIME}{content}</Response></{root}>'
    ).encode()


def read(content: str = "", **options: str) -> Result:
    (result,) = parse(response(content, **options))
    return result


def read_error(content: str, attributes: str = 'ErrorId="X" Severity="err" Hint="H"') -> SRSError:
    error = read(f"<Error {attributes}>{content}</Error>").error
    assert error is not None
    return error


def test_the_root_element_has_one_of_two_names() -> None:
    assert len(parse(response(root="SRSResponse"))) == 1
    for other in ("NZSRSRequest", "Response", "html"):
        with pytest.raises(ResponseUnreadable, match=other):
            parse(response(root=other))


def test_an_empty_response_has_no_results() -> None:
    assert parse(b"<NZSRSResponse/>") == []


def test_unknown_elements_and_attributes_are_passed_over() -> None:
    result = read(
        "<Before/><Domain DomainName='a.nz' Status='Active' Colour='red'><Shape>round</Shape><NameServers>"
        "<Server FQDN='ns.a.nz' TTL='5'/><Cluster FQDN='x'/></NameServers><LockedDate Year='2020' Month='1' "
        "Day='1' Hour='0' Minute='0' TimeZoneOffset='+13:00' Era='AD'/></Domain><After><Domain/></After>",
        attributes=' NewThing="1" Rows="7"',
    )

    assert domain_of(result).name == "a.nz"
    assert domain_of(result).servers == (Server("ns.a.nz"),)
    assert domain_of(result).locked == datetime(2020, 1, 1, tzinfo=NZDT)
    assert len(result.records) == 1


def test_text_is_trimmed_of_the_blanks_around_it() -> None:
    error = read_error(
        "<Description>\n  <![CDATA[  What <was> & is\n wrong ]]>\n</Description>"
        "<ErrorDetails>\t<![CDATA[a]]> </ErrorDetails><ErrorDetails/><ErrorDetails> </ErrorDetails>"
    )
    assert error.description == "What <was> & is\n wrong"
    assert error.details == ("a", "", "")


def test_text_in_several_pieces_is_put_together() -> None:
    error = read_error("<Description>a<![CDATA[b]]>c&amp;<![CDATA[&amp;]]>&#233;&#x101;</Description>")
    assert error.description == "abc&&amp;éā"


def test_comments_and_processing_instructions_are_no_part_of_a_text() -> None:
    error = read_error("<Description>one <!-- not this -->two<?nor this?> three</Description><!-- x -->")
    assert error.description == "one two three"
    assert domain_of(read("<!-- --><Domain DomainName='a.nz'><!-- --></Domain><?x?>")).name == "a.nz"


def test_attributes_are_trimmed_and_empty_ones_are_missing() -> None:
    domain = domain_of(read("<Domain DomainName=' a.nz ' Status='' RegistrarId=' 90 ' UDAI=' '/>"))
    assert (domain.name, domain.status, domain.registrar_id, domain.udai) == ("a.nz", None, 90, None)


def test_a_blank_that_is_none_to_xml_is_text() -> None:
    (handle,) = read("<Handle HandleId='a' Name='&#xa0;Moana&#x3000; '/>").handles
    assert handle.contact.name == "\u00a0Moana\u3000"
    assert read_error("<Description> a&#xa0;</Description>").description == "a\u00a0"


@pytest.mark.parametrize("number", ["-1", "1" + "0" * 16])
def test_a_number_out_of_bounds_makes_a_document_unreadable(number: str) -> None:
    for content in (
        f"<Handle RegistrarId='{number}'/>",
        f"<Message Remaining='{number}'><Response/></Message>",
    ):
        with pytest.raises(ResponseUnreadable, match="out of bounds"):
            read(content)


def test_the_id_of_an_action_is_kept_character_for_character() -> None:
    assert read(attributes=' TransId=" a&#9;b &#x101; "').trans_id == " a\tb ā "


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("0", False), (" 1 ", True), ("yes", None), ("", None)]
)
def test_a_flag_is_one_or_nought(text: str, value: bool | None) -> None:
    assert domain_of(read(f"<Domain DomainName='a.nz' Delegate='{text}'/>")).delegate is value


def test_flags_of_contacts_and_udais() -> None:
    result = read(
        "<Handle HandleId='h' Privacy='1'/><Handle HandleId='i' Privacy='0'/><Handle HandleId='j'/>"
    )
    assert [handle.contact.privacy for handle in result.handles] == [True, False, None]
    assert read("<UDAIValid Valid='1'/>").udai_valid
    assert not read("<UDAIValid Valid='0'/>").udai_valid
    assert not read("<UDAIValid/>").udai_valid
    assert not read("").udai_valid


def test_entries_of_all_lists_are_counted_whatever_the_size_says() -> None:
    lists = (
        "<AccessControlList Size='9'><AccessControlListEntry/><AccessControlListEntry/></AccessControlList>"
        "<AccessControlList Size='9'/><AccessControlList><AccessControlListEntry/></AccessControlList>"
    )
    assert read(lists).entries == 3
    assert read("<AccessControlList Size='9'/>").entries == 0


def test_numbers_of_the_identity_are_kept_as_they_are() -> None:
    document = response().replace(b'"501"', b'"00012345678901234567"')
    assert parse(document)[0].identity == "2,00012345678901234567"


def test_an_empty_dnssec_element_is_no_record() -> None:
    assert domain_of(read("<Domain DomainName='a.nz'><NameServers/><DNSSEC/></Domain>")).ds == ()


def test_a_ds_digest_is_trimmed() -> None:
    ds = "<DS KeyTag='1' Algorithm='8' DigestType='2'><Digest>\n AB <![CDATA[]]></Digest></DS>"
    assert domain_of(read(f"<Domain DomainName='a.nz'><DNSSEC>{ds}</DNSSEC></Domain>")).ds == (
        DS(1, 8, 2, "AB"),
    )


def test_a_contact_may_have_nothing() -> None:
    contact = Contact.read(etree.fromstring("<RegistrantContact/>"))
    assert contact == Contact(None, None, None, None, None, None, None)
    assert domain_of(read("<Domain DomainName='a.nz'><RegistrantContact/></Domain>")).registrant is None


def test_a_stored_request_and_response_are_octets_again() -> None:
    result = read(
        "<RawRequest><XML>%3CNZSRSRequest%3E+a%2bb%c3%a9%0D%0A%3C/NZSRSRequest%3E</XML>"
        "<Signature>x</Signature></RawRequest><RawResponse><XML>\n%3Ca%2F%3E\n</XML></RawResponse>"
    )
    assert result.first(RawRequest) == RawRequest("<NZSRSRequest> a+bé\r\n</NZSRSRequest>".encode())
    assert result.first(RawResponse) == RawResponse(b"<a/>")
    assert "NZSRSRequest" not in repr(result)


def test_a_message_without_a_response_is_unreadable() -> None:
    with pytest.raises(ResponseUnreadable, match="Message"):
        read("<Message Remaining='0'/>")


def test_messages_within_messages_end_somewhere() -> None:
    inner = "<Message><Response FeId='1' FeSeq='2'>" * 100 + "</Response></Message>" * 100
    result: Result | None = read(inner)
    depth = 0
    while result is not None and (message := result.first(Message)) is not None:
        result, depth = message.result, depth + 1
    assert depth == 100

    endless = "<Message><Response>" * 10_000 + "</Response></Message>" * 10_000
    with pytest.raises(ResponseUnreadable):
        read(endless)


# --- errors


def test_an_error_beside_records_is_still_an_error() -> None:
    result = read("<Domain DomainName='a.nz'/><Error ErrorId='X'/>")
    assert result.error is not None


def test_an_error_with_nothing_in_it_is_still_one() -> None:
    error = read_error("", attributes="")
    assert (error.error_id, error.description, error.details, error.hint) == ("", "", (), "")
    assert str(error) == ""


def test_an_error_at_the_root_goes_before_results() -> None:
    document = b"<NZSRSResponse><Response/><Error ErrorId='LOCK_ERROR'/></NZSRSResponse>"
    with pytest.raises(SRSError, match="LOCK_ERROR") as caught:
        parse(document)
    assert caught.value.whole


def test_details_have_names_by_their_place() -> None:
    details = (
        "<ErrorDetails>192.0.2.1</ErrorDetails><ErrorDetails>ns</ErrorDetails><ErrorDetails>d</ErrorDetails>"
    )
    error = read_error(details, attributes="ErrorId='IP4ADDR_NOT_ALLOWED'")
    assert error.named_details() == [("IP4Addr", "192.0.2.1"), ("FQDN", "ns"), ("domainName", "d")]


def test_details_beyond_the_table_have_the_last_name_and_those_of_unknown_errors_none() -> None:
    details = "<ErrorDetails>a</ErrorDetails><ErrorDetails>b</ErrorDetails>"
    assert read_error(details, attributes="ErrorId='DOMAIN_LOCKED'").named_details() == [
        ("domainName", "a"),
        ("domainName", "b"),
    ]
    assert read_error(details, attributes="ErrorId='NEW'").named_details() == [("", "a"), ("", "b")]
    assert read_error(details, attributes="ErrorId='SIG_INVALID'").named_details() == [("", "a"), ("", "b")]


def test_an_error_says_its_id_and_description() -> None:
    assert str(SRSError("X", "why")) == "X: why"
    assert str(SRSError("X")) == "X"
    assert all(known.hint for known in ERRORS.values())


# --- DOCTYPE and entities


def test_a_doctype_is_tolerated() -> None:
    before = '<?xml version="1.0"?>\n<!DOCTYPE NZSRSResponse SYSTEM "protocol.dtd">\n'
    assert domain_of(read("<Domain DomainName='a.nz'/>", before=before)).name == "a.nz"


@pytest.mark.parametrize("scheme", ["http", "ftp"])
@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE NZSRSResponse SYSTEM "{url}">',
        '<!DOCTYPE NZSRSResponse PUBLIC "-//x" "{url}">',
        '<!DOCTYPE NZSRSResponse [<!ENTITY e SYSTEM "{url}">]>',
        '<!DOCTYPE NZSRSResponse [<!ENTITY % p SYSTEM "{url}"> %p;]>',
        '<?xml-stylesheet href="{url}"?>',
    ],
)
def test_nothing_is_fetched_from_the_network(doctype: str, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/protocol.dtd"
        entity = "&e;" if "ENTITY e" in doctype else ""
        try:
            parse(
                response(
                    f"<Error><Description>{entity}</Description></Error>", before=doctype.format(url=url)
                )
            )
        except ResponseUnreadable as error:
            assert str(error)  # noqa: PT017 - either will do, but no connection
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE NZSRSResponse [<!ENTITY e SYSTEM "{url}">]>',
        '<!DOCTYPE NZSRSResponse [<!ENTITY e PUBLIC "x" "{url}">]>',
        '<!DOCTYPE NZSRSResponse [<!ENTITY % p SYSTEM "{url}"> %p;]>',
        '<!DOCTYPE NZSRSResponse SYSTEM "{url}">',
    ],
)
@pytest.mark.parametrize("place", ["<Description>{}</Description>", "<ErrorDetails>a{}b</ErrorDetails>"])
def test_no_file_shows_in_a_result(tmp_path: Path, doctype: str, place: str) -> None:
    file = tmp_path / "secret"
    file.write_text('<!ENTITY e "the secret">' if "%" in doctype or "[" not in doctype else "the secret")
    for url in (file.as_uri(), str(file)):
        content = f"<Error ErrorId='X'>{place.format('&e;')}</Error>"
        try:
            shown = repr(read(content, before=doctype.format(url=url)))
        except ResponseUnreadable as error:
            shown = str(error)
        assert "the secret" not in shown


def test_attributes_cannot_show_a_file_either(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("the secret")
    before = f'<!DOCTYPE NZSRSResponse [<!ENTITY e SYSTEM "{file.as_uri()}">]>'
    with pytest.raises(ResponseUnreadable):
        read("<Domain DomainName='&e;'/>", before=before)


def test_entities_that_grow_without_end_are_refused() -> None:
    entities = '<!ENTITY a0 "aaaaaaaaaa">' + "".join(
        f'<!ENTITY a{number} "{f"&a{number - 1};" * 10}">' for number in range(1, 12)
    )
    with pytest.raises(ResponseUnreadable):
        read("<Domain DomainName='&a11;'/>", before=f"<!DOCTYPE NZSRSResponse [{entities}]>")


# --- what can't be read


@pytest.mark.parametrize(
    "content",
    [
        "<Domain DomainName='a.nz' RegistrarId='ninety'/>",
        "<Domain DomainName='a.nz' RegistrarId='9.5'/>",
        f"<Domain DomainName='a.nz' RegistrarId='{'9' * 5000}'/>",
        "<Domain DomainName='a.nz'><DNSSEC><DS/></DNSSEC></Domain>",
        "<Domain DomainName='a.nz'><DNSSEC><DS KeyTag='x' Algorithm='1' DigestType='1'/></DNSSEC></Domain>",
        "<Domain DomainName='a.nz'><DNSSEC><DS KeyTag='1' Algorithm='' DigestType='1'/></DNSSEC></Domain>",
        "<Domain DomainName='a.nz'><LockedDate/></Domain>",
        "<Domain><BilledUntil Year='2019' Month='2' Day='30' Hour='0' Minute='0'/></Domain>",
        "<Domain DomainName='a.nz'><RegisteredDate Year='2019' Month='2' Day='3' Hour='0'/></Domain>",
        f"<Domain><CancelledDate Year='{'9' * 40}' Month='2' Day='3' Hour='0' Minute='0'/></Domain>",
        "<Domain><AuditDetails><AuditTime><From Year='x'/></AuditTime></AuditDetails></Domain>",
        "<Handle><CreatedDate Year='2019' Month='13' Day='3' Hour='0' Minute='0'/></Handle>",
        "<Registrar RegistrarId='abc'/>",
        "<DomainTransfer RegistrarName='x'/>",
        "<AckResponse TransId='x'/>",
        "<Message Remaining='x'><Response/></Message>",
    ],
)
def test_a_value_that_is_none_makes_the_response_unreadable(content: str) -> None:
    with pytest.raises(ResponseUnreadable, match="not of its form"):
        read(content)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b" ",
        b"\0",
        b"not xml",
        b"<NZSRSResponse>",
        b"<NZSRSResponse></NZSRSResponse",
        b"<a/><b/>",
        b"<NZSRSResponse>&undefined;</NZSRSResponse>",
        b"<NZSRSResponse a='1' a='2'/>",
        b"<NZSRSResponse><x:y/></NZSRSResponse>",
        b"<NZSRSResponse>\xff</NZSRSResponse>",
        b"<?xml version='1.0' encoding='no-such'?><NZSRSResponse/>",
        b"<?xml version='1.0' encoding='UTF-16'?><NZSRSResponse/>",
        "<NZSRSResponse>".encode("utf-16"),
        b"\x1f\x8b\x08\x00",
        b"<NZSRSResponse>" + b"<a>" * 100_000,
    ],
)
def test_what_is_no_xml_is_unreadable(document: bytes) -> None:
    with pytest.raises(ResponseUnreadable) as caught:
        parse(document)
    assert caught.value.__suppress_context__
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_a_document_may_be_in_any_encoding_that_it_names(encoding: str) -> None:
    text = response("<Error ErrorId='X'><Description>Müller é</Description></Error>").decode()
    (result,) = parse(f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(encoding))
    assert result.error is not None
    assert result.error.description == "Müller é"


def test_a_namespace_makes_it_another_language() -> None:
    with pytest.raises(ResponseUnreadable):
        parse(b"<NZSRSResponse xmlns='urn:x'/>")


FULL = response(
    '<Domain DomainName="a.nz" Status="Active" Delegate="1" RegistrarId="90" UDAI="x"><NameServers><Server '
    'FQDN="ns.a.nz" IP4Addr="192.0.2.1"/></NameServers><DNSSEC><DS KeyTag="1" Algorithm="8" DigestType="2">'
    '<Digest>AB</Digest></DS></DNSSEC><RegistrantContact HandleId="h" Name="N"><PostalAddress Address1="a"/>'
    '<Phone CountryCode="64"/></RegistrantContact><BilledUntil Year="2020" Month="3" Day="05" Hour="09" '
    'Minute="00" Second="00" TimeZoneOffset="+13:00"/><AuditDetails ActionId="i" RegistrarId="1"><AuditTime>'
    '<From Year="2020" Month="3" Day="05" Hour="09" Minute="00"/></AuditTime><AuditText>t</AuditText>'
    '</AuditDetails></Domain><Handle RegistrarId="1" HandleId="h"/><Registrar RegistrarId="1"><EPPAuth '
    'Password="p"/></Registrar><AccessControlList Size="1"><AccessControlListEntry/></AccessControlList>'
    '<UDAIValid Valid="1"/><Message Remaining="3"><Response FeId="1" FeSeq="1"><Error ErrorId="E"/>'
    '</Response></Message><AckResponse OriginatingRegistrarId="1" TransId="t"/><RawRequest>'
    "<XML>%3Ca/%3E</XML></RawRequest>"
)


def outcome(document: bytes) -> list[Result] | None:
    """The results; None where the document is unreadable or a refusal. Anything else is a failed test."""
    try:
        return parse(document)
    except (ResponseUnreadable, SRSError):
        return None


def test_the_document_that_is_mutated_below_is_good() -> None:
    results = outcome(FULL)
    assert results is not None
    assert [type(record) for record in results[0].records] == [
        Domain,
        Handle,
        Registrar,
        AccessControlList,
        UDAIValid,
        Message,
        AckResponse,
        RawRequest,
    ]


@settings(max_examples=400, deadline=None, database=None)
@given(st.data())
def test_a_mutated_document_is_read_or_unreadable(data: st.DataObject) -> None:
    document = bytearray(FULL)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(document)))
        end = data.draw(st.integers(start, min(start + 30, len(document))))
        document[start:end] = data.draw(st.binary(max_size=10) | st.sampled_from([b"<", b'"', b"/>", b"&"]))
    outcome(bytes(document))


@settings(max_examples=400, deadline=None, database=None)
@given(st.data())
def test_a_document_with_another_value_is_read_or_unreadable(data: st.DataObject) -> None:
    parts = FULL.decode().split('"')
    place = data.draw(st.integers(0, len(parts) // 2 - 1)) * 2 + 1
    text = data.draw(
        st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=8)
        | st.integers(-(10**30), 10**30).map(str)
        | st.sampled_from(["", " ", "-0", "1e9", "٣", "1_0", "+5", "nan", "0x1"])
    )
    before, after = '"'.join(parts[:place]), '"'.join(parts[place + 1 :])
    results = outcome(f"{before}{quoteattr(text)}{after}".encode())
    assert results is None or len(results) == 1


@settings(max_examples=400, deadline=None, database=None)
@given(st.binary(max_size=200))
@example(b"<NZSRSResponse><Response/></NZSRSResponse>")
def test_any_octets_are_read_or_unreadable(document: bytes) -> None:
    outcome(document)
    outcome(b"<NZSRSResponse>" + document + b"</NZSRSResponse>")


def test_a_time_without_second_and_offset_is_new_zealand_time() -> None:
    moment = "<LockedDate Year='2019' Month='{}' Day='5' Hour='9' Minute='7'/>"
    for month, hours in (("1", 13), ("7", 12)):
        domain = domain_of(read(f"<Domain DomainName='a.nz'>{moment.format(month)}</Domain>"))
        expected = datetime(2019, int(month), 5, 9, 7, tzinfo=UTC) - timedelta(hours=hours)
        assert domain.locked == expected


def test_records_are_found_by_their_kind() -> None:
    result = read("<Handle HandleId='h'/><Domain DomainName='a.nz'/><Domain DomainName='b.nz'/>")
    assert [domain.name for domain in result.all(Domain)] == ["a.nz", "b.nz"]
    assert domain_of(result).name == "a.nz"
    assert len(result.all(Handle)) == 1
    assert result.first(Registrar) is None
