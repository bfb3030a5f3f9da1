"""A proxy that does to each request what dice say, and writes down what it did.

The dice depend on the seed and on the request alone, so that threads may come in any order: the same question
asked for the n-th time fares as in every other run with this seed.
"""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from srs_epp.srs import form
from srs_epp.srs.openpgp import SigningKey
from tests.end_to_end.fault_proxy import (
    QUERY,
    QUESTION,
    WRITE,
    Fault,
    FaultProxy,
    closed,
    forwarded,
    kind_of,
    no_form,
    not_xml,
    passed,
    questions_in,
    reset,
    silent,
    too_few,
    too_many,
    undetermined,
    undetermined_as_a_whole,
    unsigned,
    writes_in,
    wrongly_signed,
)
from tests.reliability.records import Passage, Times
from tests.srs import faulty
from tests.srs.faulty import Peer, Request

NO_FAULT = "none"
STATUSES = (
    "301 Moved Permanently",
    "400 Bad Request",
    "403 Forbidden",
    "404 Not Found",
    "408 Request Timeout",
    "413 Content Too Large",
    "429 Too Many Requests",
    "500 Internal Server Error",
    "502 Bad Gateway",
    "503 Service Unavailable",
    "504 Gateway Timeout",
)
ODD_HEADERS = (
    "Retry-After: 3600\r\n",
    "X-Filler: " + 60000 * "x" + "\r\n",
    "".join(f"X-{number}: x\r\n" for number in range(150)),  # more than http.client takes
    "Content-Type: text/html\r\n",
    "Transfer-Encoding: gzip\r\n",
    "Content-Length: -1\r\n",
    "no colon\r\n",
)

Maker = Callable[[random.Random, Times], Fault]


@dataclass(frozen=True)
class Entry:
    """A fault that may happen.

    ``harmless``: eppd gets the registry's own answer, and should take it. ``spoils``: the next request on
    the same connection may not get its own.
    """

    make: Maker
    weight: int = 2
    harmless: bool = False
    spoils: bool = False


def always(fault: Fault) -> Maker:
    return lambda _dice, _times: fault


# -- the registry hears nothing


def refused(dice: random.Random, _times: Times) -> Fault:
    """A status that is no answer, from something before the registry."""
    octets = faulty.http(b"out of order", status=dice.choice(STATUSES), mime="text/plain")
    return lambda _proxy, peer, _request: peer.send(octets)


def away(dice: random.Random, _times: Times) -> Fault:
    """The registry goes, without an answer, and no connection is accepted for a while."""
    seconds = dice.uniform(0.05, 0.5)

    def treat(proxy: FaultProxy, _peer: Peer, _request: Request) -> None:
        assert isinstance(proxy, RandomProxy)
        proxy.be_away(seconds)

    return treat


# -- the registry does it, and its answer does not come whole


def cut(dice: random.Random, _times: Times) -> Fault:
    """The answer ends after any of its octets, the first and the last but one included."""
    share, end = dice.random(), dice.choice((Peer.close, Peer.reset))

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        octets = faulty.http(proxy.forward(request))
        peer.send(octets[: int(share * len(octets))])
        end(peer)

    return treat


def stuck(dice: random.Random, _times: Times) -> Fault:
    """The answer stops after any of its octets, and the connection stays."""
    share = dice.random()

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        octets = faulty.http(proxy.forward(request))
        peer.send(octets[: int(share * len(octets))])
        peer.wait()

    return treat


def drip(_dice: random.Random, times: Times) -> Fault:
    """The answer comes octet by octet, and would take ten times the time that there is."""

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        octets = faulty.http(proxy.forward(request))
        peer.send_slowly(octets, 10 * times.backend / len(octets))

    return treat


def failed(dice: random.Random, times: Times) -> Fault:
    return forwarded(refused(dice, times))


def late(dice: random.Random, times: Times) -> Fault:
    """The registry does it after eppd has given up waiting, but within the registry's own time."""
    seconds = dice.uniform(1.05 * times.backend, 0.8 * times.registry)

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        if not peer.pause(seconds):
            peer.send(faulty.http(proxy.forward(request)))

    return treat


# -- the answer can't be believed


def garbled(dice: random.Random, _times: Times) -> Fault:
    """One octet of the body is another."""
    share = dice.random()

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        body = bytearray(proxy.forward(request))
        place = int(share * len(body))
        body[place] = ord("a") if body[place] != ord("a") else ord("b")
        peer.send(faulty.http(bytes(body)))

    return treat


def signed_by_another(proxy: FaultProxy, peer: Peer, request: Request) -> None:
    """By a key that is not the registry's: the one that has signed the request, say."""
    assert isinstance(proxy, RandomProxy)
    document = form.decode(proxy.forward(request))["r"]
    peer.send(faulty.http(faulty.signed(document, proxy.another_key)))


def signed_for_another(proxy: FaultProxy, peer: Peer, request: Request) -> None:
    """The registry's own signature, over its answer to another request."""
    assert isinstance(proxy, RandomProxy)
    fields = form.decode(proxy.forward(request))
    peer.send(faulty.http(faulty.form({"r": fields["r"], "s": proxy.other_signature(fields["s"])})))


def oddly_headed(dice: random.Random, _times: Times) -> Fault:
    more = dice.choice(ODD_HEADERS)

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        peer.send(faulty.http(proxy.forward(request), more=more))
        peer.close()

    return treat


def too_long(dice: random.Random, _times: Times) -> Fault:
    """Content-Length says more, or less, than comes."""
    less = dice.random() < 0.5

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        body = proxy.forward(request)
        peer.send(faulty.http(body, length=len(body) // 2 if less else len(body) + 10))
        peer.close()

    return treat


def doubled(dice: random.Random, _times: Times) -> Fault:
    """Some octets of the body come twice; the length is that of what comes."""
    share, more = dice.random(), dice.randint(1, 200)

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        body = proxy.forward(request)
        place = int(share * (len(body) - 1))
        peer.send(faulty.http(body[: place + more] + body[place:]))

    return treat


# -- no fault to a client that knows HTTP


def twice(proxy: FaultProxy, peer: Peer, request: Request) -> None:
    """The whole answer, and the same again, as if it were one to the next request."""
    peer.send(2 * faulty.http(proxy.forward(request)))


def again(dice: random.Random, _times: Times) -> Fault:
    """The whole answer, and a moment later the same: perhaps when eppd waits for the next one."""
    seconds = dice.uniform(0.002, 0.05)

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        octets = faulty.http(proxy.forward(request))
        peer.send(octets)
        if not peer.pause(seconds):
            peer.send(octets)

    return treat


def done_twice(proxy: FaultProxy, peer: Peer, request: Request) -> None:
    """The registry gets the request twice."""
    proxy.forward(request)
    peer.send(faulty.http(proxy.forward(request)))


def ended_after(dice: random.Random, _times: Times) -> Fault:
    """A connection that was to be kept ends, at once or when the next request may be on its way."""
    seconds = dice.choice((0.0, 0.0, 0.002, 0.01, 0.05))

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        peer.send(faulty.http(proxy.forward(request)))
        peer.pause(seconds)
        dice.choice((Peer.close, Peer.reset))(peer)

    return treat


def cut_next(dice: random.Random, _times: Times) -> Fault:
    """A good answer, and the connection ends after any octet of the next request."""
    octets, end = dice.randint(1, 3000), dice.choice((Peer.close, Peer.reset))

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        passed(proxy, peer, request)
        peer.take(octets)
        end(peer)

    return treat


def delayed(dice: random.Random, times: Times) -> Fault:
    seconds = times.backend * dice.uniform(0.02, 0.3)

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        peer.pause(seconds)
        passed(proxy, peer, request)

    return treat


def chunked(dice: random.Random, _times: Times) -> Fault:
    size = dice.randint(1, 2000)
    return lambda proxy, peer, request: peer.send(faulty.chunked(proxy.forward(request), size))


def in_pieces(dice: random.Random, _times: Times) -> Fault:
    size = dice.randint(100, 1500)

    def treat(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        octets = faulty.http(proxy.forward(request))
        for start in range(0, len(octets), size):
            peer.send(octets[start : start + size])
            peer.pause(0.002)

    return treat


def not_kept(proxy: FaultProxy, peer: Peer, request: Request) -> None:
    peer.send(faulty.http(proxy.forward(request), more="Connection: close\r\nX-Odd: \xa0\r\n"))
    peer.close()


def continued(proxy: FaultProxy, peer: Peer, request: Request) -> None:
    peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    passed(proxy, peer, request)


ANY: Mapping[str, Entry] = {
    "closed unheard": Entry(always(closed)),
    "reset unheard": Entry(always(reset)),
    "silent, unheard": Entry(always(silent), 1),
    "HTTP error, unheard": Entry(refused),
    "registry away": Entry(away, 1),
    "done, closed": Entry(always(forwarded(closed))),
    "done, reset": Entry(always(forwarded(reset))),
    "done, silent": Entry(always(forwarded(silent)), 1),
    "done, HTTP error": Entry(failed),
    "answer cut": Entry(cut, 4),
    "answer stuck": Entry(stuck, 1),
    "answer drips": Entry(drip, 1),
    "done late": Entry(late),
    "no signature": Entry(always(unsigned), 1),
    "wrong signature": Entry(always(wrongly_signed), 1),
    "signed by another": Entry(always(signed_by_another), 1),
    "signature of another": Entry(always(signed_for_another), 1),
    "octet garbled": Entry(garbled),
    "octets doubled": Entry(doubled),
    "wrong length": Entry(too_long),
    "odd headers": Entry(oddly_headed),
    "no form": Entry(always(no_form), 1),
    "not XML": Entry(always(not_xml), 1),
    "too few results": Entry(always(too_few), 1),
    "too many results": Entry(always(too_many), 1),
    "answered twice": Entry(always(twice), harmless=True),
    "answered again later": Entry(again, harmless=True, spoils=True),
    "asked twice": Entry(always(done_twice), harmless=True),
    "ended after": Entry(ended_after, 6, harmless=True),
    "next request cut": Entry(cut_next, 6, harmless=True),
    "delayed": Entry(delayed, harmless=True),
    "chunked": Entry(chunked, 1, harmless=True),
    "in pieces": Entry(in_pieces, 1, harmless=True),
    "not kept": Entry(always(not_kept), 1, harmless=True),
    "100 Continue": Entry(always(continued), 1, harmless=True),
}
"""What may happen to any request."""

OF_WRITES: Mapping[str, Entry] = {
    "undetermined": Entry(always(undetermined)),
    "undetermined as a whole": Entry(always(undetermined_as_a_whole)),
}

MENUS: Mapping[str, Mapping[str, Entry]] = {QUERY: ANY, WRITE: {**ANY, **OF_WRITES}, QUESTION: ANY}
RATES: Mapping[str, float] = {QUERY: 0.12, WRITE: 0.35, QUESTION: 0.4}
"""How many of each kind have a fault."""
_LABEL = re.compile(rb' QryId="[^"]*"')  # is another each time
DROPPED = 0.5
"""Seconds after an answer in which a connection that ends may have been given up."""
UNSPOKEN = 0.15
"""Of how many writes the registry never says, to the very end, what became of them."""


class RandomProxy(FaultProxy):
    """Between eppd and the registry at ``url``. ``armed``: whether there are faults at all now."""

    def __init__(
        self, url: str, key: SigningKey, another_key: SigningKey, *, seed: int, times: Times
    ) -> None:
        super().__init__(url, key)
        self.another_key = another_key
        self.armed = False
        self.passages: list[Passage] = []
        self._seed = seed
        self._times = times
        self._seen: Counter[tuple[str, bytes]] = Counter()
        self._signature = b""
        self._mine = threading.local()
        self._going = threading.Lock()

    def forward(self, request: Request) -> bytes:
        body = super().forward(request)
        passage: Passage = self._mine.passage
        passage.reached = time.monotonic()
        passage.knows = b"%3cRawResponse" in body or b"%3CRawResponse" in body
        return body

    def other_signature(self, signature: bytes) -> bytes:
        """The one that was asked about before this one."""
        with self._lock:
            before, self._signature = self._signature, signature
        return before

    def be_away(self, seconds: float) -> None:
        if not self._going.acquire(blocking=False):
            return  # it is away already
        try:
            self.refuse()
            self._stopped.wait(seconds)
            self.accept()
        finally:
            self._going.release()

    def _treat(self, peer: Peer, request: Request) -> None:
        kind, registrar = kind_of(request), request.fields["n"].decode()
        with self._lock:
            key = registrar, _LABEL.sub(b"", request.fields["r"])
            self._seen[key] += 1
            dice = random.Random(f"{self._seed}/{self._seen[key]}/{key}")
        name, entry = self._thrown(kind, registrar, request, dice)
        passage = Passage(
            name,
            kind,
            int(registrar),
            writes_in(request),
            [action.get("ActionId", "") for action in questions_in(request)],
            time.monotonic(),
            harmless=entry.harmless and not getattr(self._mine, "spoilt", False),
        )
        self._mine.passage, self._mine.spoilt = passage, entry.spoils
        if self.armed:
            with self._lock:
                self.passages.append(passage)
        try:
            entry.make(dice, self._times)(self, peer, request)
        except OSError:  # eppd has gone, or another fault has ended the connection
            passage.harmless = False
            raise
        finally:
            self._mine.ended = time.monotonic()

    def _talk(self, sock: socket.socket) -> None:
        try:
            super()._talk(sock)
        finally:
            # a question may have waited for a connection until there was no time left for an answer
            passage: Passage | None = getattr(self._mine, "passage", None)
            if passage is not None and time.monotonic() - self._mine.ended < DROPPED:
                passage.dropped = True

    def _thrown(self, kind: str, registrar: str, request: Request, dice: random.Random) -> tuple[str, Entry]:
        menu = MENUS[kind]
        if self.armed and self._unspoken(registrar, request):
            menu = {name: entry for name, entry in menu.items() if not entry.harmless}
        elif not self.armed or dice.random() >= RATES[kind]:
            return NO_FAULT, Entry(always(passed), harmless=True)
        [name] = dice.choices(list(menu), [entry.weight for entry in menu.values()])
        return name, menu[name]

    def _unspoken(self, registrar: str, request: Request) -> bool:
        return any(
            random.Random(f"{self._seed}/{registrar}/{question.get('ActionId')}").random() < UNSPOKEN
            for question in questions_in(request)
        )
