"""What a client writes comes back as it was: through EPP, the SRS, a real registry, and the same way back.

Values of every legal form, in any script; what is normalised on the way is normalised here by the rules that
the RFCs and the registry state, and by no code of the product's.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.epp import documents
from tests.fuzz.real import Site, site
from tests.support.answers import Answer
from tests.support.conversation import LOGIN, check
from tests.support.registry import PASSWORD

QUICK = settings(
    max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
ZONES = ("nz", "co.nz", "geek.nz", "maori.nz")
BLANKS = " \t\r\n"
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("round-trip")) as found:
        yield found


# -- what may stand where

CHARACTERS = st.characters(
    exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff", include_characters=BLANKS
)


def written(text: str) -> str:
    """As the content of an element; a carriage return by itself would be read as a line feed."""
    return escape(text, {"\r": "&#13;"})


def collapsed(text: str) -> str:
    """As XML Schema's token has it."""
    for blank in BLANKS:
        text = text.replace(blank, " ")
    return " ".join(word for word in text.split(" ") if word)


def replaced(text: str) -> str:
    """As XML Schema's normalizedString has it, trimmed besides."""
    for blank in BLANKS:
        text = text.replace(blank, " ")
    return text.strip(" ")


def lines(longest: int = 255) -> st.SearchStrategy[str]:
    """Postal lines."""
    return (
        st.text(CHARACTERS, min_size=1, max_size=40) | st.text(CHARACTERS, min_size=longest, max_size=longest)
    ).filter(lambda text: replaced(text) != "")


def optional(values: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | st.just("") | values


HANDLE_PART = st.text(st.characters(categories=["L", "Nd"], include_characters="_.-"), min_size=1, max_size=8)
E164 = st.from_regex(r"\+[0-9]{1,3}\.[0-9]{1,14}", fullmatch=True).filter(lambda text: len(text) <= 17)
EXTENSIONS = optional(st.text(CHARACTERS, min_size=1, max_size=12).filter(lambda text: collapsed(text) != ""))
LABEL = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?", fullmatch=True).filter(
    lambda label: label[2:4] != "--"
)
HOSTS = st.lists(LABEL, min_size=2, max_size=4).map(".".join)
EMAILS = st.builds(
    lambda local, host: f"{local}@{host}",
    st.text(
        st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="@\ufffe\uffff"),
        min_size=1,
        max_size=20,
    ),
    HOSTS,
)


# -- contacts


@dataclass(frozen=True)
class Phone:
    number: str
    extension: str | None

    def xml(self, name: str) -> str:
        shown = f" x={quoteattr(self.extension)}" if self.extension is not None else ""
        return f"<contact:{name}{shown}>{self.number}</contact:{name}>"

    def expected(self) -> tuple[str, str]:
        return self.number, collapsed(self.extension or "")


@dataclass(frozen=True)
class Person:
    """A contact, as its client writes it."""

    name: str
    streets: tuple[str, ...]
    city: str
    province: str | None
    postal_code: str | None
    country: str
    voice: Phone
    fax: Phone | None
    email: str
    private: bool

    def address(self) -> str:
        parts = [("street", street) for street in self.streets] + [("city", self.city)]
        parts += [
            (name, text)
            for name, text in (("sp", self.province), ("pc", self.postal_code))
            if text is not None
        ]
        inner = "".join(f"<contact:{name}>{written(text)}</contact:{name}>" for name, text in parts)
        return f"<contact:addr>{inner}<contact:cc>{self.country}</contact:cc></contact:addr>"

    def postal_info(self) -> str:
        return (
            f'<contact:postalInfo type="loc"><contact:name>{written(self.name)}</contact:name>'
            f"{self.address()}"
            "</contact:postalInfo>"
        )

    def numbers(self) -> str:
        fax = self.fax.xml("fax") if self.fax else ""
        return f"{self.voice.xml('voice')}{fax}<contact:email>{written(self.email)}</contact:email>"

    def disclosure(self) -> str:
        flag = "0" if self.private else "1"
        return f'<contact:disclose flag="{flag}"><contact:voice/><contact:fax/></contact:disclose>'

    def create(self, handle_id: str) -> str:
        return documents.contact(
            "create",
            f"<contact:id>{handle_id}</contact:id>{self.postal_info()}{self.numbers()}"
            f"{documents.CONTACT_SECRET}{self.disclosure()}",
        )

    def expected(self) -> dict[str, object]:
        streets = [replaced(street) for street in self.streets]
        texts = (
            replaced(self.name), *streets, replaced(self.city), replaced(self.province or ""),
            collapsed(self.postal_code or ""),
        )  # fmt: skip
        return {
            "type": "int" if all(text.isascii() for text in texts) else "loc",
            "name": replaced(self.name),
            "streets": [street for street in streets if street],
            "city": replaced(self.city),
            "province": replaced(self.province or ""),
            "postal code": collapsed(self.postal_code or ""),
            "country": self.country.upper(),
            "voice": self.voice.expected(),
            "fax": self.fax.expected() if self.fax else None,
            "email": self.email,
            "private": self.private,
        }


def shown(answer: Answer) -> dict[str, object]:
    """The same, out of an infData."""
    assert answer.code == 1000, answer

    def phone(name: str) -> tuple[str, str] | None:
        numbers = answer.texts(f"//contact:infData/contact:{name}")
        return (numbers[0], collapsed(answer.text(f"//contact:{name}/@x") or "")) if numbers else None

    return {
        "type": answer.text("//contact:postalInfo/@type"),
        "name": answer.text("//contact:postalInfo/contact:name"),
        "streets": answer.texts("//contact:street"),
        "city": answer.text("//contact:city"),
        "province": answer.text("//contact:sp") or "",
        "postal code": answer.text("//contact:pc") or "",
        "country": answer.text("//contact:cc"),
        "voice": phone("voice"),
        "fax": phone("fax"),
        "email": answer.text("//contact:email"),
        "private": answer.text("//contact:disclose/@flag") == "0",
    }


PHONES = st.builds(Phone, E164, EXTENSIONS)
STREETS = (
    st.tuples(lines())
    | st.tuples(lines(), lines() | st.just(""))
    | st.tuples(st.just(""), lines())
)  # fmt: skip
PEOPLE = st.builds(
    Person,
    name=lines(),
    streets=STREETS,
    city=lines(),
    province=optional(lines()),
    postal_code=optional(st.text(CHARACTERS, min_size=1, max_size=16)),
    country=st.from_regex(r"[A-Za-z]{2}", fullmatch=True),
    voice=PHONES,
    fax=st.none() | PHONES,
    email=EMAILS,
    private=st.booleans(),
)
HANDLE_IDS = st.builds(lambda one, two: f"{one}{two}"[:10], HANDLE_PART, st.just("") | HANDLE_PART)


@QUICK
@given(person=PEOPLE, rest=HANDLE_IDS)
def test_a_contact_is_shown_as_it_was_created(real: Site, person: Person, rest: str) -> None:
    handle_id = f"{next(NUMBERS):x}-{rest}"[:16]
    conversation = real.conversation

    created = conversation.one(person.create(handle_id))
    found = conversation.one(documents.contact("info", f"<contact:id>{handle_id}</contact:id>"))

    assert (created.code, created.text("//contact:id")) == (1000, handle_id), created
    assert found.text("//contact:infData/contact:id") == handle_id
    assert shown(found) == person.expected()
    assert found.text("//contact:crDate") == created.text("//contact:crDate")


def updated(old: Person, new: Person, parts: set[str]) -> tuple[str, Person]:
    """What an update changes to ``parts`` of ``new``, and what is to be seen then."""
    inner, found = "", old
    if parts & {"name", "address"}:
        name = f"<contact:name>{written(new.name)}</contact:name>" if "name" in parts else ""
        address = new.address() if "address" in parts else ""
        inner += f'<contact:postalInfo type="loc">{name}{address}</contact:postalInfo>'
    if "name" in parts:
        found = replace(found, name=new.name)
    if "address" in parts:
        found = replace(
            found,
            streets=new.streets,
            city=new.city,
            province=new.province,
            postal_code=new.postal_code,
            country=new.country,
        )
    if "voice" in parts:
        inner += new.voice.xml("voice")
        found = replace(found, voice=new.voice)
    if "fax" in parts:
        inner += new.fax.xml("fax") if new.fax else "<contact:fax/>"
        found = replace(found, fax=new.fax)
    if "email" in parts:
        inner += f"<contact:email>{written(new.email)}</contact:email>"
        found = replace(found, email=new.email)
    if "disclose" in parts:
        inner += new.disclosure()
        found = replace(found, private=new.private)
    return f"<contact:chg>{inner}</contact:chg>", found


PARTS = ("name", "address", "voice", "fax", "email", "disclose")


@QUICK
@given(
    old=PEOPLE,
    changes=st.lists(st.tuples(PEOPLE, st.sets(st.sampled_from(PARTS), min_size=1)), min_size=1, max_size=3),
)
def test_a_contact_is_shown_as_it_was_changed(
    real: Site, old: Person, changes: list[tuple[Person, set[str]]]
) -> None:
    handle_id = f"{next(NUMBERS):x}-changed"
    shown_id = f"<contact:id>{handle_id}</contact:id>"
    assert real.conversation.one(old.create(handle_id)).code == 1000

    for new, parts in changes:
        order, old = updated(old, new, parts)
        assert real.conversation.one(documents.contact("update", shown_id + order)).code == 1000

        assert shown(real.conversation.one(documents.contact("info", shown_id))) == old.expected()


# -- domains


@dataclass(frozen=True)
class Server:
    """``glue``: its addresses by version; only a name within the domain may have them, and must."""

    label: str
    glue: tuple[tuple[str, str], ...]
    elsewhere: str

    def name(self, domain: str) -> str:
        return f"{self.label}.{domain}" if self.glue else self.elsewhere

    def xml(self, domain: str) -> str:
        addresses = "".join(
            f'<domain:hostAddr ip="{version}">{address}</domain:hostAddr>' for version, address in self.glue
        )
        return (
            f"<domain:hostAttr><domain:hostName>{self.name(domain)}</domain:hostName>{addresses}"
            "</domain:hostAttr>"
        )

    def expected(self, domain: str) -> tuple[str, list[tuple[str, str]]]:
        return self.name(domain).lower(), sorted(self.glue)


@dataclass(frozen=True)
class DS:
    key_tag: int
    algorithm: int
    digest_type: int
    digest: str

    def xml(self) -> str:
        return (
            f"<secDNS:dsData><secDNS:keyTag>{self.key_tag}</secDNS:keyTag><secDNS:alg>{self.algorithm}"
            f"</secDNS:alg><secDNS:digestType>{self.digest_type}</secDNS:digestType><secDNS:digest>"
            f"{self.digest}</secDNS:digest></secDNS:dsData>"
        )


def digests(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdefABCDEF", min_size=length, max_size=length)


V4 = st.ip_addresses(v=4).map(str)
V6 = st.builds(
    lambda address, form: form(address),
    st.ip_addresses(v=6),
    st.sampled_from([str, lambda one: one.exploded, lambda one: str(one).upper()]),
).filter(lambda text: len(text) > 2)  # addrStringType has three characters at least
GLUE = (
    st.tuples(st.tuples(st.just("v4"), V4))
    | st.tuples(st.tuples(st.just("v6"), V6))
    | st.tuples(st.tuples(st.just("v6"), V6), st.tuples(st.just("v4"), V4))
)
SERVERS = st.lists(
    st.builds(Server, LABEL, st.just(()) | GLUE, HOSTS),
    max_size=10,
    unique_by=(lambda server: server.label.lower(), lambda server: server.elsewhere.lower()),
)
RECORDS = st.lists(
    st.builds(DS, st.integers(0, 65535), st.sampled_from([5, 6, 7, 8, 10, 13]), st.just(1), digests(40))
    | st.builds(DS, st.integers(0, 65535), st.sampled_from([5, 6, 7, 8, 10, 13]), st.just(2), digests(64)),
    max_size=10,
    unique_by=lambda ds: ds.digest.lower(),
)
INTERNATIONAL = st.text("aeghikmnoprtuwāēīōū", min_size=1, max_size=15).map(
    lambda text: text if text.isascii() else f"xn--{text.encode('punycode').decode()}"
)
TERMS = st.builds(lambda months: ("m", months), st.integers(1, 99)) | st.builds(
    lambda years: ("y", years), st.integers(1, 10)
)
TYPES = st.dictionaries(st.sampled_from(["admin", "tech"]), st.integers(0, 2))


@pytest.fixture(scope="module")
def handles(real: Site) -> list[str]:
    """Ids of contacts to choose from."""
    phone = Phone("+64.4123456", None)
    person = Person("Moana", ("1 Acacia Ave",), "W", None, None, "NZ", phone, None, "a@b.nz", False)
    for handle_id in ("hāpuku-1", "tui", "kererū 3"):
        assert real.conversation.one(person.create(handle_id)).code == 1000
    return ["hāpuku-1", "tui", "kererū 3"]


@dataclass(frozen=True)
class Shown:
    """What infData says of a domain."""

    registrant: str
    contacts: dict[str, str]
    servers: list[tuple[str, list[tuple[str, str]]]]
    records: list[DS]
    statuses: set[str]

    @classmethod
    def read(cls, answer: Answer) -> Shown:
        assert answer.code == 1000, answer
        contacts = dict(
            zip(answer.texts("//domain:contact/@type"), answer.texts("//domain:contact"), strict=True)
        )
        servers = [
            (
                answer.texts("//domain:hostAttr/domain:hostName")[number - 1],
                sorted(
                    zip(
                        answer.texts(f"//domain:hostAttr[{number}]/domain:hostAddr/@ip"),
                        answer.texts(f"//domain:hostAttr[{number}]/domain:hostAddr"),
                        strict=True,
                    )
                ),
            )
            for number in range(1, len(answer.texts("//domain:hostAttr")) + 1)
        ]
        columns = [answer.texts(f"//secDNS:{name}") for name in ("keyTag", "alg", "digestType", "digest")]
        records = [
            DS(int(tag), int(algorithm), int(kind), digest)
            for tag, algorithm, kind, digest in zip(*columns, strict=True)
        ]
        statuses = set(answer.texts("//domain:status/@s"))
        return cls(answer.text("//domain:registrant") or "", contacts, servers, records, statuses)


def statuses(hold: bool, servers: object) -> set[str]:
    found = ({"clientHold"} if hold else set()) | (set() if servers else {"inactive"})
    return found or {"ok"}


def hosts_xml(name: str, servers: list[Server]) -> str:
    return f"<domain:ns>{''.join(server.xml(name) for server in servers)}</domain:ns>" if servers else ""


def secured(verb: str, records: list[DS]) -> str:
    inner = "".join(ds.xml() for ds in records)
    return documents.payload("secDNS", verb, inner) if records else ""


def contacts_xml(contacts: dict[str, str]) -> str:
    return "".join(
        f'<domain:contact type="{kind}">{handle_id}</domain:contact>' for kind, handle_id in contacts.items()
    )


def info(real: Site, name: str) -> Answer:
    return real.conversation.one(documents.domain("info", f"<domain:name>{name}</domain:name>"))


@QUICK
@given(
    label=LABEL | INTERNATIONAL,
    zone=st.sampled_from(ZONES),
    term=TERMS,
    servers=SERVERS,
    records=RECORDS,
    types=TYPES,
)
def test_a_domain_is_shown_as_it_was_created(
    real: Site,
    handles: list[str],
    label: str,
    zone: str,
    term: tuple[str, int],
    servers: list[Server],
    records: list[DS],
    types: dict[str, int],
) -> None:
    if not label.startswith("xn--"):
        label = f"{label}-{next(NUMBERS)}"
    elif info(real, f"{label}.{zone}").code == 1000:
        return  # it was drawn before
    name, unit, count = f"{label}.{zone}", *term
    contacts = {kind: handles[number] for kind, number in types.items()}
    records = records if servers else []

    created = real.conversation.one(
        documents.domain(
            "create",
            f'<domain:name>{name}</domain:name><domain:period unit="{unit}">{count}</domain:period>'
            f"{hosts_xml(name, servers)}<domain:registrant>{handles[0]}</domain:registrant>"
            f"{contacts_xml(contacts)}{documents.SECRET}",
            secured("create", records),
        )
    )
    found = info(real, name)

    assert (created.code, created.text("//domain:name")) == (1000, name.lower()), created
    assert found.text("//domain:infData/domain:name") == name.lower()
    assert Shown.read(found) == Shown(
        handles[0],
        contacts,
        [server.expected(name) for server in servers],
        records,
        statuses(False, servers),
    )
    for date in ("crDate", "exDate"):
        assert found.text(f"//domain:{date}") == created.text(f"//domain:{date}")
    assert months_between(created) == count * (12 if unit == "y" else 1)


def months_between(answer: Answer) -> int:
    """From crDate to exDate, by the registry's calendar."""
    registered, expires = (
        datetime.fromisoformat(answer.text(f"//domain:{name}") or "").astimezone(ZoneInfo("Pacific/Auckland"))
        for name in ("crDate", "exDate")
    )
    assert expires.day == registered.day or expires.day < registered.day <= 31
    return (expires.year - registered.year) * 12 + expires.month - registered.month


CHANGES = st.tuples(SERVERS, RECORDS, TYPES, st.integers(0, 2), st.booleans())


@settings(QUICK, max_examples=20)
@given(changes=st.lists(CHANGES, min_size=1, max_size=4))
def test_a_domain_is_shown_as_it_was_changed(
    real: Site, handles: list[str], changes: list[tuple[list[Server], list[DS], dict[str, int], int, bool]]
) -> None:
    name = f"changed-{next(NUMBERS)}.nz"
    named = f"<domain:name>{name}</domain:name>"
    registrant = f"<domain:registrant>{handles[0]}</domain:registrant>"
    created = real.conversation.one(documents.domain("create", named + registrant + documents.SECRET))
    assert created.code == 1000
    servers: list[Server] = []
    records: list[DS] = []
    contacts: dict[str, str] = {}
    held = False

    for new_servers, new_records, types, number, hold in changes:
        new_contacts = {kind: handles[number] for kind, number in types.items()}
        if not new_servers:
            new_records = []
        changed = [kind for kind in ("admin", "tech") if contacts.get(kind) != new_contacts.get(kind)]
        gone, come = difference(servers, new_servers)
        gone_records, come_records = difference(records, new_records)
        status = '<domain:status s="clientHold"/>'
        add = (
            hosts_xml(name, come)
            + contacts_xml({kind: new_contacts[kind] for kind in changed if kind in new_contacts})
            + (status if hold and not held else "")
        )
        rem = (
            hosts_xml(name, gone)
            + contacts_xml({kind: contacts[kind] for kind in changed if kind in contacts})
            + (status if held and not hold else "")
        )
        signing = "".join(
            f"<secDNS:{verb}>{''.join(ds.xml() for ds in some)}</secDNS:{verb}>"
            for verb, some in (("rem", gone_records), ("add", come_records))
            if some
        )
        answer = real.conversation.one(
            documents.domain(
                "update",
                f"{named}{f'<domain:add>{add}</domain:add>' if add else ''}"
                f"{f'<domain:rem>{rem}</domain:rem>' if rem else ''}"
                f"<domain:chg><domain:registrant>{handles[number]}</domain:registrant></domain:chg>",
                documents.payload("secDNS", "update", signing) if signing else "",
            )
        )
        servers = [one for one in servers if one not in gone] + come
        records = [one for one in records if one not in gone_records] + come_records
        contacts, held = new_contacts, hold

        assert answer.code == 1000, answer
        assert Shown.read(info(real, name)) == Shown(
            handles[number],
            contacts,
            [server.expected(name) for server in servers],
            records,
            statuses(held, servers),
        )


T = TypeVar("T")


def difference(old: list[T], new: list[T]) -> tuple[list[T], list[T]]:
    """What of the old has to go, and what of the new has to come."""
    return [one for one in old if one not in new], [one for one in new if one not in old]


# -- what is no object


@QUICK
@given(trid=st.text(CHARACTERS, min_size=3, max_size=64).filter(lambda text: len(collapsed(text)) >= 3))
def test_a_cltrid_comes_back(real: Site, trid: str) -> None:
    [answer] = real.conversation.ask(check("a.nz", trid=written(trid)))

    assert (answer.code, answer.client_trid) == (1000, collapsed(trid))


@settings(QUICK, max_examples=15)
@given(password=st.text(CHARACTERS, min_size=6, max_size=16).filter(lambda text: len(collapsed(text)) >= 6))
def test_a_new_password_opens_the_next_session(real: Site, password: str) -> None:
    new = f"<newPW>{written(password)}</newPW>"
    assert real.connect().one(LOGIN.replace("<options>", f"{new}<options>")).code == 1000
    try:
        assert real.connect().one(LOGIN.replace(PASSWORD, written(password))).code == 1000
        assert real.connect().one(LOGIN).code == (1000 if collapsed(password) == PASSWORD else 2200)
    finally:
        back = LOGIN.replace(PASSWORD, written(password)).replace(
            "<options>", f"<newPW>{PASSWORD}</newPW><options>"
        )
        assert real.connect().one(back).code == 1000
