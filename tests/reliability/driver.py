"""Clients of several registrars that send random legal commands, and write down what they are told."""

from __future__ import annotations

import itertools
import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.end_to_end.client import CONTACT, EPP, HELLO, Answer, Client, Server, command, login
from tests.end_to_end.test_lives import (
    AUTH,
    RESTORE,
    RGP,
    contact,
    create_contact,
    domain,
    info,
    ns,
    renew,
    server,
    transfer,
    update,
)
from tests.reliability.records import CLOSED, Conversation, Order, Sent, Told, Wish

PATIENCE = 180.0  # seconds for any answer: those before it in a pipeline may each have to be found out
DEEPEST = 10
UNKNOWN, UNREACHABLE = "outcome unknown", "registry not reachable"
HOLD = '<d:status s="clientHold"/>'
OWNER = "owner"  # the contact that every registrar has


@dataclass
class Common:
    """What the clients share. ``old``: domains that may change hands, which all of them know.

    ``left``: commands that may still be sent. ``udais``, ``expiries``: of domains, as last heard of.
    """

    old: tuple[str, ...]
    left: int
    udais: dict[str, str]
    expiries: dict[str, str]
    guard: threading.Lock = field(default_factory=threading.Lock)

    def take(self, wanted: int) -> int:
        """How many commands more may be sent, up to so many."""
        with self.guard:
            granted = min(wanted, self.left)
            self.left -= granted
        return granted


class Registrar:
    """One client: a thread's work, connection after connection.

    ``label`` begins its clTRIDs. Two of different registrars may have the same: what belongs to one of them
    must not come to the other. ``alone``: the registrar has no other client, and this one changes its
    password at each login.
    """

    def __init__(
        self,
        eppd: Server,
        registrar: int,
        number: int,
        label: str,
        common: Common,
        seed: int,
        *,
        alone: bool = False,
    ) -> None:
        self.conversations: list[Conversation] = []
        self.failure: BaseException | None = None
        self._eppd = eppd
        self._registrar = registrar
        self._common = common
        self._source = f"127.0.1.{number}"
        self._label = label
        self._own = f"r{registrar}{label}"
        self._dice = random.Random(f"{seed}/{registrar}/{label}")
        self._count = itertools.count(1)
        self._domains: list[str] = []
        self._contacts: list[str] = []
        self._servers: dict[str, str] = {}
        self._messages: list[str] = []
        self._again: deque[Order] = deque(maxlen=50)
        self._alone = alone
        self._passwords = [eppd.registrar(registrar)["password"]]
        self.secrets = set(self._passwords)
        kinds: list[tuple[int, Callable[[], Order]]] = [
            (1, self._hello),
            (4, self._check_domains),
            (1, self._check_contacts),
            (5, self._info_domain),
            (2, self._info_contact),
            (7, self._create_domain),
            (4, self._create_contact),
            (6, self._change_servers),
            (2, self._hold_or_release),
            (3, self._new_udai),
            (6, self._renew),
            (3, self._delete_domain),
            (1, self._cancel_old),
            (2, self._restore),
            (4, self._transfer),
            (4, self._change_contact),
            (1, self._delete_contact),
            (4, self._poll),
            (5, self._acknowledge),
        ]
        self._weights = [weight for weight, _ in kinds]
        self._kinds = [make for _, make in kinds]

    def run(self) -> None:
        try:
            # without a password there is nothing to do but to let the verdict say why
            while self._common.left > 0 and self._passwords:
                self._connect()
        except BaseException as failure:
            self.failure = failure

    # -- a connection

    def _connect(self) -> None:
        conversation = Conversation(self._registrar, self._source)
        try:
            client = Client(self._eppd, timeout=PATIENCE, source=self._source)
        except (ssl.SSLError, ConnectionError) as error:
            raise AssertionError("no connection") from error
        self.conversations.append(conversation)
        with client:
            try:
                assert client.read().is_greeting
                if self._log_in(client, conversation):
                    self._work(client, conversation)
            except (EOFError, ssl.SSLError, ConnectionError):
                conversation.end = CLOSED

    def _log_in(self, client: Client, conversation: Conversation) -> bool:
        """Try until it succeeds, as often as a client would."""
        for _ in range(5):
            if not self._passwords:
                return False
            self._common.take(1)
            order = self._login()
            [told] = self._talk(client, conversation, [order], 1)
            self._learn_password(order, told)
            if told is not None and told.code == 1000:
                return True
            self._pause()
        return False

    def _work(self, client: Client, conversation: Conversation) -> None:
        dice = self._dice
        for _ in range(dice.randint(3, 25)):
            depth = 1 if dice.random() < 0.4 else dice.randint(2, DEEPEST)
            orders = [self._order() for _ in range(self._common.take(depth))]
            if not orders:
                break
            leaves = dice.random() < 0.04
            read = dice.randint(0, len(orders)) if leaves else len(orders)
            told = self._talk(client, conversation, orders, read)
            self._remember(orders, told)
            if leaves:
                return
            if any(one is not None and UNREACHABLE in one.text for one in told):
                self._pause()
        if dice.random() < 0.7:
            self._talk(client, conversation, [Order("logout", command("<logout/>"), "logout")], 1)
            client.at_end()
            conversation.end = CLOSED

    def _pause(self) -> None:
        """As a client would, so that a registry that is away for a moment does not fail all commands."""
        time.sleep(self._dice.uniform(0.2, 0.8))

    def _talk(
        self, client: Client, conversation: Conversation, orders: list[Order], read: int
    ) -> list[Told | None]:
        """Send them in one go; what the first ``read`` are told."""
        sent = [Sent(order, time.monotonic()) for order in orders]
        conversation.sent += sent
        try:
            client.send(*(order.unit for order in orders))
            for one in sent[:read]:
                answer = client.read()
                one.told = told_by(answer)
                self._learn(one.order, answer)
        except (EOFError, ssl.SSLError, ConnectionError):
            self._remember(orders, [one.told for one in sent])
            raise
        return [one.told for one in sent]

    def _learn(self, order: Order, answer: Answer) -> None:
        if answer.is_greeting or answer.code >= 2000:
            return
        names, expiries, udais = answer.texts("name"), answer.texts("exDate"), answer.texts("pw")
        with self._common.guard:
            if len(names) == 1 and expiries:
                self._common.expiries[names[0]] = expiries[0]
            if udais:
                self._common.udais[names[0]] = udais[0]
        if answer.code == 1301:
            self._messages = [*self._messages[-3:], *queue_ids(answer)]
        if order.verb == "update" and order.wish and order.wish.adds:
            self._servers[order.wish.subject] = order.wish.adds[0]

    def _remember(self, orders: list[Order], told: list[Told | None]) -> None:
        """Learn from answers; what has none, or a doubtful one, may be sent again."""
        for order, answer in zip(orders, told, strict=True):
            if order.verb == "login":
                self._learn_password(order, answer)
                continue
            doubtful = answer is None or UNKNOWN in answer.text or "not done" in answer.text
            if order.trid and self._dice.random() < (0.7 if doubtful else 0.04):
                self._again.append(order)

    # -- what is said

    def _order(self) -> Order:
        if self._again and self._dice.random() < 0.5:
            return self._again.popleft()
        [make] = self._dice.choices(self._kinds, self._weights)
        return make()

    def _make(
        self,
        kind: str,
        inner: str,
        *,
        about: str | None = None,
        wish: Wish | None = None,
        names: tuple[str, ...] | None = None,
        extension: str = "",
    ) -> Order:
        trid = None if self._dice.random() < 0.08 else f"{self._label}-{next(self._count)}"
        extended = f"<extension>{extension}</extension>" if extension else ""
        verb = kind.split()[0]
        if kind != "poll" and about is None and names:
            about = " ".join(names)
        return Order(kind, command(inner + extended, trid), verb, trid, about, wish, names)

    def _hello(self) -> Order:
        return Order("hello", HELLO, "hello")

    def _login(self) -> Order:
        """The password is one of those that the registrar may have by now."""
        trid = f"{self._label}-{next(self._count)}"
        password, wish = self._dice.choice(self._passwords), None
        unit = login(self._eppd.registrar(self._registrar), password).replace("login-1", trid)
        unit = unit.replace("</svcExtension>", f"<extURI>{RGP}</extURI></svcExtension>")
        if self._alone:
            wish = Wish("RegistrarUpdate", f"weka-{self._dice.randrange(10**8, 10**9)}")
            self.secrets.add(wish.subject)
            unit = unit.replace("</pw>", f"</pw><newPW>{wish.subject}</newPW>")
        self._tried = password
        return Order("login", unit, "login", trid, str(self._registrar), wish)

    def _learn_password(self, order: Order, told: Told | None) -> None:
        if order.wish is None:
            return
        if told is not None and told.code == 1000:
            self._passwords = [order.wish.subject]
        elif told is not None and told.code in (2200, 2501):
            self._passwords.remove(self._tried)
        elif told is None or UNKNOWN in told.text:
            self._passwords.append(order.wish.subject)

    def _check_domains(self) -> Order:
        names = (*self._dice.sample(self._common.old, 2), self._domain(), f"{self._own}-never.nz")
        inner = "".join(f"<d:name>{name}</d:name>" for name in names)
        return self._make("check domain", f"<check><d:check>{inner}</d:check></check>", names=names)

    def _check_contacts(self) -> Order:
        names = (OWNER, self._contact())
        inner = "".join(f"<c:id>{name}</c:id>" for name in names)
        return self._make("check contact", f"<check><c:check>{inner}</c:check></check>", names=names)

    def _info_domain(self) -> Order:
        name = self._domain()
        return self._make("info domain", info(name), names=(name,))

    def _info_contact(self) -> Order:
        name = self._contact()
        return self._make("info contact", contact("info", name), names=(name,))

    def _create_domain(self) -> Order:
        name, months = f"{self._own}-{next(self._count)}.nz", self._dice.randint(1, 24)
        first = f"ns1.{name}"
        inner = (
            f'<create><d:create><d:name>{name}</d:name><d:period unit="m">{months}</d:period>'
            f"{ns(server(first, '192.0.2.1'))}<d:registrant>{OWNER}</d:registrant>{AUTH}</d:create></create>"
        )
        self._domains.append(name)
        wish = Wish("DomainCreate", name, {"Term": str(months)}, adds=(first,))
        return self._make("create domain", inner, wish=wish, names=(name,))

    def _create_contact(self) -> Order:
        name = f"{self._own}-{next(self._count)}"
        self._contacts.append(name)
        wish = Wish("HandleCreate", name, {"Email": f"{name}@example.net"})
        return self._make("create contact", create_contact(name), wish=wish, names=(name,))

    def _change_servers(self) -> Order:
        """One server for another: each client has one of its own at each domain."""
        name, new = self._domain(0.85), f"{self._own}-{next(self._count)}.example.net"
        old = self._servers.get(name)
        change = update(name, add=ns(server(new)), rem=ns(server(old)) if old else "")
        wish = Wish("DomainUpdate", name, adds=(new,), removes=(old,) if old else ())
        return self._make("update domain", change, about=name, wish=wish)

    def _hold_or_release(self) -> Order:
        name, hold = self._domain(), self._dice.random() < 0.5
        change = update(name, add=HOLD) if hold else update(name, rem=HOLD)
        wish = Wish("DomainUpdate", name, {"Delegate": "0" if hold else "1"})
        return self._make("update domain", change, about=name, wish=wish)

    def _new_udai(self) -> Order:
        name = self._dice.choice(self._common.old)
        wish = Wish("DomainUpdate", name, {"NewUDAI": "1"})
        return self._make("update domain", update(name, chg=AUTH), about=name, wish=wish)

    def _renew(self) -> Order:
        """By the expiry that was last heard of: another may have renewed since."""
        name, months = self._domain(), self._dice.randint(1, 3)
        if name not in self._common.expiries:  # its creation is not answered yet
            name = self._dice.choice(self._common.old)
        expiry = self._common.expiries[name]
        wish = Wish("DomainUpdate", name, {"Renew": "1", "Term": str(months)})
        return self._make("renew domain", renew(name, expiry, months), wish=wish, names=(name,))

    def _delete_domain(self) -> Order:
        """One of its own, which is gone at once."""
        if not self._domains:
            return self._create_domain()
        name = self._domains.pop(self._dice.randrange(len(self._domains)))
        return self._delete(name)

    def _cancel_old(self) -> Order:
        return self._delete(self._dice.choice(self._common.old))

    def _delete(self, name: str) -> Order:
        wish = Wish("DomainUpdate", name, {"Cancel": "1"})
        return self._make("delete domain", domain("delete", name), about=name, wish=wish)

    def _restore(self) -> Order:
        name = self._dice.choice(self._common.old)
        wish = Wish("DomainUpdate", name, {"Cancel": "0"})
        return self._make("update domain", update(name), about=name, wish=wish, extension=RESTORE)

    def _transfer(self) -> Order:
        name = self._dice.choice(self._common.old)
        udai = self._common.udais.get(name)
        if udai is None:
            return self._new_udai()
        months = self._dice.choice((0, 0, 1))
        facts = {"UDAI": udai} | ({"Renew": "1", "Term": "1"} if months else {})
        wish = Wish("DomainUpdate", name, facts)
        return self._make("transfer domain", transfer(name, udai, months), wish=wish, names=(name,))

    def _change_contact(self) -> Order:
        name = self._contact()
        email = f"{self._own}-{next(self._count)}@example.net"
        change = contact("update", name, f"<c:chg><c:email>{email}</c:email></c:chg>")
        wish = Wish("HandleUpdate", name, {"Email": email})
        return self._make("update contact", change, about=name, wish=wish)

    def _delete_contact(self) -> Order:
        if not self._contacts:
            return self._create_contact()
        name = self._contacts.pop(self._dice.randrange(len(self._contacts)))
        wish = Wish("HandleUpdate", name, {"Delete": "1"})
        return self._make("delete contact", contact("delete", name), about=name, wish=wish)

    def _poll(self) -> Order:
        return self._make("poll", '<poll op="req"/>')

    def _acknowledge(self) -> Order:
        if not self._messages:
            return self._poll()
        message = self._dice.choice(self._messages)
        wish = Wish("AckMessage", message[4:], {"OriginatingRegistrarId": str(int(message[:4]))})
        return self._make("poll", f'<poll op="ack" msgID="{message}"/>', about=message, wish=wish)

    def _domain(self, own_share: float = 0.6) -> str:
        """One of its own, or one that others have to do with too."""
        own = self._domains and self._dice.random() < own_share
        return self._dice.choice(self._domains) if own else self._dice.choice(self._common.old)

    def _contact(self) -> str:
        own = self._contacts and self._dice.random() < 0.7
        return self._dice.choice(self._contacts) if own else OWNER


def told_by(answer: Answer) -> Told:
    if answer.is_greeting:
        return Told(None, "", None, None, time.monotonic())
    [server_trid] = answer.texts("svTRID", EPP)
    return Told(
        answer.code,
        " ".join(answer.texts("msg", EPP)[:1]),
        answer.client_trid,
        server_trid,
        time.monotonic(),
        (*answer.texts("name"), *answer.texts("id", CONTACT)),
        next(queue_ids(answer), None) if answer.code == 1301 else None,
    )


def queue_ids(answer: Answer) -> Iterator[str]:
    return (str(queue.get("id")) for queue in answer.root.iter(f"{{{EPP}}}msgQ"))
