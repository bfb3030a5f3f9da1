"""Clients that work without a pause, each in its thread, and note whatever a client must not see."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter

from tests.end_to_end.client import HELLO, Client, Server, check, login
from tests.end_to_end.test_session import contact_create, contact_info

LEAVING = "not done: the server is going away"


class Load:
    """``count`` clients at work between start() and stop().

    A client that is told that the server is going away connects again and goes on. ``troubles``: everything
    else that is no answer. ``made``: the contacts whose creation was answered by 1000.
    """

    def __init__(self, server: Server, count: int, seed: int = 1, *, depth: int = 1) -> None:
        self.server = server
        self.troubles: list[str] = []
        self.made: list[tuple[int, str]] = []
        self.told = Counter[int]()
        self.sessions = 0
        self.drained = 0
        self._depth = depth
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(number, random.Random(seed * 1000 + number)))
            for number in range(count)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self._threads)

    def _work(self, number: int, dice: random.Random) -> None:
        numbers = itertools.count(1)
        while not self._stop.is_set():
            try:
                with Client(self.server) as client:
                    with self._guard:
                        self.sessions += 1
                    self._session(client, number, dice, numbers)
            except Exception as error:
                self._note(f"client {number}: {type(error).__name__}: {error}")

    def _session(
        self, client: Client, number: int, dice: random.Random, numbers: itertools.count[int]
    ) -> None:
        registrar = 100 + number % 2
        assert client.read().is_greeting
        code, text = self._ask(client, login(self.server.registrar(registrar)))
        if code == 2500 and LEAVING in text:
            return
        if code != 1000:
            self._note(f"client {number}: login {code}")
            return
        while not self._stop.is_set():
            units = [self._unit(number, dice, numbers) for _ in range(self._depth)]
            client.send(*(unit for unit, _ in units))
            for _, handle in units:
                answer = client.read()
                code = 0 if answer.is_greeting else answer.code
                with self._guard:
                    self.told[code] += 1
                    if handle and code == 1000:
                        self.made.append((registrar, handle))
                if LEAVING in answer.text:
                    self.drained += 1
                    if code == 2500:
                        return
                elif code not in (0, 1000, 2303):
                    self._note(f"client {number}: {code} {answer.text}")
            self._stop.wait(dice.choice((0, 0, 0.01, 0.1)))

    @staticmethod
    def _unit(number: int, dice: random.Random, numbers: itertools.count[int]) -> tuple[str, str | None]:
        kind = dice.choice(("hello", "check", "check", "info", "create"))
        if kind == "create":
            handle = f"load-{number}-{next(numbers)}"
            return contact_create(handle), handle
        if kind == "hello":
            return HELLO, None
        return (check("load-a.nz", "load-b.nz") if kind == "check" else contact_info("load-nobody")), None

    @staticmethod
    def _ask(client: Client, unit: str) -> tuple[int, str]:
        answer = client.ask(unit)
        return answer.code, answer.text

    def _note(self, trouble: str) -> None:
        with self._guard:
            self.troubles.append(trouble)
