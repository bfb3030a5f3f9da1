"""A proxy between eppd and its registry that does to each request what the test says, faults included."""

from __future__ import annotations

import copy
import http.client
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from types import TracebackType
from typing import TypeAlias
from urllib.parse import urlsplit

from lxml import etree

from srs_epp.srs import form
from srs_epp.srs.openpgp import SigningKey
from tests.srs import faulty
from tests.srs.faulty import Peer, Registry, Request

PATIENCE = 20.0  # seconds for the registry behind the proxy

UNDETERMINED = "The result is not known"
"""What a registry says that does not know itself."""

WRITE, QUERY, QUESTION = "write", "query", "question"
"""Kinds of requests: what changes the register, what does not, and what asks what became of a write."""


class FaultProxy(Registry):
    """Passes requests on to the registry at ``url``, one connection each.

    What ``on`` was given for a kind is done to its next requests instead, one after the other; what
    ``always`` was given, to all. ``key``: the registry's, with which changed responses are signed again.
    """

    def __init__(self, url: str, key: SigningKey) -> None:
        super().__init__(self._treat, greet=self._welcome)
        # a socket that was bound to its port by number keeps it while it does not listen
        self._listener.close()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accepting = threading.Event()
        self._accepting.set()
        self.key = key
        self.reached: list[Request] = []
        """What the registry has got."""
        self.responses: list[bytes] = []
        """The documents that it answered with."""
        self._registry = urlsplit(url)
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._forever: dict[str, Fault] = {}
        self._unwelcome = 0
        self._answered = threading.Condition()

    def __enter__(self) -> FaultProxy:
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._accepting.set()
        super().__exit__(kind, error, trace)

    # -- what the test says

    def on(self, kind: str, *faults: Fault) -> None:
        """Do these to the next requests of the kind; after them, all is well again."""
        self._faults[kind].extend(faults)

    def always(self, kind: str, fault: Fault) -> None:
        """Do this to all requests of the kind, until all is well again."""
        self._forever[kind] = fault

    def be_well(self) -> None:
        """No faults; every connection is ended, and new ones are accepted."""
        self._faults.clear()
        self._forever.clear()
        self._unwelcome = 0
        self.hang_up()
        if not self._accepting.is_set():
            self.accept()

    def hang_up(self, *, but: Peer | None = None) -> None:
        """End all connections ``but`` one: the next request comes on a fresh one."""
        with self._lock:
            for peer in self._peers:
                if peer is not but:
                    peer.end()

    def turn_away(self, connections: int) -> None:
        """End all connections, and the next ones before anything is read from them."""
        self._unwelcome = connections
        self.hang_up()

    def refuse(self, *, but: Peer | None = None) -> None:
        """Accept no more connections, and end all that there are, ``but`` one."""
        self._accepting.clear()
        self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up(but=but)

    def accept(self) -> None:
        """Accept connections again."""
        self._listener.listen()
        self._accepting.set()

    # -- what the test sees

    @property
    def all_done(self) -> bool:
        """Whether every fault that was to come once has had its request."""
        return not any(self._faults.values()) and not self._unwelcome

    def attempts(self, action_id: str) -> int:
        """How many requests with that write came from eppd."""
        return sum(action_id in writes_in(request) for request in self.requests)

    def arrivals(self, action_id: str) -> int:
        """How many of them reached the registry."""
        return sum(action_id in writes_in(request) for request in self.reached)

    def questions(self) -> list[str]:
        """Of which ActionIds eppd asked what became of them."""
        return [action.get("ActionId", "") for request in self.requests for action in questions_in(request)]

    # -- what the faults do

    def forward(self, request: Request) -> bytes:
        """The body of the registry's answer."""
        with self._lock:
            self.reached.append(request)
        connection = http.client.HTTPConnection(
            str(self._registry.hostname), self._registry.port, timeout=PATIENCE
        )
        try:
            connection.request(
                "POST", self._registry.path, request.body, {"Content-Type": request.headers["content-type"]}
            )
            body = connection.getresponse().read()
        finally:
            connection.close()
        with self._lock:
            self.responses.append(form.decode(body)["r"])
        return body

    def wait_for_questions(self, count: int) -> None:
        """Wait until so many questions more have reached the registry."""
        with self._answered:
            wanted = self._questions_reached() + count
            assert self._answered.wait_for(lambda: self._questions_reached() >= wanted, PATIENCE)

    def _questions_reached(self) -> int:
        return sum(kind_of(request) == QUESTION for request in self.reached)

    def _accept(self) -> None:
        while not self._stopped.is_set():
            super()._accept()
            self._accepting.wait()

    def _welcome(self, peer: Peer) -> None:
        with self._lock:
            turned_away = self._unwelcome > 0
            self._unwelcome -= turned_away
        if turned_away:
            peer.close()

    def _treat(self, peer: Peer, request: Request) -> None:
        kind = kind_of(request)
        faults = self._faults[kind]
        fault = faults.popleft() if faults else self._forever.get(kind, passed)
        fault(self, peer, request)
        with self._answered:
            self._answered.notify_all()


Fault: TypeAlias = Callable[[FaultProxy, Peer, Request], None]


def kind_of(request: Request) -> str:
    if questions_in(request):
        return QUESTION
    return WRITE if writes_in(request) else QUERY


def actions_in(request: Request) -> list[etree._Element]:
    return list(etree.fromstring(request.fields["r"]))


def questions_in(request: Request) -> list[etree._Element]:
    return [action for action in actions_in(request) if action.tag == "ActionDetailsQry"]


def writes_in(request: Request) -> list[str]:
    """The ActionIds of the writes in it."""
    return [
        str(action.get("ActionId"))
        for action in actions_in(request)
        if "ActionId" in action.attrib and action.tag != "ActionDetailsQry"
    ]


# -- faults: the registry hears nothing


def closed(_proxy: FaultProxy, peer: Peer, _request: Request) -> None:
    peer.close()


def reset(_proxy: FaultProxy, peer: Peer, _request: Request) -> None:
    peer.reset()


def silent(_proxy: FaultProxy, peer: Peer, _request: Request) -> None:
    peer.wait()


def failed(_proxy: FaultProxy, peer: Peer, _request: Request) -> None:
    """HTTP status 500."""
    peer.send(faulty.http(b"out of order", status="500 Internal Server Error", mime="text/plain"))


# -- faults: the registry does what it is asked for


def passed(proxy: FaultProxy, peer: Peer, request: Request) -> None:
    """No fault."""
    peer.send(faulty.http(proxy.forward(request)))


def forwarded(then: Fault) -> Fault:
    """The registry's answer is lost, and eppd gets another."""

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        proxy.forward(request)
        then(proxy, peer, request)

    return treat


def half_answered(proxy: FaultProxy, peer: Peer, request: Request) -> None:
    octets = faulty.http(proxy.forward(request))
    peer.send(octets[: -len(octets) // 3])
    peer.close()


def answered_then_refusing(proxy: FaultProxy, peer: Peer, request: Request) -> None:
    """A good answer, the last one before the registry goes away."""
    octets = faulty.http(proxy.forward(request), more="Connection: close\r\n")
    proxy.refuse(but=peer)
    peer.send(octets)
    peer.close()


def forwarded_then_refusing(proxy: FaultProxy, _peer: Peer, request: Request) -> None:
    """No answer, and the registry goes away."""
    proxy.forward(request)
    proxy.refuse()


def forwarded_after_questions(count: int) -> Fault:
    """A slow registry: eppd has gone and asked ``count`` times before it does what it was asked for."""

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        peer.wait()
        proxy.wait_for_questions(count)
        proxy.forward(request)

    return treat


# -- faults: the answer can't be believed


def wrongly_signed(proxy: FaultProxy, peer: Peer, request: Request) -> None:
    document = form.decode(proxy.forward(request))["r"]
    peer.send(faulty.http(faulty.form({"r": document, "s": proxy.key.sign(document + b" ").encode()})))


def unsigned(proxy: FaultProxy, peer: Peer, request: Request) -> None:
    peer.send(faulty.http(faulty.form({"r": form.decode(proxy.forward(request))["r"]})))


def no_form(proxy: FaultProxy, peer: Peer, request: Request) -> None:
    peer.send(faulty.http(form.decode(proxy.forward(request))["r"]))


def not_xml(proxy: FaultProxy, peer: Peer, request: Request) -> None:
    document = form.decode(proxy.forward(request))["r"]
    peer.send(faulty.http(faulty.signed(document[:-20], proxy.key)))


def edited(change: Callable[[etree._Element], None]) -> Fault:
    """The registry's answer with a change, and with a good signature over it."""

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        root = etree.fromstring(form.decode(proxy.forward(request))["r"])
        change(root)
        peer.send(faulty.http(faulty.signed(etree.tostring(root), proxy.key)))

    return treat


def _drop_the_last(root: etree._Element) -> None:
    root.remove(root[-1])


def _repeat_the_last(root: etree._Element) -> None:
    root.append(copy.deepcopy(root[-1]))


def _undetermined() -> etree._Element:
    error = etree.Element("Error", ErrorId="UNDETERMINED_RESULT", Severity="err", Hint="UNKNOWN_ERROR_HINT")
    etree.SubElement(error, "Description").text = UNDETERMINED
    return error


def _undetermine_each(root: etree._Element) -> None:
    for response in root:
        for record in list(response)[1:]:  # the first is the time
            response.remove(record)
        response.append(_undetermined())


def _undetermine_all(root: etree._Element) -> None:
    for response in list(root):
        root.remove(response)
    root.append(_undetermined())


too_few = edited(_drop_the_last)
too_many = edited(_repeat_the_last)
undetermined = edited(_undetermine_each)
undetermined_as_a_whole = edited(_undetermine_all)
