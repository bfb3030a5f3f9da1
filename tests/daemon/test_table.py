"""The table that processes share: slots and tokens are never lost, never given twice, whoever dies and when."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srs_epp.commands.turns import Turns
from srs_epp.config import Rate
from srs_epp.daemon.processes import gone
from srs_epp.daemon.table import Full, Row, Table
from srs_epp.epp.results import CommandFailed
from tests.daemon.child import Child, in_child, living

PATIENCE = 20.0  # seconds for another process to come so far


class Tables:
    """Makes tables, and takes their memory back."""

    def __init__(self) -> None:
        self._made: list[Table] = []

    def __call__(self, descriptor: int | None = None) -> Table:
        self._made.append(Table(descriptor))
        return self._made[-1]

    def close(self) -> None:
        for table in self._made:
            os.close(table.descriptor)
            vars(table).clear()  # the memory goes with its last view


@pytest.fixture
def tables() -> Iterator[Tables]:
    made = Tables()
    yield made
    made.close()


@pytest.fixture
def table(tables: Tables) -> Table:
    return tables()


def take(table: Table, peer: str = "192.0.2.1", most: int = 100, most_of_address: int | None = 100) -> int:
    return table.take("c1-1", peer, most, most_of_address)


def limit(step: Callable[[], object]) -> str:
    """The option that the step runs into."""
    with pytest.raises(Full) as full:
        step()
    return full.value.limit


def column(table: Table, field: str) -> list[object]:
    return [getattr(row, field) for row in table.rows()]


# -- slots


def test_a_slot_shows_who_has_it(table: Table) -> None:
    before = time.time()
    slot = table.take("c17-1", "2001:db8::7", 10, 10)
    table.set_registrar(slot, 100, 10)
    table.set_tls(slot, "TLSv1.3")
    table.states[slot] = 6
    table.commands[slot] += 3

    [row] = table.rows()

    assert before <= row.started == row.last <= time.time()
    assert row == Row(
        os.getpid(), "c17-1", "2001:db8::7", "TLSv1.3", 100, 6, row.started, row.last, commands=3
    )


def test_a_slot_that_is_used_again_shows_nothing_of_its_last_user(table: Table) -> None:
    slot = table.take("c17-1", "2001:db8::7", 10, 10)
    table.set_registrar(slot, 100, 10)
    table.set_tls(slot, "TLSv1.3")
    table.states[slot], table.commands[slot] = 6, 3
    table.give_back(slot)
    assert table.rows() == []

    assert table.take("c2", "192.0.2.1", 10, 10) == slot

    [row] = table.rows()
    assert (row.connection, row.peer, row.tls) == ("c2", "192.0.2.1", "")
    assert (row.registrar, row.state, row.commands) == (None, 0, 0)


def test_texts_too_long_are_cut_and_do_not_run_into_others(table: Table) -> None:
    first, second = table.take("c" * 99, "p" * 99, 10, 10), table.take("c2", "192.0.2.1", 10, 10)
    table.set_tls(first, "v" * 99)
    table.set_tls(second, "TLSv1.2")

    assert column(table, "connection") == ["c" * 32, "c2"]
    assert column(table, "peer") == ["p" * 48, "192.0.2.1"]
    assert column(table, "tls") == ["v" * 16, "TLSv1.2"]


def test_max_connections_holds_to_the_last(table: Table) -> None:
    slots = [take(table, most=3) for _ in range(3)]

    assert limit(lambda: take(table, most=3)) == "max-connections"
    assert len(table.rows()) == 3
    table.give_back(slots[1])
    assert take(table, most=3) == slots[1]
    assert limit(lambda: take(table, most=3)) == "max-connections"


def test_a_lower_limit_than_there_are_connections_takes_no_more_and_ends_none(table: Table) -> None:
    slots = [take(table, most=5) for _ in range(5)]

    assert limit(lambda: take(table, most=2)) == "max-connections"
    for slot in slots[:3]:
        table.give_back(slot)
        assert limit(lambda: take(table, most=2)) == "max-connections"
    table.give_back(slots[3])
    assert take(table, most=2) == slots[0]


def test_max_connections_per_address_counts_each_address_alone(table: Table) -> None:
    first = take(table, "192.0.2.1", most_of_address=2)
    take(table, "192.0.2.1", most_of_address=2)

    assert limit(lambda: take(table, "192.0.2.1", most_of_address=2)) == "max-connections-per-address"
    take(table, "192.0.2.10", most_of_address=2)
    take(table, "::ffff:192.0.2.2", most_of_address=2)
    table.give_back(first)
    assert take(table, "192.0.2.1", most_of_address=2) == first


def test_an_address_that_does_not_count_counts_once_it_is_known(table: Table) -> None:
    balanced = [take(table, "198.51.100.1", most_of_address=None) for _ in range(3)]
    for slot in balanced[:2]:
        table.set_address(slot, "c1-1", "192.0.2.1", 2)

    full = limit(lambda: table.set_address(balanced[2], "c1-3", "192.0.2.1", 2))

    assert full == "max-connections-per-address"
    assert column(table, "peer") == ["192.0.2.1", "192.0.2.1", "198.51.100.1"]
    assert limit(lambda: take(table, "192.0.2.1", most_of_address=2)) == "max-connections-per-address"
    take(table, "198.51.100.1", most_of_address=1)
    table.give_back(balanced[0])
    table.set_address(balanced[2], "c1-3", "192.0.2.1", 2)
    assert column(table, "peer") == ["198.51.100.1", "192.0.2.1", "192.0.2.1"]


def test_max_sessions_per_registrar_counts_each_registrar_alone(table: Table) -> None:
    slots = [take(table) for _ in range(5)]
    for slot in slots[:2]:
        table.set_registrar(slot, 100, 2)

    assert limit(lambda: table.set_registrar(slots[2], 100, 2)) == "max-sessions-per-registrar"
    table.set_registrar(slots[2], 0, 2)
    table.set_registrar(slots[3], 101, 2)
    assert column(table, "registrar") == [100, 100, 0, 101, None]

    table.clear_registrar(slots[0])
    table.set_registrar(slots[4], 100, 2)
    assert limit(lambda: table.set_registrar(slots[0], 100, 2)) == "max-sessions-per-registrar"
    table.give_back(slots[1])
    table.set_registrar(slots[0], 100, 2)
    assert column(table, "registrar") == [100, 0, 101, 100]


def test_slots_of_the_dead_are_freed_and_no_others(table: Table) -> None:
    with living(lambda: [take(table, "192.0.2.7", most_of_address=3) for _ in range(3)]) as other:
        mine = take(table, "192.0.2.1")
        assert table.free_of(gone) == 0
        other.kill()
        assert len(table.rows()) == 4

        assert table.free_of(gone) == 3

    assert column(table, "peer") == ["192.0.2.1"]
    assert table.free_of(gone) == 0
    table.give_back(mine)
    assert table.rows() == []


class Slots:
    """What a table should be, in the plainest way: address and registrar of each slot, None where it is free."""

    MOST, OF_ADDRESS, OF_REGISTRAR = 6, 3, 2

    def __init__(self) -> None:
        self.slots: list[tuple[str, int | None] | None] = []

    def take(self, address: str) -> int | str:
        used = [one for one in self.slots if one]
        if len(used) >= self.MOST:
            return "max-connections"
        if [one[0] for one in used].count(address) >= self.OF_ADDRESS:
            return "max-connections-per-address"
        if None not in self.slots:
            self.slots.append(None)
        slot = self.slots.index(None)
        self.slots[slot] = (address, None)
        return slot

    def log_in(self, slot: int, registrar: int) -> str | None:
        if [one[1] for one in self.slots if one].count(registrar) >= self.OF_REGISTRAR:
            return "max-sessions-per-registrar"
        had = self.slots[slot]
        assert had
        self.slots[slot] = (had[0], registrar)
        return None

    def log_out(self, slot: int) -> None:
        had = self.slots[slot]
        assert had
        self.slots[slot] = (had[0], None)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["take", "take", "take", "give back", "log in", "log out", "free"]),
            st.integers(0, 5),
            st.integers(0, 2),
        ),
        max_size=60,
    )
)
def test_whatever_is_done_in_whatever_order_the_table_is_as_it_should_be(
    steps: list[tuple[str, int, int]],
) -> None:
    tables, plain = Tables(), Slots()
    table = tables()
    try:
        for step, which, what in steps:
            used = [slot for slot, one in enumerate(plain.slots) if one]
            if step == "take":
                address = f"192.0.2.{what}"
                assert told(lambda at=address: table.take("c", at, 6, 3)) == plain.take(address)  # type: ignore[misc]
            elif step == "free":
                assert table.free_of(lambda pid: pid == os.getpid()) == len(used)
                plain.slots.clear()
            elif used:
                slot = used[which % len(used)]
                if step == "give back":
                    table.give_back(slot)
                    plain.slots[slot] = None
                elif step == "log in" and plain.slots[slot] in [(f"192.0.2.{n}", None) for n in range(3)]:
                    expected = plain.log_in(slot, what)
                    assert told(lambda at=slot, by=what: table.set_registrar(at, by, 2)) == expected  # type: ignore[misc]
                elif step == "log out":
                    table.clear_registrar(slot)
                    plain.log_out(slot)
            there = [one for one in plain.slots if one]
            assert [(row.peer, row.registrar) for row in table.rows()] == there
    finally:
        tables.close()


def told(step: Callable[[], object]) -> object:
    """What the step returns, or the option that it runs into."""
    try:
        return step()
    except Full as full:
        return full.limit


# -- several processes


MOST, OF_ADDRESS, OF_REGISTRAR = 6, 4, 2


def come_and_go(table: Table, seed: int) -> None:
    """Connections come, log in, log out and end, at random, for ever."""
    dice, held = random.Random(seed), list[int]()
    while True:
        try:
            if held and dice.random() < 0.5:
                table.give_back(held.pop(dice.randrange(len(held))))
            else:
                held.append(table.take("c1", f"192.0.2.{dice.randrange(2)}", MOST, OF_ADDRESS))
                table.set_registrar(held[-1], dice.randrange(2), OF_REGISTRAR)
                if dice.random() < 0.3:
                    table.clear_registrar(held[-1])
        except Full:
            continue


def busy(table: Table, seed: int) -> int:
    """The pid of a process that comes and goes until it is killed."""
    pid = os.fork()
    if pid == 0:
        try:
            come_and_go(table, seed)
        finally:
            os._exit(1)
    return pid


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL, "it ended by itself"


def seen_alone(table: Table) -> list[Row]:
    """The rows at a moment at which nobody changes them."""
    with table._locked(0):
        return table.rows()


def test_processes_that_are_killed_at_random_leak_no_slot_and_no_limit_is_ever_exceeded(table: Table) -> None:
    dice = random.Random(20261122)
    pids = [busy(table, number) for number in range(4)]
    fullest = Counter[str]()
    deaths_with_slots = 0
    try:
        for number in range(150):
            time.sleep(dice.random() * 0.004)
            kill(pids.pop(0))
            dead = {row.owner for row in table.rows()} - set(pids)
            freed = table.free_of(gone)
            assert (freed > 0) is bool(dead)
            deaths_with_slots += freed > 0
            pids.append(busy(table, 1000 + number))

            rows = seen_alone(table)

            assert {row.owner for row in rows} <= set(pids)
            fullest["all"] = max(fullest["all"], len(rows))
            for what, count in Counter(row.peer for row in rows).items():
                fullest[what] = max(fullest[what], count)
            for registrar, count in Counter(row.registrar for row in rows).items():
                fullest[f"registrar {registrar}"] = max(fullest[f"registrar {registrar}"], count)
    finally:
        for pid in pids:
            kill(pid)
    table.free_of(gone)

    # each was reached, and none exceeded
    assert fullest["all"] == MOST
    assert fullest["192.0.2.0"] == fullest["192.0.2.1"] == OF_ADDRESS
    assert fullest["registrar 0"] == fullest["registrar 1"] == OF_REGISTRAR
    assert deaths_with_slots > 20
    assert table.rows() == []
    slots = [table.take("c1", f"192.0.2.{n % 2}", MOST, OF_ADDRESS) for n in range(MOST)]
    assert slots == list(range(MOST))
    assert limit(lambda: take(table, most=MOST)) == "max-connections"
    for slot in slots[:OF_REGISTRAR]:
        table.set_registrar(slot, 1, OF_REGISTRAR)


def test_a_process_killed_within_a_change_lets_go_of_the_lock(table: Table) -> None:
    def stay_inside() -> None:
        table._locked(0).__enter__()

    child = Child(stay_inside)
    child.answer()
    waiting = Child(lambda: take(table))
    try:
        # it has to wait for the lock: a look at what it waits in tells so
        deadline = time.monotonic() + PATIENCE
        while "fcntl" not in kernel_function(waiting.pid) and time.monotonic() < deadline:
            time.sleep(0.005)
        assert table.rows() == []
        child.kill()
        assert waiting.answer() == 0
    finally:
        for one in (child, waiting):
            if one.pid:
                one.kill()
    assert len(table.rows()) == 1


def kernel_function(pid: int) -> str:
    """Where in the system the process waits; "fcntl" where that can't be seen but a lock is waited for."""
    waits = any("->" in line and f" {pid} " in line for line in Path("/proc/locks").read_text().splitlines())
    return "fcntl" if waits else ""


@pytest.mark.parametrize("stage", ["owner", "high", "address", "texts"])
def test_a_death_in_the_middle_of_a_take_leaves_nothing_behind(
    table: Table, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    class DyingColumn:
        """A column of the table whose writer does not live to see it written."""

        def __getitem__(self, where: object) -> object:
            return real[where]  # type: ignore[index]

        def __setitem__(self, where: object, value: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

    first = take(table)
    take(table)
    table.give_back(first)
    name = {"owner": "_owners", "high": "_high", "address": "_addresses", "texts": "_started"}[stage]
    real = getattr(table, name)

    def die() -> None:
        setattr(table, name, DyingColumn())
        # the second one is of a slot that has never been used
        os.close(take(table))
        take(table)

    child = Child(die)
    os.waitpid(child.pid, os.WNOHANG | os.WNOWAIT if hasattr(os, "WNOWAIT") else os.WNOHANG)
    child.kill()
    table.free_of(gone)

    assert column(table, "owner") == [os.getpid()]
    assert [take(table, most=3) for _ in range(2)] == [0, 2]
    assert limit(lambda: take(table, most=3)) == "max-connections"
