"""Lives of domains and contacts between registrars 100 and 101, over TLS, with a clock that is moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from srs_epp.epp import namespaces
from srs_epp.srs.times import NEW_ZEALAND
from tests.end_to_end.client import CONTACT, DOMAIN, EPP, SECDNS, Answer, Client, command, login
from tests.end_to_end.process import Process, Sandbox

VALUE = namespaces.VALUE
RGP = "urn:ietf:params:xml:ns:rgp-1.0"
RESTORE = f'<r:update xmlns:r="{RGP}"><r:restore op="request"/></r:update>'
REPORT = (
    f'<r:update xmlns:r="{RGP}"><r:restore op="report"><r:report><r:preData>x</r:preData>'
    "<r:postData>x</r:postData><r:delTime>2024-02-29T00:00:00Z</r:delTime>"
    "<r:resTime>2024-02-29T00:00:00Z</r:resTime><r:resReason>x</r:resReason><r:statement>x</r:statement>"
    "<r:statement>x</r:statement></r:report></r:restore></r:update>"
)
DIGEST = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
OTHER_DIGEST = DIGEST[::-1]
WRONG = "Hk7mNp2Q"  # a UDAI that could be one
AUTH = "<d:authInfo><d:pw>not used</d:pw></d:authInfo>"


class Registrar:
    """A session of one registrar."""

    def __init__(self, client: Client, number: int) -> None:
        self.client = client
        self.number = number

    def ask(self, inner: str, extension: str = "", trid: str | None = None) -> Answer:
        extended = f"<extension>{extension}</extension>" if extension else ""
        return self.client.ask(command(inner + extended, trid))

    def done(self, inner: str, extension: str = "", trid: str | None = None) -> Answer:
        answer = self.ask(inner, extension, trid)
        assert answer.code == 1000, answer.xml
        return answer

    def code(self, inner: str, extension: str = "") -> int:
        return self.ask(inner, extension).code

    def info(self, name: str) -> Answer:
        return self.done(info(name))

    def statuses(self, name: str) -> list[str]:
        return statuses(self.info(name))

    def messages(self) -> list[Answer]:
        """Everything on the queue, counted right and acknowledged one by one."""
        found: list[Answer] = []
        while (message := self.ask('<poll op="req"/>')).code == 1301:
            found.append(message)
            acknowledged = self.done(f'<poll op="ack" msgID="{queue(message)["id"]}"/>')
            assert int(queue(acknowledged)["count"]) == int(queue(message)["count"]) - 1
        assert message.code == 1300
        return found

    def udai(self, name: str) -> str:
        """The authInfo that the last of the messages brings."""
        [last] = [message for message in self.messages() if message.texts("pw")][-1:]
        assert last.texts("name") == [name]
        return last.texts("pw")[0]


@pytest.fixture
def sandbox_of_its_own(start: Callable[..., Sandbox]) -> Sandbox:
    return start()


@pytest.fixture
def registrars(sandbox_of_its_own: Sandbox) -> Iterator[tuple[Registrar, Registrar]]:
    """Registrars 100 and 101, logged in with all that is on offer."""
    with ExitStack() as stack:
        found = []
        for number in (100, 101):
            client = stack.enter_context(Client(sandbox_of_its_own))
            assert client.read().is_greeting
            document = login(sandbox_of_its_own.registrar(number))
            document = document.replace("</svcExtension>", f"<extURI>{RGP}</extURI></svcExtension>")
            assert client.ask(document).code == 1000
            found.append(Registrar(client, number))
        yield found[0], found[1]


@pytest.fixture
def holder(registrars: tuple[Registrar, Registrar]) -> Registrar:
    """Registrar 100, which holds kea.nz with all its parts, and the contacts ann-1, bob-1 and cat-1."""
    holder, _ = registrars
    for handle in ("ann-1", "bob-1", "cat-1"):
        holder.done(create_contact(handle))
    holder.done(create("kea.nz"), create_ds(DIGEST))
    return holder


@pytest.fixture
def other(registrars: tuple[Registrar, Registrar]) -> Registrar:
    """Registrar 101."""
    return registrars[1]


@pytest.fixture
def later(sandbox_of_its_own: Sandbox) -> Callable[[str], None]:
    """Move the clock of the registry, as its user would."""

    def move(period: str) -> None:
        data = str(sandbox_of_its_own.data)
        mover = Process(sandbox_of_its_own.folder / "mover", ["sandbox", "--data", data, "--advance", period])
        assert mover.wait() == 0, mover.log

    return move


# -- what is said


def create_contact(handle: str, more: str = "") -> str:
    return (
        f'<create><c:create><c:id>{handle}</c:id><c:postalInfo type="int"><c:name>{handle} Example</c:name>'
        "<c:addr><c:street>1 Sample Street</c:street><c:city>Nelson</c:city><c:pc>7010</c:pc><c:cc>NZ</c:cc>"
        "</c:addr></c:postalInfo><c:voice>+64.35550100</c:voice><c:fax>+64.35550101</c:fax>"
        f"<c:email>{handle}@example.net</c:email><c:authInfo><c:pw>unused</c:pw></c:authInfo>{more}"
        "</c:create></create>"
    )


def contact(verb: str, handle: str, more: str = "") -> str:
    return f"<{verb}><c:{verb}><c:id>{handle}</c:id>{more}</c:{verb}></{verb}>"


def server(name: str, v4: str = "", v6: str = "") -> str:
    first = f"<d:hostAddr>{v4}</d:hostAddr>" if v4 else ""
    second = f'<d:hostAddr ip="v6">{v6}</d:hostAddr>' if v6 else ""
    return f"<d:hostAttr><d:hostName>{name}</d:hostName>{first}{second}</d:hostAttr>"


def ns(*servers: str) -> str:
    return f"<d:ns>{''.join(servers)}</d:ns>"


def create(name: str, months: int = 12, servers: str = "", contacts: str = "") -> str:
    """A domain with two servers and three contacts, unless told otherwise."""
    servers = servers or ns(server(f"ns1.{name}", "192.0.2.1", "2001:db8::1"), server("ns2.example.net"))
    contacts = contacts or '<d:contact type="admin">bob-1</d:contact><d:contact type="tech">cat-1</d:contact>'
    return (
        f'<create><d:create><d:name>{name}</d:name><d:period unit="m">{months}</d:period>{servers}'
        f"<d:registrant>ann-1</d:registrant>{contacts}{AUTH}</d:create></create>"
    )


def domain(verb: str, name: str, more: str = "") -> str:
    return f"<{verb}><d:{verb}><d:name>{name}</d:name>{more}</d:{verb}></{verb}>"


def info(name: str, auth_info: str = "") -> str:
    secret = f"<d:authInfo><d:pw>{auth_info}</d:pw></d:authInfo>" if auth_info else ""
    return domain("info", name, secret)


def update(name: str, *, add: str = "", rem: str = "", chg: str = "") -> str:
    parts = (("add", add), ("rem", rem), ("chg", chg))
    return domain("update", name, "".join(f"<d:{part}>{inner}</d:{part}>" for part, inner in parts if inner))


def renew(name: str, expiry: str, months: int = 12) -> str:
    more = f'<d:curExpDate>{expiry[:10]}</d:curExpDate><d:period unit="m">{months}</d:period>'
    return domain("renew", name, more)


def transfer(name: str, auth_info: str, months: int = 0, op: str = "request") -> str:
    period = f'<d:period unit="m">{months}</d:period>' if months else ""
    return (
        f'<transfer op="{op}"><d:transfer><d:name>{name}</d:name>{period}'
        f"<d:authInfo><d:pw>{auth_info}</d:pw></d:authInfo></d:transfer></transfer>"
    )


def ds(digest: str) -> str:
    return (
        "<s:dsData><s:keyTag>2371</s:keyTag><s:alg>8</s:alg><s:digestType>2</s:digestType>"
        f"<s:digest>{digest}</s:digest></s:dsData>"
    )


def create_ds(digest: str) -> str:
    return f"<s:create>{ds(digest)}</s:create>"


def update_ds(*, rem: str = "", add: str = "") -> str:
    removed = f"<s:rem>{rem}</s:rem>" if rem else ""
    added = f"<s:add>{add}</s:add>" if add else ""
    return f"<s:update>{removed}{added}</s:update>"


# -- what is seen


def queue(answer: Answer) -> dict[str, str]:
    """Count and id of the queue."""
    found = answer.root.find(f".//{{{EPP}}}msgQ")
    assert found is not None, answer.xml
    return {str(name): str(value) for name, value in found.items()}


def text(message: Answer) -> str:
    found = message.root.findtext(f".//{{{EPP}}}msgQ/{{{EPP}}}msg")
    assert found is not None
    return found


def statuses(answer: Answer) -> list[str]:
    return [str(status.get("s")) for status in answer.root.iter(f"{{{DOMAIN}}}status")]


def grace(answer: Answer) -> list[str]:
    return [str(status.get("s")) for status in answer.root.iter(f"{{{RGP}}}rgpStatus")]


def contacts(answer: Answer) -> dict[str, str]:
    return {str(one.get("type")): one.text or "" for one in answer.root.iter(f"{{{DOMAIN}}}contact")}


def moment(answer: Answer, name: str) -> datetime:
    [found] = answer.texts(name)
    return datetime.strptime(found, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def months_later(before: datetime, months: int) -> datetime:
    """The same day and time of day in New Zealand; a shorter month's last day."""
    local = before.astimezone(NEW_ZEALAND)
    years, month = divmod(local.month - 1 + months, 12)
    for day in range(local.day, 27, -1):
        try:
            return local.replace(year=local.year + years, month=month + 1, day=day)
        except ValueError:
            continue
    return local.replace(year=local.year + years, month=month + 1)


# -- birth


def test_the_auth_info_of_a_new_domain_comes_by_poll_and_nowhere_else(holder: Registrar) -> None:
    assert holder.info("kea.nz").texts("authInfo") == []

    [message] = holder.messages()

    assert text(message) == "Domain Create"
    assert message.texts("name") == ["kea.nz"]
    assert statuses(message) == ["ok"]
    assert len(message.texts("pw")[0]) == 8
    assert holder.messages() == []


def test_a_message_comes_again_until_it_is_acknowledged(holder: Registrar) -> None:
    holder.done(create("weka.nz"))

    first, again = holder.ask('<poll op="req"/>'), holder.ask('<poll op="req"/>')

    assert queue(first) == queue(again)
    assert queue(first)["count"] == "2"
    taken = holder.done(f'<poll op="ack" msgID="{queue(first)["id"]}"/>')
    assert queue(taken) == {"count": "1", "id": queue(first)["id"]}
    assert holder.code(f'<poll op="ack" msgID="{queue(first)["id"]}"/>') == 2303
    assert holder.ask('<poll op="req"/>').texts("name") == ["weka.nz"]


def test_a_message_is_known_by_the_clients_own_transaction_id(holder: Registrar) -> None:
    holder.messages()
    trid = "Kākāpō 100%+ (1)"
    holder.done(create("weka.nz"), trid=trid)

    [message] = holder.messages()

    assert queue(message)["id"] == "0100Kākāpō+100%25%2B+(1)"


def test_the_auth_info_is_proved_right_and_wrong(holder: Registrar, other: Registrar) -> None:
    udai = holder.udai("kea.nz")

    assert holder.code(info("kea.nz", udai)) == 1000
    assert holder.code(info("kea.nz", WRONG)) == 2202
    assert holder.code(info("kea.nz", udai.swapcase())) == 2202
    assert other.code(info("kea.nz", WRONG)) == 2202
    assert other.code(info("kea.nz", udai)) == 2201, "the SRS does not tell who holds it"
    assert other.code(info("kea.nz")) == 2201
    assert holder.code(info("nobody.nz", udai)) == 2303


def test_the_same_command_again_is_done_once_and_another_with_its_id_is_refused(holder: Registrar) -> None:
    holder.messages()
    first = holder.done(create("weka.nz"), trid="once-1")

    again = holder.done(create("weka.nz"), trid="once-1")
    refused = holder.ask(create("tui.nz"), trid="once-1")

    assert again.texts("crDate") == first.texts("crDate")
    assert refused.code == 2306
    assert refused.texts("value", VALUE) == ["once-1"]
    assert len(holder.messages()) == 1


# -- updates of each kind


def test_name_servers_are_added_removed_and_changed(holder: Registrar) -> None:
    holder.done(update("kea.nz", add=ns(server("ns3.example.net"), server("ns4.kea.nz", "192.0.2.4"))))
    assert holder.info("kea.nz").texts("hostName") == [
        "ns1.kea.nz",
        "ns2.example.net",
        "ns3.example.net",
        "ns4.kea.nz",
    ]

    holder.done(update("kea.nz", rem=ns(server("NS2.example.net"))))
    holder.done(update("kea.nz", add=ns(server("ns1.kea.nz", "192.0.2.99")), rem=ns(server("ns1.kea.nz"))))

    shown = holder.info("kea.nz")
    assert shown.texts("hostName") == ["ns3.example.net", "ns4.kea.nz", "ns1.kea.nz"]
    assert shown.texts("hostAddr") == ["192.0.2.4", "192.0.2.99"]


def test_a_domain_without_name_servers_is_inactive(holder: Registrar) -> None:
    both = ns(server("ns1.kea.nz"), server("ns2.example.net"))
    assert holder.code(update("kea.nz", rem=both)) >= 2000, "its DS records need them"
    holder.done(update("kea.nz"), update_ds(rem="<s:all>true</s:all>"))

    holder.done(update("kea.nz", rem=both))

    assert holder.statuses("kea.nz") == ["inactive"]
    assert holder.info("kea.nz").texts("ns") == []


def test_contacts_are_added_removed_and_replaced(holder: Registrar) -> None:
    admin = '<d:contact type="admin">{}</d:contact>'.format
    tech = '<d:contact type="tech">{}</d:contact>'.format
    assert contacts(holder.info("kea.nz")) == {"admin": "bob-1", "tech": "cat-1"}

    holder.done(update("kea.nz", add=admin("ann-1"), rem=admin("bob-1")))
    assert contacts(holder.info("kea.nz")) == {"admin": "ann-1", "tech": "cat-1"}

    holder.done(update("kea.nz", rem=tech("cat-1")))
    assert "tech" not in contacts(holder.info("kea.nz"))

    holder.done(update("kea.nz", add=tech("bob-1")))
    assert contacts(holder.info("kea.nz")) == {"admin": "ann-1", "tech": "bob-1"}
    assert holder.code(update("kea.nz", add=tech("cat-1"))) == 2306
    assert holder.code(update("kea.nz", rem=tech("cat-1"))) == 2002


def test_a_hold_is_put_and_taken_away(holder: Registrar) -> None:
    hold = '<d:status s="clientHold">Unpaid</d:status>'

    holder.done(update("kea.nz", add=hold))
    assert holder.statuses("kea.nz") == ["clientHold"]

    holder.done(update("kea.nz", rem=hold))
    assert holder.statuses("kea.nz") == ["ok"]


def test_the_registrant_changes(holder: Registrar) -> None:
    holder.done(update("kea.nz", chg="<d:registrant>cat-1</d:registrant>"))

    assert holder.info("kea.nz").texts("registrant") == ["cat-1"]


@pytest.mark.parametrize("new", [AUTH, "<d:authInfo><d:null/></d:authInfo>"])
def test_a_new_auth_info_is_made_and_the_old_one_void(holder: Registrar, new: str) -> None:
    old = holder.udai("kea.nz")

    holder.done(update("kea.nz", chg=new))

    [message] = holder.messages()
    assert text(message) == "New UDAI"
    [udai] = message.texts("pw")
    assert udai != old
    assert holder.code(info("kea.nz", old)) == 2202
    assert holder.code(info("kea.nz", udai)) == 1000
    assert holder.code(info("kea.nz", "not used")) == 2202


def test_ds_records_are_added_removed_and_replaced(holder: Registrar) -> None:
    def digests() -> list[str]:
        return [digest.lower() for digest in holder.info("kea.nz").texts("digest", SECDNS)]

    assert digests() == [DIGEST]
    holder.done(update("kea.nz"), update_ds(add=ds(OTHER_DIGEST)))
    assert digests() == [DIGEST, OTHER_DIGEST]
    holder.done(update("kea.nz"), update_ds(rem=ds(DIGEST.upper())))
    assert digests() == [OTHER_DIGEST]
    holder.done(update("kea.nz"), update_ds(rem="<s:all>true</s:all>", add=ds(DIGEST)))
    assert digests() == [DIGEST]
    holder.done(update("kea.nz"), update_ds(rem="<s:all>true</s:all>"))
    assert digests() == []


def test_all_of_it_changes_in_one_command(holder: Registrar) -> None:
    holder.messages()
    everything = update(
        "kea.nz",
        add=ns(server("ns3.example.net"))
        + '<d:contact type="admin">ann-1</d:contact><d:status s="clientHold"/>',
        rem=ns(server("ns2.example.net")) + '<d:contact type="admin">bob-1</d:contact>'
        '<d:contact type="tech">cat-1</d:contact>',
        chg=f"<d:registrant>bob-1</d:registrant>{AUTH}",
    )

    holder.done(everything, update_ds(rem=ds(DIGEST), add=ds(OTHER_DIGEST)))

    shown = holder.info("kea.nz")
    assert shown.texts("hostName") == ["ns1.kea.nz", "ns3.example.net"]
    assert shown.texts("hostAddr") == ["192.0.2.1", "2001:db8::1"]
    assert contacts(shown) == {"admin": "ann-1"}
    assert shown.texts("registrant") == ["bob-1"]
    assert statuses(shown) == ["clientHold"]
    assert [digest.lower() for digest in shown.texts("digest", SECDNS)] == [OTHER_DIGEST]
    assert [text(message) for message in holder.messages()] == ["New UDAI"]


def test_a_change_shows_who_made_it_and_when(holder: Registrar, later: Callable[[str], None]) -> None:
    assert holder.info("kea.nz").texts("upDate") == []
    later("1h")

    holder.done(update("kea.nz", chg="<d:registrant>bob-1</d:registrant>"))

    shown = holder.info("kea.nz")
    assert shown.texts("upID") == ["100"]
    passed = moment(shown, "upDate") - moment(shown, "crDate")
    assert timedelta(hours=1) <= passed < timedelta(hours=2)


def test_a_refused_update_changes_nothing(holder: Registrar) -> None:
    before = holder.info("kea.nz")

    assert (
        holder.code(
            update("kea.nz", add=ns(server("ns3.example.net")), chg="<d:registrant>nobody</d:registrant>")
        )
        == 2303
    )

    after = holder.info("kea.nz")
    assert after.texts("hostName") == before.texts("hostName")
    assert after.texts("registrant") == ["ann-1"]


# -- renewal


def test_a_renewal_adds_its_months_to_the_expiry(holder: Registrar) -> None:
    before = moment(holder.info("kea.nz"), "exDate")

    renewed = holder.done(renew("kea.nz", before.isoformat(), 7))

    assert moment(renewed, "exDate") == months_later(before, 7)
    assert holder.info("kea.nz").texts("exDate") == renewed.texts("exDate")
    assert holder.code(renew("kea.nz", before.isoformat(), 7)) == 2304
    assert holder.code(renew("kea.nz", renewed.texts("exDate")[0], 99)) == 1000
    last = holder.info("kea.nz").texts("exDate")[0]
    assert holder.code(renew("kea.nz", last, 99)) == 2306, "further than ten years ahead"


def test_an_expiry_may_be_named_by_the_day_it_has_in_new_zealand(holder: Registrar) -> None:
    expiry = moment(holder.info("kea.nz"), "exDate").astimezone(NEW_ZEALAND)

    assert holder.code(renew("kea.nz", expiry.isoformat())) == 1000


def test_a_domain_whose_time_is_over_is_renewed_by_the_registry_with_a_message(
    holder: Registrar, later: Callable[[str], None]
) -> None:
    holder.done(create("weka.nz", months=1))
    holder.messages()
    before = moment(holder.info("weka.nz"), "exDate")
    later("70d")

    renewals = holder.messages()

    assert [text(message) for message in renewals] == ["Domain Renewal"] * 2
    assert [message.texts("name") for message in renewals] == [["weka.nz"]] * 2
    assert [moment(message, "exDate") for message in renewals] == [
        months_later(before, 1),
        months_later(before, 2),
    ]
    shown = holder.info("weka.nz")
    assert moment(shown, "exDate") == months_later(before, 2)
    assert shown.texts("upID") == ["001"]


# -- transfer


def test_a_transfer_is_refused_in_the_grace_period_and_to_oneself(
    holder: Registrar, other: Registrar, later: Callable[[str], None]
) -> None:
    udai = holder.udai("kea.nz")

    assert other.code(transfer("kea.nz", udai)) == 2304
    later("6d")
    assert other.code(transfer("kea.nz", WRONG)) == 2202
    assert other.code(transfer("kea.nz", "impossible")) == 2202
    assert other.code(transfer("nobody.nz", udai)) == 2303
    assert holder.code(transfer("kea.nz", udai)) == 2106
    for op in ("query", "approve", "cancel", "reject"):
        assert other.code(transfer("kea.nz", udai, op=op)) == 2102
    assert holder.code(info("kea.nz", udai)) == 1000, "it is not used up"


def test_a_domain_changes_hands(holder: Registrar, other: Registrar, later: Callable[[str], None]) -> None:
    udai, before = holder.udai("kea.nz"), holder.info("kea.nz")
    later("6d")

    moved = other.done(transfer("kea.nz", udai))

    assert moved.texts("trStatus") == ["serverApproved"]
    assert moved.texts("reID") == moved.texts("acID") == ["101"]
    assert moved.texts("reDate") == moved.texts("acDate")
    assert moved.texts("exDate") == []
    shown = other.info("kea.nz")
    assert shown.texts("clID") == ["101"]
    for kept in ("roid", "hostName", "hostAddr", "crDate", "exDate"):
        assert shown.texts(kept) == before.texts(kept)
    assert [digest.lower() for digest in shown.texts("digest", SECDNS)] == [DIGEST]
    assert holder.code(info("kea.nz")) == 2201
    assert holder.code(update("kea.nz", chg=AUTH)) == 2201
    assert other.code(info("kea.nz", udai)) == 2202, "it is good for one transfer"


def test_the_loser_of_a_domain_is_told_and_nobody_else(
    holder: Registrar, other: Registrar, later: Callable[[str], None]
) -> None:
    udai = holder.udai("kea.nz")
    later("6d")
    moved = other.done(transfer("kea.nz", udai), trid="Take over 1")

    [message] = holder.messages()

    assert text(message) == "Domain Transfer"
    assert queue(message)["id"] == "0101Take+over+1"
    assert message.texts("name") == ["kea.nz"]
    assert message.texts("trStatus") == ["serverApproved"]
    assert (message.texts("reID"), message.texts("acID")) == (["101"], ["100"])
    assert message.texts("reDate") == moved.texts("reDate")
    assert other.messages() == []


def test_the_contacts_of_a_transferred_domain_are_handles_of_its_new_registrar(
    holder: Registrar, other: Registrar, later: Callable[[str], None]
) -> None:
    udai = holder.udai("kea.nz")
    later("6d")
    other.done(transfer("kea.nz", udai))

    shown = other.info("kea.nz")

    handles = {"registrant": shown.texts("registrant")[0], **contacts(shown)}
    assert sorted(handles) == ["admin", "registrant", "tech"]
    for kind, name in (("registrant", "ann-1"), ("admin", "bob-1"), ("tech", "cat-1")):
        seen = other.done(contact("info", handles[kind]))
        assert seen.texts("email", CONTACT) == [f"{name}@example.net"]
        assert seen.texts("clID", CONTACT) == ["101"]
        assert holder.done(contact("info", name)).texts("clID", CONTACT) == ["100"]
        assert holder.done(contact("delete", name)), "nothing of its own names it any more"
        assert other.code(contact("delete", handles[kind])) == 2305


def test_a_transfer_with_a_period_renews(
    holder: Registrar, other: Registrar, later: Callable[[str], None]
) -> None:
    udai, before = holder.udai("kea.nz"), moment(holder.info("kea.nz"), "exDate")
    later("6d")

    moved = other.done(transfer("kea.nz", udai, months=5))

    assert moment(moved, "exDate") == months_later(before, 5)
    assert other.info("kea.nz").texts("exDate") == moved.texts("exDate")


def test_a_domain_comes_back_with_an_auth_info_of_its_new_registrar(
    holder: Registrar, other: Registrar, later: Callable[[str], None]
) -> None:
    udai = holder.udai("kea.nz")
    later("6d")
    other.done(transfer("kea.nz", udai))
    other.done(update("kea.nz", chg=AUTH))

    holder.done(transfer("kea.nz", other.udai("kea.nz")))

    assert holder.info("kea.nz").texts("clID") == ["100"]
    assert [text(message) for message in other.messages()] == ["Domain Transfer"]


def test_an_auth_info_is_good_for_thirty_days(
    holder: Registrar, other: Registrar, later: Callable[[str], None]
) -> None:
    udai = holder.udai("kea.nz")
    later("31d")

    assert other.code(transfer("kea.nz", udai)) == 2202
    assert holder.code(info("kea.nz", udai)) == 2202


# -- deletion, restoration, release


def test_a_domain_deleted_in_its_grace_period_is_gone_at_once(holder: Registrar, other: Registrar) -> None:
    assert grace(holder.info("kea.nz")) == ["addPeriod"]

    holder.done(domain("delete", "kea.nz"))

    assert holder.code(info("kea.nz")) == 2303
    checked = other.done("<check><d:check><d:name>kea.nz</d:name></d:check></check>")
    assert [name.get("avail") for name in checked.root.iter(f"{{{DOMAIN}}}name")] == ["1"]
    holder.done(create("kea.nz"))
    assert holder.code(domain("delete", "kea.nz")) == 2308, "not so often"


def test_a_domain_deleted_later_is_pending(holder: Registrar, later: Callable[[str], None]) -> None:
    later("6d")
    assert grace(holder.info("kea.nz")) == []

    deleted = holder.ask(domain("delete", "kea.nz"))

    assert deleted.code == 1001
    shown = holder.info("kea.nz")
    assert statuses(shown) == ["pendingDelete"]
    assert grace(shown) == ["redemptionPeriod"]
    assert moment(shown, "exDate") == moment(shown, "upDate"), "when it was cancelled"
    checked = holder.done("<check><d:check><d:name>kea.nz</d:name></d:check></check>")
    assert checked.texts("reason") == ["Pending release"]
    assert holder.code(update("kea.nz", chg=AUTH)) == 2304
    assert holder.code(update("kea.nz", add=ns(server("ns9.example.net")))) == 2304
    assert holder.code(create("kea.nz")) == 2302
    assert holder.code(domain("delete", "kea.nz")) >= 2000


def test_a_pending_domain_is_restored_by_its_holder_only(
    holder: Registrar, other: Registrar, later: Callable[[str], None]
) -> None:
    before = holder.info("kea.nz")
    assert holder.code(update("kea.nz"), RESTORE) == 2304
    later("6d")
    assert holder.code(domain("delete", "kea.nz")) == 1001
    assert other.code(update("kea.nz"), RESTORE) == 2201
    assert holder.code(update("kea.nz", chg=AUTH), RESTORE) == 2306
    assert holder.code(update("kea.nz"), REPORT) == 2304

    restored = holder.done(update("kea.nz", chg=" "), RESTORE)

    assert restored.texts("upData", RGP) == []
    shown = holder.info("kea.nz")
    assert (statuses(shown), grace(shown)) == (["ok"], [])
    for kept in ("hostName", "registrant", "exDate", "crDate"):
        assert shown.texts(kept) == before.texts(kept)
    assert contacts(shown) == contacts(before)
    assert holder.code(update("nobody.nz"), RESTORE) == 2303


def test_a_pending_domain_is_released_after_ninety_days_and_another_may_have_it(
    holder: Registrar, other: Registrar, later: Callable[[str], None]
) -> None:
    later("6d")
    holder.ask(domain("delete", "kea.nz"))
    holder.messages()
    later("89d")
    assert other.code(create("kea.nz")) == 2302

    later("2d")

    assert holder.code(info("kea.nz")) == 2303
    assert holder.code(update("kea.nz"), RESTORE) == 2303
    assert [text(message) for message in holder.messages() if message.texts("name") == ["kea.nz"]] == []
    other.done(create_contact("ann-1"))
    other.done(create("kea.nz", contacts='<d:contact type="admin">ann-1</d:contact>'))
    assert other.info("kea.nz").texts("clID") == ["101"]


def test_a_pending_domain_changes_hands_and_stays_pending(
    holder: Registrar, other: Registrar, later: Callable[[str], None]
) -> None:
    udai = holder.udai("kea.nz")
    later("6d")
    holder.ask(domain("delete", "kea.nz"))

    moved = other.done(transfer("kea.nz", udai))

    shown = other.info("kea.nz")
    assert statuses(shown) == ["pendingDelete"]
    assert moved.texts("exDate") == shown.texts("exDate")
    other.done(update("kea.nz"), RESTORE)
    assert other.statuses("kea.nz") == ["ok"]


def test_a_pending_domain_that_changes_hands_with_a_period_is_restored_and_renewed(
    holder: Registrar, other: Registrar, later: Callable[[str], None]
) -> None:
    udai, before = holder.udai("kea.nz"), moment(holder.info("kea.nz"), "exDate")
    later("6d")
    holder.ask(domain("delete", "kea.nz"))

    moved = other.done(transfer("kea.nz", udai, months=1))

    assert other.statuses("kea.nz") == ["ok"]
    assert moment(moved, "exDate") == months_later(before, 1)


def test_a_renewal_is_taken_back_by_a_deletion_in_its_grace_period(
    holder: Registrar, later: Callable[[str], None]
) -> None:
    before = holder.info("kea.nz").texts("exDate")
    later("6d")
    holder.done(renew("kea.nz", before[0]))

    assert holder.code(domain("delete", "kea.nz")) == 1001

    holder.done(update("kea.nz"), RESTORE)
    assert holder.info("kea.nz").texts("exDate") == before


# -- contacts


def test_a_contact_lives_and_dies(holder: Registrar, other: Registrar, later: Callable[[str], None]) -> None:
    holder.done(create_contact("dan-1", '<c:disclose flag="0"><c:voice/></c:disclose>'))
    assert holder.code(create_contact("dan-1")) == 2302
    assert other.code(contact("info", "dan-1")) == 2303
    later("1h")
    change = (
        '<c:chg><c:postalInfo type="loc"><c:name>Dān</c:name><c:addr><c:street>2 Other Street</c:street>'
        "<c:city>Ōtaki</c:city><c:cc>NZ</c:cc></c:addr></c:postalInfo>"
        '<c:voice x="7">+64.43550102</c:voice><c:fax/><c:email>other@example.net</c:email></c:chg>'
    )

    holder.done(contact("update", "dan-1", change))

    shown = holder.done(contact("info", "dan-1"))
    assert shown.texts("name", CONTACT) == ["Dān"]
    assert shown.texts("street", CONTACT) == ["2 Other Street"]
    assert (shown.texts("pc", CONTACT), shown.texts("fax", CONTACT)[:-1]) == ([], [])
    assert shown.texts("voice", CONTACT)[0] == "+64.43550102"
    assert shown.texts("email", CONTACT) == ["other@example.net"]
    assert shown.texts("upID", CONTACT) == ["100"]
    assert len(list(shown.root.iter(f"{{{CONTACT}}}disclose"))) == 1
    assert other.code(contact("update", "dan-1", change)) == 2303
    assert other.code(contact("delete", "dan-1")) == 2303
    assert holder.code(contact("delete", "ann-1")) == 2305
    holder.done(contact("delete", "dan-1"))
    assert holder.code(contact("info", "dan-1")) == 2303


def test_a_contact_that_nothing_names_for_long_is_deleted_with_a_message(
    holder: Registrar, later: Callable[[str], None]
) -> None:
    holder.done(create_contact("dan-1"))
    holder.messages()
    later("91d")

    [message] = holder.messages()

    assert text(message) == "HandleUpdate"
    assert queue(message)["id"].startswith("0050DeleteUnusedHandles-")
    assert queue(message)["id"].endswith("-dan-1")
    assert message.root.find(f".//{{{EPP}}}resData") is None
    assert holder.code(contact("info", "dan-1")) == 2303
    assert holder.code(contact("info", "ann-1")) == 1000


# -- refusals

HOST_OBJECT = "<d:ns><d:hostObj>ns1.example.net</d:hostObj></d:ns>"
REFUSALS: list[tuple[str, str, int]] = [
    ("", "", 2003),
    (update("kea.nz"), "", 2003),
    (update("kea.nz"), "<s:update/>", 2003),
    (update("kea.nz", add='<d:status s="clientDeleteProhibited"/>'), "", 2102),
    (update("kea.nz", rem='<d:status s="ok"/>'), "", 2102),
    (update("kea.nz", add='<d:status s="onHold"/>'), "", 2005),
    (update("kea.nz", add='<d:status s="clientHold"/>', rem='<d:status s="clientHold"/>'), "", 2002),
    (update("kea.nz", add='<d:contact type="billing">ann-1</d:contact>'), "", 2102),
    (update("kea.nz", add='<d:contact type="admin">ann-1</d:contact>'), "", 2306),
    (update("kea.nz", rem='<d:contact type="admin">ann-1</d:contact>'), "", 2002),
    (update("kea.nz", add='<d:contact type="admin"/>'), "", 2005),
    (update("kea.nz", chg="<d:registrant/>"), "", 2306),
    (update("kea.nz", chg="<d:registrant>nobody</d:registrant>"), "", 2303),
    (update("kea.nz", add=HOST_OBJECT), "", 2102),
    (update("kea.nz", add=ns(server("ns2.example.net"))), "", 2002),
    (update("kea.nz", rem=ns(server("ns9.example.net"))), "", 2002),
    (update("kea.nz", add=ns(server("ns9.kea.nz"))), "", 2306),
    (update("kea.nz", add=ns(server("ns9.example.net", "192.0.2.9"))), "", 2306),
    (update("kea.nz", add=ns(server("ns_9.example.net"))), "", 2005),
    (update("kea.nz"), update_ds(add=ds(DIGEST)), 2002),
    (update("kea.nz"), update_ds(rem=ds(OTHER_DIGEST)), 2002),
    (update("kea.nz"), update_ds(add=ds("1234")), 2306),
    (update("kea.nz"), "<s:update><s:chg><s:maxSigLife>60</s:maxSigLife></s:chg></s:update>", 2102),
    (update("kea.nz"), f'<s:update urgent="true"><s:add>{ds(OTHER_DIGEST)}</s:add></s:update>', 2102),
    (update("nobody.nz", chg=AUTH), "", 2303),
    (update("nobody.nz", add=ns(server("ns9.example.net"))), "", 2303),
    (update("kea..nz", chg=AUTH), "", 2005),
    (update("kea.nz", chg=AUTH), '<x xmlns="urn:example:unknown"/>', 2103),
    (renew("kea.nz", "2001-02-03"), "", 2304),
    (renew("nobody.nz", "2001-02-03"), "", 2303),
    (renew("kea.nz", "2001-02-30"), "", 2005),
    (renew("kea.nz", "2001-02-03", 0), "", 2004),
    (renew("kea.nz", "2001-02-03", 100), "", 2004),
    (domain("renew", "kea.nz"), "", 2003),
    (transfer("kea.nz", "impossible"), "", 2202),
    (transfer("kea.nz", WRONG, op="take"), "", 2005),
    (domain("delete", "nobody.nz"), "", 2303),
    (domain("delete", "nobody"), "", 2303),
    (domain("delete", ""), "", 2005),
    (contact("delete", "nobody"), "", 2303),
    (contact("delete", "ann-1"), "", 2305),
    (contact("update", "ann-1"), "", 2003),
    (contact("update", "ann-1", "<c:chg/>"), "", 2003),
    (contact("update", "ann-1", '<c:add><c:status s="clientUpdateProhibited"/></c:add>'), "", 2102),
    (contact("update", "ann-1", "<c:chg><c:voice/></c:chg>"), "", 2306),
    (contact("update", "ann-1", "<c:chg><c:voice>12</c:voice></c:chg>"), "", 2005),
    (contact("update", "ann-1", "<c:chg><c:authInfo><c:pw>x</c:pw></c:authInfo></c:chg>"), "", 2102),
    (
        contact("update", "ann-1", '<c:chg><c:disclose flag="0"><c:email/></c:disclose></c:chg>'),
        "",
        2308,
    ),
    (contact("update", "nobody", "<c:chg><c:email>a@example.net</c:email></c:chg>"), "", 2303),
    ('<transfer op="request"><c:transfer><c:id>ann-1</c:id></c:transfer></transfer>', "", 2101),
    ('<poll op="ack"/>', "", 2003),
    ('<poll op="ack" msgID="x"/>', "", 2005),
    ('<poll op="ack" msgID="0100nothing"/>', "", 2303),
    ('<poll op="look"/>', "", 2005),
    ("<poll/>", "", 2003),
]


def test_each_refusal_has_its_code_and_leaves_the_session_open(holder: Registrar) -> None:
    before = holder.info("kea.nz").texts("upDate"), len(holder.messages())

    answers = [(inner, extension, holder.ask(inner, extension).code) for inner, extension, _ in REFUSALS]

    assert answers == REFUSALS
    assert (holder.info("kea.nz").texts("upDate"), before[1]) == (before[0], 1)
    assert holder.messages() == []
