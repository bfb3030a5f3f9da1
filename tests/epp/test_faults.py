"""What a request that the schema refuses gets: the code by the kind of fault, the place, the value."""

from __future__ import annotations

import re
import time
from typing import NamedTuple

import pytest
from lxml import etree

from tests.epp import documents
from tests.epp.documents import (
    ADDRESS,
    CONTACT_SECRET,
    DOCUMENTS,
    DS,
    EMAIL,
    ID,
    KEY,
    NAME,
    POSTAL_LEAST,
    SECRET,
    command,
    contact,
    domain,
    epp,
    login,
    payload,
    secured,
)
from tests.epp.test_reader import refused

CITY = "<contact:city>Wellington</contact:city>"
CC = "<contact:cc>NZ</contact:cc>"
STREET = "<contact:street>1 Acacia Ave</contact:street>"


def spoilt(name: str, old: str, new: str) -> str:
    """One of the valid documents, with one thing in it that is not."""
    document = DOCUMENTS[name]
    assert old in document
    return document.replace(old, new, 1)


def addressed(parts: str) -> str:
    """A contact create with this address."""
    return contact(
        "create",
        ID + POSTAL_LEAST.replace(ADDRESS, f"<contact:addr>{parts}</contact:addr>") + EMAIL + CONTACT_SECRET,
    )


def created(*, period: str = "1", unit: str = ' unit="m"', more: str = "") -> str:
    """A domain create."""
    return domain("create", f"{NAME}<domain:period{unit}>{period}</domain:period>{more}{SECRET}")


def signed(
    tag: str = "1", algorithm: str = "8", digest_type: str = "2", digest: str = "00", life: str = ""
) -> str:
    """A domain create with DS data."""
    limit = f"<secDNS:maxSigLife>{life}</secDNS:maxSigLife>" if life else ""
    return secured(
        "create",
        f"{limit}<secDNS:dsData><secDNS:keyTag>{tag}</secDNS:keyTag><secDNS:alg>{algorithm}</secDNS:alg>"
        f"<secDNS:digestType>{digest_type}</secDNS:digestType><secDNS:digest>{digest}</secDNS:digest>"
        "</secDNS:dsData>",
    )


class Fault(NamedTuple):
    """A document, and the end of the path to its fault, or what is missing in which place."""

    document: str
    reason: str


def _faults(table: dict[str, tuple[str, str]]) -> list[object]:
    return [pytest.param(Fault(*fault), id=told) for told, fault in table.items()]


MISSING = {
    "no object": (command("check", ""), "/check: an object's element is missing"),
    "no name": (domain("check", ""), "domain:check: domain:name is missing"),
    "nothing but white space": (domain("info", " \n"), "domain:info: domain:name is missing"),
    "no id": (contact("info", ""), "contact:info: contact:id is missing"),
    "no authInfo": (domain("create", NAME), "or domain:authInfo is missing"),
    "an empty authInfo": (
        domain("create", f"{NAME}<domain:authInfo/>"),
        "domain:pw or domain:ext is missing",
    ),
    "an unknown element in the place of what is required": (
        domain("create", f"{NAME}<domain:secret/>"),
        "or domain:authInfo is missing",
    ),
    "no host in ns": (
        created(more="<domain:ns/>"),
        "domain:ns: domain:hostObj or domain:hostAttr is missing",
    ),
    "no name of a host": (
        created(more="<domain:ns><domain:hostAttr/></domain:ns>"),
        "domain:hostAttr: domain:hostName is missing",
    ),
    "an address before the name of its host, which is not there": (
        created(
            more="<domain:ns><domain:hostAttr><domain:hostAddr>192.0.2.1</domain:hostAddr></domain:hostAttr></domain:ns>"
        ),
        "domain:hostAttr: domain:hostName is missing",
    ),
    "no unit": (created(unit=""), "domain:period: attribute unit is missing"),
    "no curExpDate": (domain("renew", NAME), "domain:renew: domain:curExpDate is missing"),
    "no op": (DOCUMENTS["epp-poll-req"].replace(' op="req"', ""), "/poll: attribute op is missing"),
    "no op of a transfer": (domain("transfer", NAME), "/transfer: attribute op is missing"),
    "no city": (addressed(CC), "or contact:city is missing"),
    "no city after a street": (addressed(STREET + CC), "contact:addr: contact:city is missing"),
    "no city after three streets": (addressed(STREET * 3 + CC), "contact:addr: contact:city is missing"),
    "no cc": (addressed(CITY), "or contact:cc is missing"),
    "no address at all": (addressed(""), "contact:street or contact:city is missing"),
    "no postalInfo": (contact("create", ID + EMAIL + CONTACT_SECRET), "contact:postalInfo is missing"),
    "no type": (spoilt("contact-create", ' type="loc"', ""), "contact:postalInfo: attribute type is missing"),
    "no email": (contact("create", ID + POSTAL_LEAST + CONTACT_SECRET), "or contact:email is missing"),
    "no email after all the postalInfos": (
        contact("create", ID + POSTAL_LEAST * 2 + CONTACT_SECRET),
        "or contact:email is missing",
    ),
    "no flag": (
        spoilt("contact-create-proof", ' flag="1"', ""),
        "contact:disclose: attribute flag is missing",
    ),
    "no status": (
        domain("update", f"{NAME}<domain:add><domain:status/></domain:add>"),
        "domain:status: attribute s is missing",
    ),
    "no clID": (spoilt("epp-login", "<clID>100</clID>", ""), "/login: clID is missing"),
    "no password": (spoilt("epp-login", "<pw>se cret</pw>", ""), "/login: pw is missing"),
    "no options": (re.sub("<options>.*</options>", "", login()), "options is missing"),
    "no version": (spoilt("epp-login", "<version>1.0</version>", ""), "/login/options: version is missing"),
    "no language": (spoilt("epp-login", "<lang>en</lang>", ""), "/login/options: lang is missing"),
    "no services": (login(services=""), "/login/svcs: objURI is missing"),
    "an extension without content": (
        epp(f"<command><check>{payload('domain', 'check', NAME)}</check><extension/></command>"),
        "/extension: an object's element is missing",
    ),
    "no DS": (secured("create", ""), "or secDNS:dsData or secDNS:keyData is missing"),
    "no digest": (signed().replace("<secDNS:digest>00</secDNS:digest>", ""), "secDNS:digest is missing"),
}

MISPLACED = {
    "an unknown element after all": (domain("check", f"{NAME}<domain:bad/>"), "domain:check/domain:bad"),
    "an unknown element among what is required": (
        spoilt("contact-create", "<contact:email>", "<contact:bad/><contact:email>"),
        "contact:create/contact:bad",
    ),
    "an element of another namespace": (
        domain("check", f"{NAME}<x xmlns='urn:x'/>"),
        "domain:check/{urn:x}x",
    ),
    "an element of no namespace": (domain("check", f"{NAME}<x xmlns=''/>"), "domain:check/x"),
    "two elements changed about": (domain("create", SECRET + NAME), "domain:create/domain:authInfo"),
    "a city after its country": (addressed(CC + CITY), "contact:addr/contact:cc"),
    "a city after its country and a street": (addressed(STREET + CC + CITY), "contact:addr/contact:cc"),
    "a street after the city": (addressed(STREET * 2 + CITY + STREET + CC), "contact:addr/contact:street[3]"),
    "an email after the authInfo": (
        contact("create", ID + POSTAL_LEAST * 2 + CONTACT_SECRET + EMAIL),
        "contact:create/contact:authInfo",
    ),
    "a contact after a status": (
        domain(
            "update",
            f"{NAME}<domain:add>{'<domain:contact>abc</domain:contact>' * 2}<domain:status s='ok'/>"
            "<domain:contact>abc</domain:contact></domain:add>",
        ),
        "domain:add/domain:contact[3]",
    ),
    "a second name": (domain("info", NAME * 2), "domain:info/domain:name[2]"),
    "a second authInfo": (domain("create", NAME + SECRET * 2), "domain:create/domain:authInfo[2]"),
    "a second city": (addressed(CITY * 2 + CC), "contact:addr/contact:city[2]"),
    "a second object": (command("check", payload("domain", "check", NAME) * 2), "/check/domain:check[2]"),
    "a second command": (epp(f"<command>{'<logout/>' * 2}</command>"), "/command/logout[2]"),
    "a command after another": (epp("<command><logout/><check/></command>"), "/command/check"),
    "a second clTRID": (
        epp("<command><logout/><clTRID>abc</clTRID><clTRID>def</clTRID></command>"),
        "/command/clTRID[2]",
    ),
    "a clTRID first": (epp("<command><clTRID>abc</clTRID><logout/></command>"), "/command/clTRID"),
    "an extension first": (
        epp(
            f"<command><extension>{payload('secDNS', 'create', DS)}</extension>"
            f"<create>{payload('domain', 'create', NAME + SECRET)}</create></command>"
        ),
        "/command/extension",
    ),
    "a second password": (spoilt("epp-login", "<options>", "<pw>abcdef</pw><options>"), "/login/pw[2]"),
    "another verb's object": (command("check", payload("domain", "info", NAME)), "/check/domain:info"),
    "a response's element": (
        command(
            "check",
            payload("domain", "chkData", '<domain:cd><domain:name avail="1">a</domain:name></domain:cd>'),
        ),
        "/check/domain:chkData",
    ),
    "an object's element that does not exist": (
        command("check", payload("domain", "czech", "")),
        "/check/domain:czech",
    ),
    "DS and keys side by side": (secured("create", DS + KEY), "secDNS:create/secDNS:keyData"),
    "host objects and attributes side by side": (
        created(
            more="<domain:ns><domain:hostObj>a.nz</domain:hostObj>"
            "<domain:hostAttr><domain:hostName>b.nz</domain:hostName></domain:hostAttr></domain:ns>"
        ),
        "domain:ns/domain:hostAttr",
    ),
    "an unknown attribute": (
        domain("check", "<domain:name lang='en'>a.nz</domain:name>"),
        "domain:name: attribute lang",
    ),
    "an attribute of another namespace": (
        domain("check", "<domain:name x:y='1' xmlns:x='urn:x'>a.nz</domain:name>"),
        "domain:name: attribute y",
    ),
    "an attribute on the root": (login().replace("<epp ", "<epp version='1' "), "/epp: attribute version"),
    "an attribute on a command": (
        spoilt("domain-check", "<check>", "<check op='x'>"),
        "/check: attribute op",
    ),
    "text beside elements": (domain("check", f"{NAME}text"), "domain:check: text is not allowed here"),
    "text in the command": (epp("<command>text<logout/></command>"), "/command: text is not allowed here"),
    "an element in a value": (
        domain("check", "<domain:name>a<b/>.nz</domain:name>"),
        "domain:name: no element",
    ),
    "a known element in a value": (
        domain("check", f"<domain:name>{NAME}</domain:name>"),
        "domain:check/domain:name: no element",
    ),
}

OUT_OF_RANGE = {
    "a period above": (created(period="100"), "domain:period: value '100' is above 99"),
    "a period far above": (created(period="70000"), "domain:period: value '70000' is out of its range"),
    "a period beyond any integer": (created(period="9" * 40), "is out of its range"),
    "no period at all": (created(period="0"), "domain:period: value '0' is below 1"),
    "a period below": (created(period="-1"), "domain:period: value '-1' is out of its range"),
    "a period of a renewal": (
        spoilt("domain-renew-period", ">1</domain:period>", ">100</domain:period>"),
        "domain:renew/domain:period: value '100' is above 99",
    ),
    "a key tag above": (signed(tag="65536"), "secDNS:keyTag: value '65536' is out of its range"),
    "a key tag below": (signed(tag="-1"), "secDNS:keyTag: value '-1' is out of its range"),
    "an algorithm above": (signed(algorithm="256"), "secDNS:alg: value '256' is out of its range"),
    "a digest type above": (signed(digest_type="300"), "secDNS:digestType: value '300' is out of its range"),
    "no signature life": (signed(life="0"), "secDNS:maxSigLife: value '0' is below 1"),
    "a signature life above": (signed(life="2147483648"), "secDNS:maxSigLife: value '2147483648' is out of"),
    "four streets": (addressed(STREET * 4 + CITY + CC), "contact:street[4]: at most 3 are allowed"),
    "five streets and nothing else": (addressed(STREET * 5), "contact:street[4]: at most 3 are allowed"),
    "three postalInfos": (
        contact("create", ID + POSTAL_LEAST * 3 + EMAIL + CONTACT_SECRET),
        "contact:postalInfo[3]: at most 2 are allowed",
    ),
    "twelve statuses": (
        domain(
            "update",
            f"{NAME}<domain:add>{documents.statuses('domain', documents.DOMAIN_STATUSES[:12])}</domain:add>",
        ),
        "domain:status[12]: at most 11 are allowed",
    ),
    "eight statuses of a contact": (
        contact(
            "update",
            f"{ID}<contact:add>{documents.statuses('contact', documents.CONTACT_STATUSES[:8])}</contact:add>",
        ),
        "contact:status[8]: at most 7 are allowed",
    ),
}

MALFORMED = {
    "an empty name": (domain("check", "<domain:name/>"), "domain:check/domain:name: value '' is too short"),
    "an empty name among others": (
        domain("check", f"{NAME}<domain:name/>{NAME}"),
        "domain:check/domain:name[2]: value '' is too short",
    ),
    "a name that is too long": (domain("check", f"<domain:name>{'a' * 256}</domain:name>"), "is too long"),
    "an id that is too short": (
        contact("info", "<contact:id>ab</contact:id>"),
        "contact:id: value 'ab' is too short",
    ),
    "an id that is too long": (
        contact("info", f"<contact:id>{'a' * 17}</contact:id>"),
        f"contact:id: value '{'a' * 17}' is too long",
    ),
    "a clTRID that is too short": (
        domain("check", NAME, cltrid="ab"),
        "/command/clTRID: value 'ab' is too short",
    ),
    "a clTRID that is too long": (domain("check", NAME, cltrid="x" * 65), "/command/clTRID: value 'xxx"),
    "a period that is no number": (created(period="one"), "domain:period: value 'one' is not of its type"),
    "a period with a fraction": (created(period="1.5"), "domain:period: value '1.5' is not of its type"),
    "an empty period": (created(period=""), "domain:period: value '' is not of its type"),
    "another unit": (created(unit=' unit="w"'), "domain:period/@unit: value 'w' is none of {'m', 'y'}"),
    "an empty unit": (created(unit=' unit=""'), "domain:period/@unit: value '' is none of"),
    "another hosts": (
        domain("info", '<domain:name hosts="some">a.nz</domain:name>'),
        "domain:name/@hosts: value 'some' is none of {",
    ),
    "another op": (
        spoilt("epp-poll-req", "req", "peek"),
        "/poll/@op: value 'peek' is none of {'req', 'ack'}",
    ),
    "another op of a transfer": (
        domain("transfer", NAME, op="steal"),
        "/transfer/@op: value 'steal' is none of",
    ),
    "another status": (
        domain("update", f'{NAME}<domain:add><domain:status s="lost"/></domain:add>'),
        "domain:status/@s: value 'lost' is none of",
    ),
    "another type of contact": (
        created(more='<domain:contact type="owner">abc</domain:contact>'),
        "domain:contact/@type: value 'owner' is none of {'admin', 'tech', 'billing'}",
    ),
    "another type of postalInfo": (
        spoilt("contact-create", '"loc"', '"home"'),
        "postalInfo/@type: value 'home' is none of",
    ),
    "a flag that is none": (
        spoilt("contact-create-proof", '"1"', '"maybe"'),
        "contact:disclose/@flag: value 'maybe'",
    ),
    "a flag that is a number": (
        spoilt("contact-create-proof", '"1"', '"2"'),
        "contact:disclose/@flag: value '2'",
    ),
    "a telephone number without a dot": (
        spoilt("contact-create-full", "+64.4123456789", "+644123456789"),
        "contact:voice: value '+644123456789' is not of the required form",
    ),
    "a telephone number of words": (
        spoilt("contact-create-full", "+64.4123456789", "call me"),
        "contact:voice: value 'call me'",
    ),
    "a telephone number that is too long": (
        spoilt("contact-create-full", "+64.4123456789", "+123.12345678901234"),
        "contact:voice: value '+123.12345678901234' is too long",
    ),
    "a country of three letters": (
        spoilt("contact-create", ">NZ<", ">NZL<"),
        "contact:cc: value 'NZL' has the wrong length",
    ),
    "an empty city": (spoilt("contact-create", ">Wellington<", "><"), "contact:city: value '' is too short"),
    "an empty email": (
        spoilt("contact-create", ">jane@example.co.nz<", "><"),
        "contact:email: value '' is too short",
    ),
    "a postal code that is too long": (
        addressed(f"{CITY}<contact:pc>{'6' * 17}</contact:pc>{CC}"),
        f"contact:pc: value '{'6' * 17}' is too long",
    ),
    "a month that does not exist": (
        spoilt("domain-renew", "2024-02-29", "2024-13-01"),
        "domain:curExpDate: value '2024-13-01'",
    ),
    "a day that does not exist": (
        spoilt("domain-renew", "2024-02-29", "2023-02-29"),
        "domain:curExpDate: value '2023-02-29'",
    ),
    "a year for a date": (
        spoilt("domain-renew", "2024-02-29", "2024"),
        "domain:curExpDate: value '2024' is not of its type",
    ),
    "a date with a time": (
        spoilt("domain-renew", "2024-02-29", "2024-02-29T00:00:00Z"),
        "is not of its type",
    ),
    "an address that is too short": (
        spoilt("domain-create-host-attributes", ">192.0.2.2<", ">::<"),
        "domain:hostAddr[1]: value '::' is too short",
    ),
    "another version of addresses": (
        spoilt("domain-create-host-attributes", 'ip="v4"', 'ip="v5"'),
        "domain:hostAddr[1]/@ip: value 'v5' is none of {'v4', 'v6'}",
    ),
    "a digest of half an octet": (signed(digest="ABC"), "secDNS:digest: value 'ABC' is not of its type"),
    "a digest of digits, half an octet": (
        signed(digest="123"),
        "secDNS:digest: value '123' is not of its type",
    ),
    "a digest that is not hexadecimal": (signed(digest="xy"), "secDNS:digest: value 'xy' is not of its type"),
    "a key tag that is no number": (signed(tag="x"), "secDNS:keyTag: value 'x' is not of its type"),
    "a clID that is too short": (
        spoilt("epp-login", ">100<", ">10<"),
        "/login/clID: value '10' is too short",
    ),
    "a password that is too short": (
        spoilt("epp-login", ">se cret<", ">short<"),
        "/login/pw: its value is too short",
    ),
    "a password that is too long": (
        spoilt("epp-login", ">se cret<", ">17 characters, no<"),
        "/login/pw: its value is too long",
    ),
    "a new password that is too short": (
        spoilt("epp-login-new-password", ">16 octets at top<", ">five5<").replace("en-NZ", "en"),
        "/login/newPW: its value is too short",
    ),
}


@pytest.mark.parametrize("fault", _faults(MISSING))
def test_what_is_required_and_nowhere_there_is_2003(fault: Fault) -> None:
    answer = refused(fault.document)

    assert answer.code == 2003
    assert answer.reason is not None
    assert answer.reason.startswith("/epp/command/")
    assert answer.reason.endswith(fault.reason)
    assert answer.message == f"Required parameter missing: {answer.reason}"


@pytest.mark.parametrize("fault", _faults(MISPLACED))
def test_what_may_not_be_there_is_2001(fault: Fault) -> None:
    answer = refused(fault.document)

    assert answer.code == 2001
    assert answer.reason is not None
    assert answer.reason.startswith("/epp")
    assert re.search(re.escape(fault.reason) + r"(:| is|$)", answer.reason)


@pytest.mark.parametrize("fault", _faults(OUT_OF_RANGE))
def test_a_number_out_of_bounds_and_too_many_of_an_element_are_2004(fault: Fault) -> None:
    answer = refused(fault.document)

    assert answer.code == 2004
    assert answer.reason is not None
    assert fault.reason in answer.reason


@pytest.mark.parametrize("fault", _faults(MALFORMED))
def test_a_value_of_wrong_form_is_2005(fault: Fault) -> None:
    answer = refused(fault.document)

    assert answer.code == 2005
    assert answer.reason is not None
    assert fault.reason in answer.reason


# -- the place


@pytest.mark.parametrize(
    "document",
    [
        DOCUMENTS["domain-check"].replace("example.co.nz", ""),
        DOCUMENTS["domain-check"]
        .replace("example.co.nz", "")
        .replace("domain:", "d:")
        .replace(":domain=", ":d="),
        epp(f"<command><check><check xmlns='{documents.DOMAIN}'><name/></check></check></command>"),
        f"<e:epp xmlns:e='{documents.EPP}' xmlns='{documents.DOMAIN}'><e:command><e:check>"
        "<check><name/></check></e:check></e:command></e:epp>",
    ],
    ids=["usual prefixes", "another prefix", "no prefixes", "the protocol prefixed"],
)
def test_the_place_is_told_in_our_prefixes_whatever_the_clients_are(document: str) -> None:
    assert refused(document).reason == "/epp/command/check/domain:check/domain:name: value '' is too short"


def test_the_place_is_found_where_one_prefix_means_two_things() -> None:
    document = epp(
        f"<command><create><x:create xmlns:x='{documents.DOMAIN}'><x:name/></x:create></create>"
        f"<extension><x:create xmlns:x='{documents.SECDNS}'/></extension></command>"
    )

    answer = refused(document)

    assert answer.reason == "/epp/command/create/domain:create/domain:name: value '' is too short"


def test_the_place_is_found_behind_a_prefix_that_is_bound_anew_inside() -> None:
    document = domain(
        "check", f"<x:name xmlns:x='{documents.DOMAIN}'>a.nz</x:name><y:name xmlns:y='{documents.DOMAIN}'/>"
    )

    assert refused(document).reason == "/epp/command/check/domain:check/domain:name[2]: value '' is too short"


# -- the value


def test_the_clients_own_element_is_the_value() -> None:
    answer = refused(created(unit=' unit="w"', period=" 7"))

    assert answer.value is not None
    value = etree.fromstring(answer.value)
    assert value.tag == f"{{{documents.DOMAIN}}}period"
    assert (value.text, value.items()) == (" 7", [("unit", "w")])


def test_text_behind_the_clients_element_is_not_part_of_the_value() -> None:
    answer = refused(domain("check", "<domain:name/>behind it"))

    assert answer.value is not None
    assert "behind it" not in answer.xml


def test_what_is_missing_is_the_value_where_there_is_no_element() -> None:
    answer = refused(domain("check", ""))

    assert answer.value is not None
    assert etree.fromstring(answer.value).tag == "{urn:x-eppd:value-1.0}value"
    assert answer.value_text == "domain:name"


def test_a_long_value_is_cut_in_the_reason() -> None:
    answer = refused(domain("check", f"<domain:name>{'a' * 1000}</domain:name>"))

    assert answer.reason == f"/epp/command/check/domain:check/domain:name: value '{'a' * 63}…' is too long"


def test_of_a_large_element_only_the_name_is_the_value() -> None:
    answer = refused(domain("check", NAME * 200 + "text"))

    assert (answer.code, answer.value_text) == (2001, "domain:check")


@pytest.mark.parametrize("value", ["&lt;b&gt;", "]]&gt;", "ā €", "&quot;it's&quot;", "a&amp;b"])
def test_a_value_of_odd_characters_comes_back_whole(value: str) -> None:
    answer = refused(contact("info", f"<contact:id>{value * 5}, no id</contact:id>"))

    assert answer.value_text == etree.fromstring(f"<x>{value * 5}, no id</x>").text


@pytest.mark.parametrize(
    "document",
    [
        domain("check", NAME, "<x xmlns='urn:ietf:params:xml:ns:domain-1.0'/>"),
        domain(
            "check",
            "<domain:name xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:type='x'>a</domain:name>",
        ),
        domain("check", "<domain:name xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:nil='1'/>"),
    ],
)
def test_whatever_the_value_is_the_response_is_valid(document: str) -> None:
    assert refused(document).code in (2001, 2005, 2103)


# -- secrets


@pytest.mark.parametrize(
    "document",
    [
        login().replace("se cret", "tell no one, ever"),
        login().replace("<pw>se cret", "<pw>tell no one<b/>"),
        login().replace("<pw>", "<pw>tell no one</pw><pw>"),
        login().replace("<pw>", "<pw why='tell no one'>"),
        login().replace("<clID>", "<newPW>tell no one</newPW><clID>"),
        login().replace("</svcs>", "</svcs><pw>tell no one</pw>"),
        domain("info", f"{NAME}<domain:pw>tell no one</domain:pw>"),
        domain("info", f"{NAME}<contact:pw xmlns:contact='{documents.CONTACT}'>tell no one</contact:pw>"),
        domain("info", f"{NAME}<domain:authInfo>tell no one</domain:authInfo>"),
        domain("info", f"{NAME}<domain:authInfo><domain:pwd>tell no one</domain:pwd></domain:authInfo>"),
        domain(
            "info", f"{NAME}<domain:authInfo><domain:pw roid='tell no one'>x</domain:pw></domain:authInfo>"
        ),
        domain("info", f"<domain:authInfo><domain:pw>tell no one</domain:pw></domain:authInfo>{NAME}"),
        domain("info", f"{NAME}<domain:auth><domain:authInfo>tell no one</domain:authInfo></domain:auth>"),
        command("frobnicate", "<pw>tell no one</pw>"),
        "<x><pw>tell no one</pw></x>",
        contact("create", f"{ID}<contact:authInfo><contact:pw>tell no one</contact:pw></contact:authInfo>"),
    ],
)
def test_a_secret_is_in_no_message_reason_or_value(document: str) -> None:
    answer = refused(document)

    assert answer.code in (2000, 2001, 2003, 2005)
    assert "tell no one" not in answer.xml


# -- cost


@pytest.mark.parametrize("name", ["<domain:name/>", NAME, "<domain:x/>"])
def test_a_data_unit_full_of_elements_is_2004_and_soon_answered(name: str) -> None:
    began = time.process_time()

    answer = refused(domain("check", name * 20_000))

    assert (answer.code, answer.reason) == (
        2004,
        "/epp/command/check/domain:check: at most 5000 elements are allowed",
    )
    assert time.process_time() - began < 2


@pytest.mark.parametrize("where", ["login", "hello", "check"])
def test_a_data_unit_full_of_elements_on_several_levels_is_2004_and_soon_answered(where: str) -> None:
    crowd = "<a>" + ("<b>" + "<c/>" * 4900 + "</b>") * 40 + "</a>"
    document = {
        "hello": epp(f"<hello>{crowd}</hello>"),
        "login": command("login", crowd),
        "check": domain("check", crowd),
    }[where]
    began = time.process_time()

    answer = refused(document)

    assert (answer.code, answer.reason) == (2004, "/epp: at most 20000 elements are allowed")
    assert time.process_time() - began < 2
