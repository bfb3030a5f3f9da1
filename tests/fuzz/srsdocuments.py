"""Responses of the SRS with everything in them that is read, as text."""

from __future__ import annotations

STAMP = 'Year="2024" Month="2" Day="29" Hour="12" Minute="30" Second="15" TimeZoneOffset="+13:00"'
LOCAL_STAMP = 'Year="2024" Month="7" Day="1" Hour="0" Minute="0"'
HEAD = 'FeId="8" FeSeq="4717426" OrigRegistrarId="100" RecipientRegistrarId="100" Rows="1" TransId="trid-1"'
ADDRESS = (
    '<PostalAddress Address1="1 Acacia Ave" Address2="Te Aro" City="Wellington" Province="" CountryCode="NZ" '
    'PostalCode="6011"/>'
)
PERSON = (
    f'{ADDRESS}<Phone CountryCode="64" AreaCode="4" LocalNumber="123-456 ext 1"/>'
    '<Fax CountryCode="64" AreaCode="" LocalNumber="41234567x12"/>'
)
AUDIT = (
    f'<AuditDetails ActionId="a-1" RegistrarId="90"><AuditTime><From {STAMP}/><To {LOCAL_STAMP}/></AuditTime>'
    "<AuditText>\n RenewDomains </AuditText></AuditDetails>"
)


def response(*results: str) -> str:
    """A whole response."""
    return f'<NZSRSResponse VerMajor="5" VerMinor="0" RegistrarId="100">{"".join(results)}</NZSRSResponse>'


def result(action: str, content: str = "", head: str = HEAD) -> str:
    """The answer to one action."""
    return f'<Response Action="{action}" {head}><FeTimeStamp {STAMP}/>{content}</Response>'


def domain(attributes: str, content: str = "") -> str:
    """A Domain record."""
    return f'<Domain DomainName="kakapo.co.nz" {attributes}>{content}</Domain>'


def contact(name: str) -> str:
    return f'<{name} HandleId="moana-1" Name="Moana Ngāti" Email="moana@example.net">{PERSON}</{name}>'


FULL = domain(
    'Status="Active" Delegate="1" RegistrarId="100" UDAI="Hk7mNp2Q" Term="12"',
    '<NameServers><Server FQDN="ns1.kakapo.co.nz" IP4Addr="192.0.2.1" IP6Addr="2001:db8::1"/>'
    '<Server FQDN="ns2.example.net"/></NameServers>'
    '<DNSSEC><DS KeyTag="12345" Algorithm="13" DigestType="2"><Digest>49FD46E6C4B45C55</Digest></DS></DNSSEC>'
    f"{contact('RegistrantContact')}<RegisteredDate {STAMP}/>{contact('AdminContact')}"
    f"{contact('TechnicalContact')}<BilledUntil {LOCAL_STAMP}/>{AUDIT}",
)
PENDING = domain(
    'Status="PendingRelease" Delegate="0" RegistrarId="1"',
    f"<RegisteredDate {STAMP}/><BilledUntil {STAMP}/><CancelledDate {STAMP}/>"
    f"<LockedDate {LOCAL_STAMP}/>{AUDIT}",
)
AVAILABLE = domain('Status="Available"')
HANDLE = (
    '<Handle RegistrarId="100" HandleId="moana-1" Name="Moana Example" Email="moana@example.net" Privacy="1">'
    f"{PERSON}<CreatedDate {LOCAL_STAMP}/>{AUDIT}</Handle>"
)
ERROR = (
    '<Error ErrorId="INVALID_FIELD" Severity="err" Hint="MALFORMED_REQUEST_ERROR"><Description>Invalid value'
    "</Description><ErrorDetails>ns..nz</ErrorDetails><ErrorDetails>FQDN</ErrorDetails></Error>"
)
MESSAGE = f'<Message Remaining="3">{result("DomainUpdate", FULL)}</Message>'
TRANSFER = (
    f'<DomainTransfer RegistrarName="Other" {STAMP}><TransferredDomain>\nkakapo.co.nz </TransferredDomain>'
    "<TransferredDomain>moa.nz</TransferredDomain></DomainTransfer>"
)

DOCUMENTS = {
    "domain": response(result("DomainDetailsQry", FULL)),
    "two domains": response(result("Whois", AVAILABLE), result("DomainDetailsQry", FULL)),
    "found and details": response(result("Whois", PENDING), result("DomainDetailsQry", PENDING)),
    "found, details, validity": response(
        result("Whois", FULL),
        result("DomainDetailsQry", FULL),
        result("UDAIValidQry", '<UDAIValid Valid="1"/>'),
    ),
    "transferred": response(result("Whois", FULL), result("DomainUpdate", FULL)),
    "handle": response(result("HandleDetailsQry", HANDLE)),
    "no handle": response(result("HandleDetailsQry")),
    "message": response(result("GetMessages", MESSAGE)),
    "message of a transfer": response(
        result("GetMessages", f'<Message Remaining="0">{result("DomainTransfer", TRANSFER)}</Message>')
    ),
    "message of an error": response(
        result("GetMessages", f'<Message Remaining="0">{result("DomainCreate", ERROR)}</Message>')
    ),
    "acknowledged": response(
        result("AckMessage", '<AckResponse OriginatingRegistrarId="90" TransId="t 1+%" Remaining="2"/>'),
        result("GetMessages", MESSAGE),
    ),
    "error": response(result("DomainCreate", ERROR)),
    "another error": response(
        result("Whois", ERROR.replace("INVALID_FIELD", "MISSING_MANDATORY_FIELD").replace("ns..nz", "UDAI"))
    ),
    "unknown error": response(
        result("Whois", ERROR.replace("INVALID_FIELD", "WHAT_EVER")), result("x", FULL)
    ),
    "whole error": response(ERROR),
    "login": response(
        result("RegistrarDetailsQry", '<Registrar RegistrarId="1"><EPPAuth Password="$6$x$y"/></Registrar>'),
        result(
            "AccessControlListQry",
            '<AccessControlList Resource="epp_connect" List="whitelist" Type="registrar_ip" Size="1">'
            '<AccessControlListEntry Address="192.0.2.7" RegistrarId="100"/></AccessControlList>',
        ),
    ),
    "stored": response(
        result(
            "ActionDetailsQry",
            "<RawRequest><XML>%3CNZSRSRequest%3E%3CWhois+DomainName%3D%22a.nz%22+FullResult%3D%221%22%2F%3E%3C%2FNZSRSRequest%3E</XML><Signature>s</Signature></RawRequest>"
            "<RawResponse><XML>%3CNZSRSResponse%3E%3CResponse%2F%3E%3C%2FNZSRSResponse%3E+</XML><Signature>s</Signature></RawResponse>",
        )
    ),
    "doctype": "<!DOCTYPE NZSRSResponse SYSTEM 'protocol.dtd'>" + response(result("Whois", FULL)),
}

VALUES = (
    "Active", "Available", "PendingRelease", "DomainCreate", "DomainUpdate", "DomainTransfer", "SYSTEM_ERROR",
    "UDAI", "FQDN",
    "fieldName", "UDAI_DOMAIN_MISMATCH", "SYSTEM_OFFLINE", "TEMPORARY_SERVER_ERROR",
    "crit",
    "DOMAIN_BLOCKED", "HANDLE_IN_USE",
    "CONVERT_TO_HANDLES_ONLY_FOR_TRANSFER", "+13:00", "-1200", "+24:00", "x12",
    "ext. 5", "(04) 123", "%F0%9F", "12 345",
)  # fmt: skip
