"""The baton: one thread works at a time, in order, and none is ever stopped by another for good."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from srs_epp.baton import PATIENCE, Baton

SOON = 20.0  # seconds in which a thread that may work has worked


def started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def waiting(baton: Baton, number: int) -> None:
    """Until so many threads wait for their turn."""
    deadline = time.monotonic() + SOON
    while len(baton._waiting) != number:
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def baton(monkeypatch: pytest.MonkeyPatch) -> Baton:
    """One that nobody loses."""
    monkeypatch.setattr("srs_epp.baton.PATIENCE", 3600.0)
    return Baton()


@contextmanager
def runners(baton: Baton, number: int, done: list[int]) -> Iterator[list[threading.Thread]]:
    """Threads that wait for their turn, one behind the other, and write down their number in it."""

    def work(which: int) -> None:
        with baton.carried():
            done.append(which)

    threads = []
    for which in range(number):
        threads.append(started(lambda which=which: work(which)))  # type: ignore[misc]
        waiting(baton, which + 1)
    yield threads
    for thread in threads:
        thread.join(SOON)
        assert not thread.is_alive()


def test_the_others_wait_and_then_come_in_the_order_in_which_they_asked(baton: Baton) -> None:
    done: list[int] = []

    with baton.carried(), runners(baton, 8, done):
        assert done == []
        baton.lay_down()

    assert done == list(range(8))


def test_who_waits_for_somebody_else_lets_the_others_work(baton: Baton) -> None:
    done: list[int] = []

    with baton.carried(), runners(baton, 3, done) as threads, baton.laid_down:
        for thread in threads:
            thread.join(SOON)
        assert done == [0, 1, 2]


def test_who_sleeps_lets_the_others_work(baton: Baton) -> None:
    done: list[int] = []

    with baton.carried(), runners(baton, 1, done) as [thread]:
        while thread.is_alive():
            baton.sleep(0.001)
        assert done == [0]


def test_after_a_wait_one_works_again_when_nobody_else_does(baton: Baton) -> None:
    resumed = threading.Event()
    wait_over = threading.Event()

    def work() -> None:
        with baton.carried():
            with baton.laid_down:
                wait_over.wait(SOON)
            resumed.set()

    thread = started(work)
    with baton.carried():
        wait_over.set()
        waiting(baton, 1)
        assert not resumed.is_set()
    thread.join(SOON)
    assert resumed.is_set()


def test_who_does_not_carry_it_is_not_held_up(baton: Baton) -> None:
    def work() -> None:
        with baton.laid_down:
            baton.sleep(0)

    with baton.carried():
        thread = started(work)
        thread.join(SOON)
        assert not thread.is_alive()


def test_an_error_lays_it_down(baton: Baton) -> None:
    with pytest.raises(ZeroDivisionError), baton.carried(), baton.laid_down:
        raise ZeroDivisionError
    done: list[int] = []

    thread = started(lambda: carry(baton, done))
    thread.join(SOON)

    assert done == [1]


def carry(baton: Baton, done: list[int]) -> None:
    with baton.carried():
        done.append(1)


def test_who_is_at_one_thing_for_long_loses_it_to_the_others_in_their_order() -> None:
    baton = Baton()
    done: list[int] = []

    def work(which: int) -> None:
        with baton.carried():
            done.append(which)
            baton.sleep(PATIENCE)
            done.append(which)

    with baton.carried():  # and never lays it down
        threads = [started(lambda which=which: work(which)) for which in range(5)]  # type: ignore[misc]
        for thread in threads:
            thread.join(SOON)
            assert not thread.is_alive()

    assert sorted(done) == sorted([*range(5), *range(5)])


def test_who_lost_it_takes_it_from_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    baton = Baton()
    has_it, goes_on, done = threading.Event(), threading.Event(), threading.Event()

    def late() -> None:
        with baton.carried():
            has_it.set()
            goes_on.wait(SOON)
            with baton.laid_down:  # it is the other's by now
                pass
            done.set()

    thread = started(late)
    assert has_it.wait(SOON)
    with baton.carried():
        monkeypatch.setattr("srs_epp.baton.PATIENCE", 3600.0)
        goes_on.set()
        waiting(baton, 1)
        assert not done.is_set()
    thread.join(SOON)
    assert done.is_set()


def test_to_lay_it_down_where_it_is_laid_down_takes_nothing(baton: Baton) -> None:
    done: list[int] = []

    with baton.carried(), runners(baton, 1, done) as [thread]:
        with baton.laid_down, baton.laid_down:
            thread.join(SOON)
        with baton.laid_down, baton.laid_down:  # nobody else is there
            pass
        assert baton._waiting == deque()
        assert done == [0]


def test_a_thousand_who_wait_look_no_more_often_than_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    baton = Baton()
    looks = 0
    over = threading.Event()

    class Guard:
        lock = threading.Lock()

        def __enter__(self) -> None:
            nonlocal looks
            self.lock.acquire()
            looks += 1

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    def work() -> None:
        with baton.carried():
            over.wait(SOON)

    # nobody loses it: whoever looks has looked in vain
    monkeypatch.setattr(baton, "_hand_on", lambda: None)
    with baton.carried():
        threads = [started(work) for _ in range(1000)]
        waiting(baton, 1000)
        monkeypatch.setattr(baton, "_guard", Guard())
        began = time.monotonic()
        time.sleep(1)
        seconds = time.monotonic() - began
        monkeypatch.undo()
        over.set()
    for thread in threads:
        thread.join(SOON)
        assert not thread.is_alive()

    # 32 of them in 0.02 s; one of whom many came before the others may look more often
    assert looks / seconds < 2 * 32 / PATIENCE


def test_many_threads_work_one_at_a_time_and_all_come_to_an_end(baton: Baton) -> None:
    within, most, turns = 0, 0, 0

    def work(seed: int) -> None:
        nonlocal within, most, turns
        dice = random.Random(seed)
        with baton.carried():
            for _ in range(100):
                within += 1
                most = max(most, within)
                sum(range(dice.randrange(300)))
                turns += 1
                within -= 1
                with baton.laid_down:
                    time.sleep(dice.choice((0, 0, 0.0005)))

    threads = [started(lambda seed=seed: work(seed)) for seed in range(32)]  # type: ignore[misc]
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()

    assert (most, turns) == (1, 3200)
    assert baton._holder is None
