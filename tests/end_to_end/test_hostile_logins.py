"""Guessers: they get few tries, in order and slowly, learn nothing from them, and lock nobody out."""

from __future__ import annotations

import re
import statistics
import time
from xml.sax.saxutils import escape

import pytest

from tests.end_to_end.client import EPP, Answer, Client, check, login
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.neighbours import Neighbours
from tests.end_to_end.test_hostile import in_parallel

pytestmark = pytest.mark.usefixtures("neighbours")


def refusals(daemon: Daemon, address: str, why: str) -> int:
    return len(
        re.findall(
            rf"{re.escape(address)} login of registrar '\d+' refused: {why}$", daemon.log, re.MULTILINE
        )
    )


def test_guessing_over_many_connections_is_slow_and_locks_nobody_out(
    besieged: Daemon, address: str, neighbours: Neighbours
) -> None:
    """The neighbours log in as the registrar whose password is guessed, all the time."""

    def guess(number: int) -> None:
        with Client(besieged, source=address) as client:
            client.read()
            for turn, code in enumerate((2200, 2200, 2501)):
                started = time.monotonic()
                answer = client.ask(login(besieged.registrar(101), f"guess-{number}-{turn}"))
                assert answer.code == code
                assert time.monotonic() - started >= 1.0
            assert client.at_end()

    in_parallel(20, guess)

    neighbours.see_each()
    assert refusals(besieged, address, "wrong password, or none set") == 60


def test_guesses_that_come_at_once_are_taken_one_by_one_and_end_with_the_third(
    besieged: Daemon, address: str
) -> None:
    registrar = besieged.registrar(101)
    guesses = [login(registrar, f"guess-of-{number}") for number in range(10)]
    with Client(besieged, source=address) as client:
        client.read()
        started = time.monotonic()
        client.send(*guesses, login(registrar))  # the right one too late

        for seconds, code in enumerate((2200, 2200, 2501), 1):
            assert client.read().code == code
            assert time.monotonic() - started >= seconds
        assert client.at_end()
    assert refusals(besieged, address, "wrong password, or none set") == 3


def test_behind_a_refused_login_nothing_is_done_and_a_right_one_is_still_good(
    besieged: Daemon, address: str
) -> None:
    registrar = besieged.registrar(101)
    with Client(besieged, source=address) as client:
        client.read()
        client.send(login(registrar, "guess-again"), check("sneaked.nz"), login(registrar), check("own.nz"))

        assert [client.read().code for _ in range(4)] == [2200, 2002, 1000, 1000]


def test_who_is_in_does_not_become_another(besieged: Daemon, address: str) -> None:
    with Client(besieged, source=address) as client:
        client.log_in(besieged.registrar(100))
        assert client.ask(login(besieged.registrar(101))).code == 2002
        assert client.ask(check("own.nz")).code == 1000
    besieged.wait_for_log(rf"{re.escape(address)} 100 check: 1000, ")


PASSWORDS = [
    "]]>&amp;<!--",
    "'; DROP --",
    "k\u0101k\u0101p\u014d",
    "\U0001f99c" * 6,
    "a" * 16,
    "%n%n%n%n",
    "$6$salt$hash",
]


def test_odd_passwords_are_wrong_ones(besieged: Daemon, address: str) -> None:
    def attempt(number: int) -> None:
        with Client(besieged, source=address) as client:
            client.read()
            assert client.ask(login(besieged.registrar(101), escape(PASSWORDS[number]))).code == 2200

    in_parallel(len(PASSWORDS), attempt)

    assert refusals(besieged, address, "wrong password, or none set") == len(PASSWORDS)
    for password in PASSWORDS:
        assert password not in besieged.log


def test_a_guesser_cannot_tell_a_wrong_password_from_an_unknown_registrar(
    besieged: Daemon, address: str
) -> None:
    kinds = {
        "wrong password": besieged.registrar(100) | {"password": "guess-of-mine"},
        "unknown registrar": {"id": "9999", "password": "guess-of-mine"},
        "no number": {"id": "nobody", "password": "guess-of-mine"},
    }
    each = 8
    waits: dict[str, list[float]] = {kind: [] for kind in kinds}
    answers: dict[str, set[bytes]] = {kind: set() for kind in kinds}

    def guess(number: int) -> None:
        kind = list(kinds)[number % len(kinds)]
        with Client(besieged, source=address) as client:
            client.read()
            unit = login(kinds[kind])
            started = time.monotonic()
            answer = client.ask(unit)
            waits[kind].append(time.monotonic() - started)
            answers[kind].add(without_server_trid(answer))

    in_parallel(each * len(kinds), guess)

    medians = {kind: statistics.median(times) for kind, times in waits.items()}
    print(", ".join(f"{kind}: {median:.3f} s" for kind, median in medians.items()))
    assert len(set.union(*answers.values())) == 1
    assert min(min(times) for times in waits.values()) >= 1.0
    assert max(medians.values()) < 1.5 * min(medians.values())
    for why in ("wrong password", "the registry does not know the registrar", "clID is not a number"):
        besieged.wait_for_log(rf"{re.escape(address)} login of registrar '\w+' refused: {why}")


def without_server_trid(answer: Answer) -> bytes:
    return answer.xml.replace(answer.texts("svTRID", EPP)[0].encode(), b"")
