"""One of everything that EPP can say: documents valid by the schemas, name to XML text.

Every command and every response of the mappings that eppd speaks, in the smallest form and in the fullest,
whether eppd offers them or not. A name begins with the namespace; a response's ends with "-response".
"""

from __future__ import annotations

EPP = "urn:ietf:params:xml:ns:epp-1.0"
DOMAIN = "urn:ietf:params:xml:ns:domain-1.0"
CONTACT = "urn:ietf:params:xml:ns:contact-1.0"
SECDNS = "urn:ietf:params:xml:ns:secDNS-1.1"
RGP = "urn:ietf:params:xml:ns:rgp-1.0"


def epp(content: str) -> str:
    """A data unit."""
    return f'<epp xmlns="{EPP}">{content}</epp>'


def payload(prefix: str, name: str, content: str, attributes: str = "") -> str:
    """An element of a mapping or an extension, with its namespace declared."""
    uri = {"domain": DOMAIN, "contact": CONTACT, "secDNS": SECDNS, "rgp": RGP}[prefix]
    return f'<{prefix}:{name} xmlns:{prefix}="{uri}"{attributes}>{content}</{prefix}:{name}>'


def command(verb: str, content: str, extension: str = "", op: str = "", cltrid: str = "TEST-0001") -> str:
    """A command; without a clTRID where that is empty."""
    attribute = f' op="{op}"' if op else ""
    extended = f"<extension>{extension}</extension>" if extension else ""
    trid = f"<clTRID>{cltrid}</clTRID>" if cltrid else ""
    return epp(f"<command><{verb}{attribute}>{content}</{verb}>{extended}{trid}</command>")


RESULT = '<result code="1000"><msg>Command completed successfully</msg></result>'
PENDING = '<result code="1001"><msg>Command completed successfully; action pending</msg></result>'
TRID = "<trID><clTRID>TEST-0001</clTRID><svTRID>eppd-20240229-17</svTRID></trID>"


def response(
    data: str = "", extension: str = "", result: str = RESULT, queue: str = "", trid: str = TRID
) -> str:
    """A response."""
    shown = f"<resData>{data}</resData>" if data else ""
    extended = f"<extension>{extension}</extension>" if extension else ""
    return epp(f"<response>{result}{queue}{shown}{extended}{trid}</response>")


def domain(verb: str, content: str, extension: str = "", op: str = "", cltrid: str = "TEST-0001") -> str:
    return command(verb, payload("domain", verb, content), extension, op, cltrid)


def contact(verb: str, content: str, op: str = "") -> str:
    return command(verb, payload("contact", verb, content), op=op)


# --- the protocol itself

SERVICES = f"<objURI>{DOMAIN}</objURI><objURI>{CONTACT}</objURI>"
EXTENSIONS = f"<svcExtension><extURI>{SECDNS}</extURI><extURI>{RGP}</extURI></svcExtension>"


def greeting(dcp: str, languages: str = "<lang>en</lang>", services: str = SERVICES + EXTENSIONS) -> str:
    return epp(
        "<greeting><svID>eppd at registry.example.nz</svID><svDate>2024-02-29T12:30:00.0Z</svDate>"
        f"<svcMenu><version>1.0</version>{languages}{services}</svcMenu><dcp>{dcp}</dcp></greeting>"
    )


def statement(purpose: str, recipient: str, retention: str) -> str:
    return (
        f"<statement><purpose>{purpose}</purpose><recipient>{recipient}</recipient>"
        f"<retention>{retention}</retention></statement>"
    )


def login(more: str = "", lang: str = "en", services: str = SERVICES) -> str:
    return command(
        "login",
        f"<clID>100</clID><pw>se cret</pw>{more}<options><version>1.0</version><lang>{lang}</lang></options>"
        f"<svcs>{services}</svcs>",
    )


PROTOCOL = {
    "epp-hello": epp("<hello/>"),
    "epp-hello-with-content": epp("<hello since='today'>anybody <there xmlns='urn:example:talk'/></hello>"),
    "epp-greeting": greeting(
        "<access><all/></access>" + statement("<admin/><prov/>", "<ours/>", "<stated/>")
    ),
    "epp-greeting-least": greeting(
        "<access><none/></access>" + statement("", "", "<none/>"),
        services="<objURI>urn:example:thing</objURI>",
    ),
    "epp-greeting-languages": greeting(
        "<access><null/></access>" + statement("<contact/>", "<same/>", "<legal/>"),
        "<lang>en</lang><lang>mi</lang><lang>en-NZ</lang>",
    ),
    "epp-greeting-full-policy": greeting(
        "<access><personalAndOther/></access>"
        + statement(
            "<admin/><contact/><other/><prov/>",
            "<other/><ours><recDesc>the registrar</recDesc></ours><ours/><public/><same/><unrelated/>",
            "<business/>",
        )
        + statement("<other/>", "<public/>", "<indefinite/>")
        + "<expiry><absolute>2030-01-01T00:00:00+13:00</absolute></expiry>"
    ),
    "epp-greeting-relative-expiry": greeting(
        "<access><personal/></access>"
        + statement("<prov/>", "<unrelated/>", "<stated/>")
        + "<expiry><relative>P1Y2M3DT4H5M6S</relative></expiry>"
    ),
    "epp-greeting-other-access": greeting(
        "<access><other/></access>" + statement("<prov/>", "<ours><recDesc>us</recDesc></ours>", "<stated/>")
    ),
    "epp-login": login(),
    "epp-login-new-password": login("<newPW>16 octets at top</newPW>", lang="en-NZ"),
    "epp-login-extensions": login(services=SERVICES + EXTENSIONS),
    "epp-logout": epp("<command><logout/></command>"),
    "epp-logout-with-clTRID": epp("<command><logout/><clTRID>bye</clTRID></command>"),
    "epp-poll-req": epp('<command><poll op="req"/><clTRID>TEST-0001</clTRID></command>'),
    "epp-poll-ack": epp('<command><poll op="ack" msgID="12345"/><clTRID>TEST-0001</clTRID></command>'),
    "epp-extension": epp(
        "<extension>" + payload("rgp", "infData", '<rgp:rgpStatus s="addPeriod"/>') + "</extension>"
    ),
    "epp-response": response(),
    "epp-no-clTRID-response": response(trid="<trID><svTRID>eppd-20240229-18</svTRID></trID>"),
    "epp-logout-response": response(
        result='<result code="1500"><msg lang="en-NZ">Command completed; ending session</msg></result>'
    ),
    "epp-several-results-response": response(
        result='<result code="2004"><msg>Parameter value range error</msg>'
        f'<value><period xmlns="{DOMAIN}" unit="y">100</period></value></result>'
        '<result code="2400"><msg>Command failed</msg></result>'
    ),
    "epp-values-response": response(
        result='<result code="2306"><msg lang="en">Parameter value policy error</msg>'
        f'<extValue><value why="shown">about <d:name xmlns:d="{DOMAIN}">wrong <b/></d:name> here</value>'
        '<reason lang="mi">Kāore tēnei ingoa</reason></extValue>'
        f'<value xmlns:c="{CONTACT}"><c:id>sh8013</c:id></value>'
        '<extValue><value><undefined xmlns=""/></value><reason>not known</reason></extValue></result>'
    ),
    "epp-poll-req-response": response(
        result='<result code="1301"><msg>Command completed successfully; ack to dequeue</msg></result>',
        queue='<msgQ count="5" id="12345"><qDate>2024-02-29T12:30:00Z</qDate><msg>Transferred.</msg></msgQ>',
        data=payload(
            "domain",
            "trnData",
            "<domain:name>example.co.nz</domain:name><domain:trStatus>serverApproved</domain:trStatus>"
            "<domain:reID>100</domain:reID><domain:reDate>2024-02-28T00:00:00Z</domain:reDate>"
            "<domain:acID>200</domain:acID><domain:acDate>2024-02-28T00:00:00Z</domain:acDate>",
        ),
    ),
    "epp-mixed-message-response": response(
        result='<result code="1301"><msg>Command completed successfully; ack to dequeue</msg></result>',
        queue='<msgQ count="18446744073709551615" id="a b"><qDate>2024-02-29T12:30:00.123456+13:00</qDate>'
        '<msg lang="mi">He <limit xmlns="urn:example:words" n="1">rohe</limit> tōna <b xmlns="">!</b>'
        "</msg></msgQ>",
    ),
    "epp-poll-ack-response": response(queue='<msgQ count="0" id="12345"/>'),
    "epp-empty-queue-response": response(
        result='<result code="1300"><msg>Command completed successfully; no messages</msg></result>'
    ),
}

# --- domain names

NAME = "<domain:name>example.co.nz</domain:name>"
SECRET = "<domain:authInfo><domain:pw>2fooBAR</domain:pw></domain:authInfo>"
FOREIGN_SECRET = '<domain:authInfo><domain:pw roid="SH8013-REP">2fooBAR</domain:pw></domain:authInfo>'
PROOF = (  # any element of a known namespace will do
    "<domain:authInfo><domain:ext>"
    + payload("rgp", "upData", '<rgp:rgpStatus s="pendingRestore"/>')
    + "</domain:ext></domain:authInfo>"
)
PEOPLE = (
    "<domain:registrant>jd1234</domain:registrant>"
    '<domain:contact type="admin">sh8013</domain:contact><domain:contact type="tech">sh8014</domain:contact>'
    '<domain:contact type="billing">sh8015</domain:contact><domain:contact>sh8016</domain:contact>'
)
HOST_OBJECTS = (
    "<domain:ns><domain:hostObj>ns1.example.nz</domain:hostObj><domain:hostObj>ns2.example.nz</domain:hostObj>"
    "</domain:ns>"
)
HOST_ATTRIBUTES = (
    "<domain:ns>"
    "<domain:hostAttr><domain:hostName>ns1.example.co.nz</domain:hostName>"
    '<domain:hostAddr ip="v4">192.0.2.2</domain:hostAddr><domain:hostAddr>192.0.2.3</domain:hostAddr>'
    '<domain:hostAddr ip="v6">2001:db8::2</domain:hostAddr></domain:hostAttr>'
    "<domain:hostAttr><domain:hostName>ns2.example.net</domain:hostName></domain:hostAttr>"
    "</domain:ns>"
)
DOMAIN_STATUSES = [
    "ok", "inactive",
    "clientHold", "clientDeleteProhibited", "clientRenewProhibited", "clientTransferProhibited",
    "clientUpdateProhibited",
    "serverHold", "serverDeleteProhibited", "serverRenewProhibited", "serverTransferProhibited",
    "serverUpdateProhibited",
    "pendingCreate", "pendingDelete", "pendingRenew", "pendingTransfer", "pendingUpdate",
]  # fmt: skip


def statuses(prefix: str, values: list[str]) -> str:
    return "".join(f'<{prefix}:status s="{value}"/>' for value in values)


def domain_shown(content: str, extension: str = "") -> str:
    return response(payload("domain", "infData", content), extension)


def domain_transfer(state: str, expiry: str = "") -> str:
    return response(
        payload(
            "domain",
            "trnData",
            f"{NAME}<domain:trStatus>{state}</domain:trStatus>"
            "<domain:reID>100</domain:reID><domain:reDate>2024-02-28T22:00:00.0Z</domain:reDate>"
            f"<domain:acID>200</domain:acID><domain:acDate>2024-03-04T22:00:00.0Z</domain:acDate>{expiry}",
        ),
        result=PENDING if state == "pending" else RESULT,
    )


DOMAIN_COMMANDS = {
    "domain-check": domain("check", NAME),
    "domain-check-several": domain(
        "check", NAME + "<domain:name>x</domain:name><domain:name>ā.nz</domain:name>"
    ),
    "domain-check-without-clTRID": domain("check", NAME, cltrid=""),
    "domain-info": domain("info", NAME),
    "domain-info-hosts-all": domain("info", '<domain:name hosts="all">example.co.nz</domain:name>'),
    "domain-info-hosts-none": domain(
        "info", '<domain:name hosts="none">example.co.nz</domain:name>' + SECRET
    ),
    "domain-info-hosts-del": domain(
        "info", '<domain:name hosts="del">example.co.nz</domain:name>' + FOREIGN_SECRET
    ),
    "domain-info-hosts-sub": domain("info", '<domain:name hosts="sub">example.co.nz</domain:name>' + PROOF),
    "domain-create": domain("create", NAME + SECRET),
    "domain-create-host-objects": domain(
        "create", f'{NAME}<domain:period unit="y">2</domain:period>{HOST_OBJECTS}{PEOPLE}{SECRET}'
    ),
    "domain-create-host-attributes": domain(
        "create", f'{NAME}<domain:period unit="m">99</domain:period>{HOST_ATTRIBUTES}{PEOPLE}{FOREIGN_SECRET}'
    ),
    "domain-create-empty-secret": domain("create", NAME + "<domain:authInfo><domain:pw/></domain:authInfo>"),
    "domain-create-proof": domain("create", NAME + PROOF),
    "domain-delete": domain("delete", NAME),
    "domain-renew": domain("renew", NAME + "<domain:curExpDate>2024-02-29</domain:curExpDate>"),
    "domain-renew-period": domain(
        "renew",
        f'{NAME}<domain:curExpDate>2024-02-29Z</domain:curExpDate><domain:period unit="m">1</domain:period>',
    ),
    "domain-transfer-request": domain(
        "transfer", f'{NAME}<domain:period unit="y">1</domain:period>{FOREIGN_SECRET}', op="request"
    ),
    "domain-transfer-query": domain("transfer", NAME, op="query"),
    "domain-transfer-approve": domain("transfer", NAME + SECRET, op="approve"),
    "domain-transfer-cancel": domain("transfer", NAME, op="cancel"),
    "domain-transfer-reject": domain("transfer", NAME + PROOF, op="reject"),
    "domain-update-nothing": domain("update", NAME),
    "domain-update": domain(
        "update",
        f'{NAME}<domain:add>{HOST_ATTRIBUTES}<domain:contact type="tech">mak21</domain:contact>'
        '<domain:status s="clientHold" lang="en-NZ">Payment overdue.</domain:status></domain:add>'
        f'<domain:rem>{HOST_OBJECTS}<domain:contact type="admin">sh8013</domain:contact>'
        '<domain:status s="clientUpdateProhibited"/></domain:rem>'
        f"<domain:chg><domain:registrant>sh8013</domain:registrant>{SECRET}</domain:chg>",
    ),
    "domain-update-empty-parts": domain("update", NAME + "<domain:add/><domain:rem/><domain:chg/>"),
    "domain-update-take-away": domain(
        "update",
        NAME
        + "<domain:chg><domain:registrant/><domain:authInfo><domain:null/></domain:authInfo></domain:chg>",
    ),
    "domain-update-proof": domain(
        "update", f"{NAME}<domain:chg><domain:registrant>a</domain:registrant>{PROOF}</domain:chg>"
    ),
    "domain-update-statuses": domain(
        "update",
        f"{NAME}<domain:add>{statuses('domain', DOMAIN_STATUSES[:11])}</domain:add>"
        f"<domain:rem>{statuses('domain', DOMAIN_STATUSES[-11:])}</domain:rem>",
    ),
}

DOMAIN_RESPONSES = {
    "domain-check-response": response(
        payload(
            "domain",
            "chkData",
            '<domain:cd><domain:name avail="1">example.co.nz</domain:name></domain:cd>'
            '<domain:cd><domain:name avail="0">example.net</domain:name><domain:reason>In use</domain:reason>'
            '</domain:cd><domain:cd><domain:name avail="false">example.iwi.nz</domain:name>'
            '<domain:reason lang="mi">Kua mau</domain:reason></domain:cd>',
        )
    ),
    "domain-info-least-response": domain_shown(
        NAME + "<domain:roid>EXAMPLE1-REP</domain:roid><domain:clID>100</domain:clID>"
    ),
    "domain-info-response": domain_shown(
        f'{NAME}<domain:roid>EX_AMPLE1-REP</domain:roid><domain:status s="ok"/>{PEOPLE}{HOST_ATTRIBUTES}'
        "<domain:host>ns1.example.co.nz</domain:host><domain:host>ns2.example.co.nz</domain:host>"
        "<domain:clID>100</domain:clID><domain:crID>200</domain:crID>"
        "<domain:crDate>1999-04-03T22:00:00.0Z</domain:crDate><domain:upID>100</domain:upID>"
        "<domain:upDate>1999-12-03T09:00:00.0Z</domain:upDate>"
        "<domain:exDate>2025-04-03T22:00:00+12:00</domain:exDate>"
        f"<domain:trDate>2000-04-08T09:00:00</domain:trDate>{SECRET}"
    ),
    "domain-info-statuses-response": domain_shown(
        f"{NAME}<domain:roid>EXAMPLE1-REP</domain:roid>{statuses('domain', DOMAIN_STATUSES[6:])}"
        f"{HOST_OBJECTS}<domain:clID>100</domain:clID>{PROOF}"
    ),
    "domain-create-response": response(
        payload(
            "domain",
            "creData",
            f"{NAME}<domain:crDate>2024-02-29T12:30:00Z</domain:crDate>"
            "<domain:exDate>2026-02-28T12:30:00Z</domain:exDate>",
        )
    ),
    "domain-create-pending-response": response(
        payload("domain", "creData", f"{NAME}<domain:crDate>2024-02-29T12:30:00Z</domain:crDate>"),
        result=PENDING,
    ),
    "domain-delete-response": response(result=PENDING),
    "domain-renew-response": response(
        payload("domain", "renData", f"{NAME}<domain:exDate>2026-02-28T12:30:00Z</domain:exDate>")
    ),
    "domain-renew-least-response": response(payload("domain", "renData", NAME)),
    "domain-pending-action-response": response(
        payload(
            "domain",
            "panData",
            '<domain:name paResult="1">example.co.nz</domain:name>'
            "<domain:paTRID><clTRID>TEST-0001</clTRID><svTRID>eppd-20240229-17</svTRID></domain:paTRID>"
            "<domain:paDate>2024-02-29T12:30:00Z</domain:paDate>",
        ),
        queue='<msgQ count="1" id="7"><msg>Pending action completed successfully.</msg></msgQ>',
    ),
    "domain-pending-action-failed-response": response(
        payload(
            "domain",
            "panData",
            '<domain:name paResult="false">example.co.nz</domain:name>'
            "<domain:paTRID><svTRID>eppd-20240229-17</svTRID></domain:paTRID>"
            "<domain:paDate>2024-02-29T12:30:00Z</domain:paDate>",
        )
    ),
    **{
        f"domain-transfer-{state}-response": domain_transfer(state)
        for state in ("pending", "clientApproved", "clientRejected", "clientCancelled", "serverCancelled")
    },
    "domain-transfer-serverApproved-response": domain_transfer(
        "serverApproved", "<domain:exDate>2026-02-28T22:00:00.0Z</domain:exDate>"
    ),
}

# --- contacts

ID = "<contact:id>sh8013</contact:id>"
ADDRESS = "<contact:addr><contact:city>Wellington</contact:city><contact:cc>NZ</contact:cc></contact:addr>"
FULL_ADDRESS = (
    "<contact:addr><contact:street>123 Example Drive</contact:street><contact:street/>"
    "<contact:street>Suite 100</contact:street><contact:city>Wellington</contact:city>"
    "<contact:sp>Te Whanganui</contact:sp><contact:pc>6011</contact:pc><contact:cc>NZ</contact:cc>"
    "</contact:addr>"
)
POSTAL = (
    '<contact:postalInfo type="int"><contact:name>Jane Doe</contact:name>'
    f"<contact:org>Example Ltd</contact:org>{FULL_ADDRESS}</contact:postalInfo>"
)
POSTAL_LOCAL = (
    '<contact:postalInfo type="loc"><contact:name>Jāne Dō</contact:name>'
    f"<contact:org/>{ADDRESS}</contact:postalInfo>"
)
POSTAL_LEAST = (
    f'<contact:postalInfo type="loc"><contact:name>Jane Doe</contact:name>{ADDRESS}</contact:postalInfo>'
)
TELEPHONES = '<contact:voice x="1234">+64.4123456789</contact:voice><contact:fax>+64.4123456780</contact:fax>'
EMAIL = "<contact:email>jane@example.co.nz</contact:email>"
CONTACT_SECRET = "<contact:authInfo><contact:pw>2fooBAR</contact:pw></contact:authInfo>"
CONTACT_PROOF = (
    "<contact:authInfo><contact:ext>"
    + payload("rgp", "infData", '<rgp:rgpStatus s="addPeriod"/>')
    + "</contact:ext></contact:authInfo>"
)
DISCLOSE = '<contact:disclose flag="0"><contact:voice/><contact:email/></contact:disclose>'
DISCLOSE_ALL = (
    '<contact:disclose flag="true"><contact:name type="int"/><contact:name type="loc"/>'
    '<contact:org type="int"/><contact:org type="loc"/><contact:addr type="int"/><contact:addr type="loc"/>'
    "<contact:voice/><contact:fax/><contact:email/></contact:disclose>"
)
CONTACT_STATUSES = [
    "ok", "linked",
    "clientDeleteProhibited", "clientTransferProhibited", "clientUpdateProhibited",
    "serverDeleteProhibited", "serverTransferProhibited", "serverUpdateProhibited",
    "pendingCreate", "pendingDelete", "pendingTransfer", "pendingUpdate",
]  # fmt: skip


def contact_transfer(state: str) -> str:
    return response(
        payload(
            "contact",
            "trnData",
            f"{ID}<contact:trStatus>{state}</contact:trStatus>"
            "<contact:reID>100</contact:reID><contact:reDate>2024-02-28T22:00:00.0Z</contact:reDate>"
            "<contact:acID>200</contact:acID><contact:acDate>2024-03-04T22:00:00.0Z</contact:acDate>",
        )
    )


CONTACT_COMMANDS = {
    "contact-check": contact("check", ID),
    "contact-check-several": contact(
        "check", ID + "<contact:id>sah8013</contact:id><contact:id>8013sah</contact:id>"
    ),
    "contact-info": contact("info", ID),
    "contact-info-secret": contact("info", ID + CONTACT_SECRET),
    "contact-info-proof": contact("info", ID + CONTACT_PROOF),
    "contact-create": contact("create", ID + POSTAL_LEAST + EMAIL + CONTACT_SECRET),
    "contact-create-full": contact(
        "create", ID + POSTAL + POSTAL_LOCAL + TELEPHONES + EMAIL + CONTACT_SECRET + DISCLOSE
    ),
    "contact-create-no-telephone": contact(
        "create",
        f"{ID}{POSTAL}<contact:voice/><contact:fax/>{EMAIL}"
        '<contact:authInfo><contact:pw roid="SH8013-REP"/></contact:authInfo>' + DISCLOSE_ALL,
    ),
    "contact-create-proof": contact(
        "create", f'{ID}{POSTAL_LOCAL}{EMAIL}{CONTACT_PROOF}<contact:disclose flag="1"/>'
    ),
    "contact-delete": contact("delete", ID),
    "contact-transfer-request": contact("transfer", ID + CONTACT_SECRET, op="request"),
    "contact-transfer-query": contact("transfer", ID, op="query"),
    "contact-transfer-approve": contact("transfer", ID, op="approve"),
    "contact-transfer-cancel": contact("transfer", ID, op="cancel"),
    "contact-transfer-reject": contact("transfer", ID, op="reject"),
    "contact-update-nothing": contact("update", ID),
    "contact-update": contact(
        "update",
        f'{ID}<contact:add><contact:status s="clientDeleteProhibited" lang="en">Keep it.</contact:status>'
        '</contact:add><contact:rem><contact:status s="clientUpdateProhibited"/></contact:rem>'
        f"<contact:chg>{POSTAL}{POSTAL_LOCAL}{TELEPHONES}{EMAIL}{CONTACT_SECRET}{DISCLOSE_ALL}</contact:chg>",
    ),
    "contact-update-statuses": contact(
        "update",
        f"{ID}<contact:add>{statuses('contact', CONTACT_STATUSES[:7])}</contact:add>"
        f"<contact:rem>{statuses('contact', CONTACT_STATUSES[-7:])}</contact:rem><contact:chg/>",
    ),
    "contact-update-parts": contact(
        "update",
        f'{ID}<contact:chg><contact:postalInfo type="int"><contact:org/></contact:postalInfo>'
        f'<contact:postalInfo type="loc">{ADDRESS}</contact:postalInfo>'
        f"<contact:fax/>{CONTACT_PROOF}</contact:chg>",
    ),
    "contact-update-name": contact(
        "update",
        f'{ID}<contact:chg><contact:postalInfo type="int"><contact:name>J</contact:name></contact:postalInfo>'
        f'<contact:postalInfo type="loc"/>{DISCLOSE}</contact:chg>',
    ),
}

CONTACT_RESPONSES = {
    "contact-check-response": response(
        payload(
            "contact",
            "chkData",
            '<contact:cd><contact:id avail="1">sh8013</contact:id></contact:cd>'
            '<contact:cd><contact:id avail="0">sah8013</contact:id><contact:reason>In use</contact:reason>'
            '</contact:cd><contact:cd><contact:id avail="true">8013sah</contact:id>'
            '<contact:reason lang="mi">E wātea ana</contact:reason></contact:cd>',
        )
    ),
    "contact-info-response": response(
        payload(
            "contact",
            "infData",
            f'{ID}<contact:roid>SH8013-REP</contact:roid><contact:status s="ok"/>{POSTAL_LEAST}{EMAIL}'
            "<contact:clID>100</contact:clID><contact:crID>100</contact:crID>"
            "<contact:crDate>1997-04-03T22:00:00.0Z</contact:crDate>",
        )
    ),
    "contact-info-full-response": response(
        payload(
            "contact",
            "infData",
            f"{ID}<contact:roid>SH_8013-REP</contact:roid>{statuses('contact', CONTACT_STATUSES[1:8])}"
            f"{POSTAL}{POSTAL_LOCAL}{TELEPHONES}{EMAIL}"
            "<contact:clID>100</contact:clID><contact:crID>200</contact:crID>"
            "<contact:crDate>1997-04-03T22:00:00.0Z</contact:crDate><contact:upID>100</contact:upID>"
            "<contact:upDate>1999-12-03T09:00:00.0Z</contact:upDate>"
            f"<contact:trDate>2000-04-08T09:00:00.0Z</contact:trDate>{CONTACT_SECRET}{DISCLOSE}",
        )
    ),
    "contact-info-proof-response": response(
        payload(
            "contact",
            "infData",
            f'{ID}<contact:roid>SH8013-REP</contact:roid><contact:status s="ok" lang="mi">+</contact:status>'
            f"{POSTAL_LOCAL}{EMAIL}<contact:clID>100</contact:clID><contact:crID>100</contact:crID>"
            f"<contact:crDate>1997-04-03T22:00:00.0Z</contact:crDate>{CONTACT_PROOF}",
        )
    ),
    "contact-create-response": response(
        payload("contact", "creData", f"{ID}<contact:crDate>2024-02-29T12:30:00Z</contact:crDate>")
    ),
    "contact-delete-response": response(),
    "contact-pending-action-response": response(
        payload(
            "contact",
            "panData",
            '<contact:id paResult="0">sh8013</contact:id>'
            "<contact:paTRID><clTRID>TEST-0001</clTRID><svTRID>eppd-20240229-17</svTRID></contact:paTRID>"
            "<contact:paDate>2024-02-29T12:30:00Z</contact:paDate>",
        )
    ),
    "contact-transfer-pending-response": contact_transfer("pending"),
    "contact-transfer-clientApproved-response": contact_transfer("clientApproved"),
    "contact-transfer-serverCancelled-response": contact_transfer("serverCancelled"),
}

# --- DNSSEC

DS = (
    "<secDNS:dsData><secDNS:keyTag>12345</secDNS:keyTag><secDNS:alg>13</secDNS:alg>"
    "<secDNS:digestType>2</secDNS:digestType><secDNS:digest>49FD46E6C4B45C55D4AC</secDNS:digest></secDNS:dsData>"
)
KEY = (
    "<secDNS:keyData><secDNS:flags>257</secDNS:flags><secDNS:protocol>3</secDNS:protocol>"
    "<secDNS:alg>13</secDNS:alg><secDNS:pubKey>AQPJ////4Q==</secDNS:pubKey></secDNS:keyData>"
)
DS_WITH_KEY = DS.replace("</secDNS:dsData>", KEY + "</secDNS:dsData>")
LIFE = "<secDNS:maxSigLife>604800</secDNS:maxSigLife>"


def secured(verb: str, content: str, attributes: str = "") -> str:
    return domain(
        verb, NAME + (SECRET if verb == "create" else ""), payload("secDNS", verb, content, attributes)
    )


def shown_secured(content: str) -> str:
    return domain_shown(
        NAME + "<domain:roid>EXAMPLE1-REP</domain:roid><domain:clID>100</domain:clID>",
        payload("secDNS", "infData", content),
    )


SECURITY = {
    "secDNS-create-ds": secured("create", DS),
    "secDNS-create-ds-with-key": secured("create", LIFE + DS + DS_WITH_KEY),
    "secDNS-create-key": secured("create", KEY + KEY),
    "secDNS-create-key-with-lifetime": secured("create", LIFE + KEY),
    "secDNS-update-nothing": secured("update", ""),
    "secDNS-update-add-ds": secured("update", f"<secDNS:add>{DS}</secDNS:add>"),
    "secDNS-update-remove-ds": secured(
        "update", f"<secDNS:rem>{DS}{DS_WITH_KEY}</secDNS:rem>", ' urgent="1"'
    ),
    "secDNS-update-replace-all": secured(
        "update", f"<secDNS:rem><secDNS:all>true</secDNS:all></secDNS:rem><secDNS:add>{LIFE}{DS}</secDNS:add>"
    ),
    "secDNS-update-keys": secured(
        "update",
        f"<secDNS:rem>{KEY}{KEY}</secDNS:rem><secDNS:add>{LIFE}{KEY}{KEY}</secDNS:add><secDNS:chg>{LIFE}</secDNS:chg>",
        ' urgent="false"',
    ),
    "secDNS-update-change-nothing": secured("update", "<secDNS:chg/>"),
    "secDNS-info-ds-response": shown_secured(DS + DS),
    "secDNS-info-ds-with-key-response": shown_secured(LIFE + DS_WITH_KEY),
    "secDNS-info-key-response": shown_secured(LIFE + KEY + KEY),
}

# --- the redemption grace period

REPORT = (
    '<rgp:restore op="report"><rgp:report>'
    "<rgp:preData>Registered by Jane Doe.</rgp:preData><rgp:postData>Registered by Jane Doe.</rgp:postData>"
    "<rgp:delTime>2024-02-01T22:00:00.0Z</rgp:delTime><rgp:resTime>2024-02-20T22:00:00.0Z</rgp:resTime>"
    "<rgp:resReason>Registrant error.</rgp:resReason><rgp:statement>It was not sold on.</rgp:statement>"
    "{more}</rgp:report></rgp:restore>"
)


def restored(content: str) -> str:
    return domain("update", NAME + "<domain:chg/>", payload("rgp", "update", content))


GRACE = {
    "rgp-restore-request": restored('<rgp:restore op="request"/>'),
    "rgp-restore-report": restored(REPORT.format(more="")),
    "rgp-restore-report-two-statements": restored(
        REPORT.format(
            more='<rgp:statement lang="mi">He pono <b xmlns="">katoa</b>.</rgp:statement>'
            f"<rgp:other>More: {payload('domain', 'delete', NAME)}<x xmlns='urn:x' y='z'>y</x></rgp:other>"
        )
    ),
    "rgp-restore-report-of-records": restored(
        REPORT.format(more="<rgp:other/>").replace(
            "<rgp:preData>Registered by Jane Doe.", "<rgp:preData>" + payload("contact", "delete", ID)
        )
    ),
    "rgp-restore-response": response(
        extension=payload(
            "rgp", "upData", '<rgp:rgpStatus s="pendingRestore" lang="en">Report due.</rgp:rgpStatus>'
        )
    ),
    "rgp-info-response": domain_shown(
        NAME + "<domain:roid>EXAMPLE1-REP</domain:roid><domain:clID>100</domain:clID>",
        payload("rgp", "infData", '<rgp:rgpStatus s="redemptionPeriod"/>'),
    ),
    "rgp-info-every-period-response": domain_shown(
        NAME + "<domain:roid>EXAMPLE1-REP</domain:roid><domain:clID>100</domain:clID>",
        payload(
            "rgp",
            "infData",
            '<rgp:rgpStatus s="addPeriod"/><rgp:rgpStatus s="autoRenewPeriod"/>'
            '<rgp:rgpStatus s="renewPeriod"/><rgp:rgpStatus s="transferPeriod"/>'
            '<rgp:rgpStatus s="redemptionPeriod"/><rgp:rgpStatus s="pendingDelete"/>'
            '<rgp:rgpStatus s="pendingRestore" lang="mi">tatari</rgp:rgpStatus>',
        )
        + payload("secDNS", "infData", DS),
    ),
}

DOCUMENTS: dict[str, str] = {
    **PROTOCOL,
    **DOMAIN_COMMANDS,
    **DOMAIN_RESPONSES,
    **CONTACT_COMMANDS,
    **CONTACT_RESPONSES,
    **SECURITY,
    **GRACE,
}
