"""The table that processes share: no slot and no token is lost or given twice, whoever dies, and when."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srs_epp.commands.turns import Turns
from srs_epp.config import Rate
from srs_epp.daemon.processes import gone
from srs_epp.daemon.table import Full, Row, Table
from srs_epp.epp.results import CommandFailed
from tests.daemon.child import Child, living

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
    assert column(table, "peer") == ["192.0.2.1", "192.0.2.1", "198.51.100.1"]


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


def test_free_slots_at_the_end_are_not_looked_through_any_more(table: Table) -> None:
    for _ in range(5):
        take(table)
    seen = []
    for slot in (1, 3, 4, 2):
        table.give_back(slot)
        seen.append(table._high[0])
    assert seen == [5, 5, 3, 1]

    with living(lambda: [take(table) for _ in range(3)]) as other:
        assert table._high[0] == 4
        other.kill()
    table.free_of(gone)
    assert table._high[0] == 1


class Slots:
    """A table in the plainest way: address and registrar of each slot, None where it is free."""

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


def counted(rows: list[Row]) -> Counter[object]:
    """How many there are in all, of each peer, and of each registrar."""
    return Counter([*("all" for _ in rows), *(row.peer for row in rows), *(row.registrar for row in rows)])


def test_processes_that_are_killed_at_random_leak_no_slot_and_no_limit_is_ever_exceeded(table: Table) -> None:
    dice = random.Random(20261122)
    pids = [busy(table, number) for number in range(4)]
    fullest = Counter[object]()
    freed = 0
    try:
        for number in range(60):
            time.sleep(dice.random() * 0.004)
            kill(pids.pop(0))
            freed += table.free_of(gone)
            pids.append(busy(table, 1000 + number))
            for _ in range(5):
                rows = seen_alone(table)
                assert {row.owner for row in rows} <= set(pids)
                fullest |= counted(rows)
    finally:
        for pid in pids:
            kill(pid)
    table.free_of(gone)

    # each was reached, and none exceeded
    assert fullest["all"] == MOST
    assert fullest["192.0.2.0"] == fullest["192.0.2.1"] == OF_ADDRESS
    assert fullest[0] == fullest[1] == OF_REGISTRAR
    assert freed > 0
    assert table.rows() == []
    slots = [table.take("c1", f"192.0.2.{n % 2}", MOST, OF_ADDRESS) for n in range(MOST)]
    assert slots == list(range(MOST))
    assert limit(lambda: take(table, most=MOST)) == "max-connections"
    for slot in slots[:OF_REGISTRAR]:
        table.set_registrar(slot, 1, OF_REGISTRAR)


def test_a_process_killed_within_a_change_lets_go_of_the_lock(table: Table) -> None:
    held = ExitStack()  # whoever drops it gives the lock back
    with living(lambda: held.enter_context(table._locked(0))) as other:
        with pytest.raises(BlockingIOError):
            fcntl.lockf(table.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0)
        other.kill()

        assert take(table) == 0


class DyingColumn:
    """A column of the table whose writer does not live to see it written."""

    def __init__(self, column: Any) -> None:
        self._column = column

    def __getitem__(self, where: Any) -> Any:
        return self._column[where]

    def __setitem__(self, where: Any, value: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("used_before", [True, False])
@pytest.mark.parametrize("name", ["_owners", "_high", "_addresses", "_registrars", "_started"])
def test_a_death_in_the_middle_of_a_take_leaves_nothing_behind(
    table: Table, name: str, used_before: bool
) -> None:
    slots = [take(table), take(table)]
    table.give_back(slots[0 if used_before else 1])

    def die() -> None:
        setattr(table, name, DyingColumn(getattr(table, name)))
        take(table, "192.0.2.9")

    assert_dies(die)
    table.free_of(gone)

    assert column(table, "owner") == [os.getpid()]
    assert [take(table, "192.0.2.9", 3, 2) for _ in range(2)] == [0 if used_before else 1, 2]
    assert limit(lambda: take(table, most=3)) == "max-connections"


@pytest.mark.parametrize("name", ["_owners", "_high", "_addresses", "_registrars"])
def test_a_death_in_the_middle_of_giving_back_leaves_nothing_behind(table: Table, name: str) -> None:
    take(table)

    def die() -> None:
        slot = take(table, "192.0.2.9", 2, 1)
        table.set_registrar(slot, 100, 1)
        setattr(table, name, DyingColumn(getattr(table, name)))
        table.give_back(slot)

    assert_dies(die)
    table.free_of(gone)

    assert column(table, "owner") == [os.getpid()]
    slot = take(table, "192.0.2.9", 2, 1)
    table.set_registrar(slot, 100, 1)


def assert_dies(act: Callable[[], None]) -> None:
    child = Child(act)
    with pytest.raises(AssertionError, match="it was ended"):
        child.answer()
    child.kill()


# -- a master's table is its successor's


def test_a_table_made_of_the_descriptor_is_the_same_one(table: Table, tables: Tables) -> None:
    mine = take(table, "192.0.2.7", most_of_address=2)

    def adopt() -> tuple[list[object], int, str]:
        adopted = tables(table.descriptor)
        seen = column(adopted, "peer")
        slot = take(adopted, "192.0.2.7", most_of_address=2)
        adopted.set_registrar(slot, 100, 1)
        adopted.reserve(100, Rate(0.001, 1))
        adopted.note_registrar(100)
        return seen, slot, limit(lambda: take(adopted, "192.0.2.7", most_of_address=2))

    with doing(adopt) as successor:
        assert successor.answer() == (["192.0.2.7"], 1, "max-connections-per-address")

        assert column(table, "owner") == [os.getpid(), successor.pid]
        assert limit(lambda: take(table, "192.0.2.7", most_of_address=2)) == "max-connections-per-address"
        assert limit(lambda: table.set_registrar(mine, 100, 1)) == "max-sessions-per-registrar"
        assert table.reserve(100, Rate(0.001, 1)) > 0
        assert table.known_registrar == 100
    assert table.free_of(gone) == 1
    table.set_registrar(mine, 100, 1)


def test_a_table_is_no_business_of_programs_that_we_start(table: Table) -> None:
    assert not os.get_inheritable(table.descriptor)


@pytest.mark.parametrize("content", [b"", b"x", b"eppd table 1"])
def test_a_file_of_another_size_is_no_table(content: bytes) -> None:
    with tempfile.TemporaryFile() as other:
        other.write(content)
        other.flush()
        with pytest.raises(ValueError, match="not a table"):
            Table(other.fileno())
        other.seek(0)
        assert other.read() == content


def test_a_file_of_another_release_is_no_table_and_stays_as_it_is(table: Table) -> None:
    with tempfile.TemporaryFile() as other:
        other.write(b"eppd table 0")
        other.flush()
        os.truncate(other.fileno(), os.fstat(table.descriptor).st_size)
        with pytest.raises(ValueError, match="not a table"):
            Table(other.fileno())
        other.seek(0)
        assert other.read().rstrip(b"\0") == b"eppd table 0"


# -- command-rate


class Clock:
    """What the table takes for the module time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.time = time.time

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("srs_epp.daemon.table.time", made)
    return made


def test_a_burst_is_free_and_what_follows_waits_in_turn(table: Table, clock: Clock) -> None:
    rate = Rate(2.0, 3)

    assert [table.reserve(100, rate) for _ in range(6)] == [0, 0, 0, 0.5, 1.0, 1.5]
    assert [table.reserve(101, rate) for _ in range(4)] == [0, 0, 0, 0.5]


def test_who_waits_as_told_keeps_the_rate(table: Table, clock: Clock) -> None:
    rate = Rate(5.0, 10)
    for _ in range(110):
        clock.now += table.reserve(100, rate)

    assert clock.now == pytest.approx(1000 + 100 / 5)


def test_tokens_come_back_with_time_but_no_more_than_the_burst(table: Table, clock: Clock) -> None:
    rate = Rate(2.0, 3)
    for _ in range(5):
        table.reserve(100, rate)
    clock.now += 1.5

    assert [table.reserve(100, rate) for _ in range(2)] == [0, 0.5]
    clock.now += 3600
    assert [table.reserve(100, rate) for _ in range(4)] == [0, 0, 0, 0.5]


def test_a_clock_that_another_process_has_read_later_takes_no_token_back(table: Table, clock: Clock) -> None:
    rate = Rate(1.0, 1)
    table.reserve(100, rate)
    clock.now -= 0.25

    assert table.reserve(100, rate) == 1.0


def test_a_smaller_burst_holds_at_once(table: Table, clock: Clock) -> None:
    table.reserve(100, Rate(1.0, 100))

    assert [table.reserve(100, Rate(1.0, 2)) for _ in range(3)] == [0, 0, 1.0]


def test_a_registrar_whose_number_is_nought_has_a_bucket_too(table: Table, clock: Clock) -> None:
    assert [table.reserve(0, Rate(1.0, 1)) for _ in range(2)] == [0, 1.0]


def test_of_registrars_that_want_the_same_bucket_none_has_to_pay_for_another(
    table: Table, clock: Clock
) -> None:
    rate, alike = Rate(1.0, 1), range(100, 100 + 32 * 4096, 4096)
    for registrar in alike:
        assert [table.reserve(registrar, rate) for _ in range(2)] == [0, 1.0]
        clock.now += 0.001

    assert all(table.reserve(registrar, rate) > 1 for registrar in alike)


def test_where_there_are_too_many_the_one_goes_that_was_used_longest_ago(table: Table, clock: Clock) -> None:
    rate, alike = Rate(0.001, 1), range(100, 100 + 32 * 4096, 4096)
    for registrar in alike:
        table.reserve(registrar, rate)
        clock.now += 1
    table.reserve(alike[0], rate)

    assert table.reserve(alike[-1] + 4096, rate) == 0
    for used_later in (alike[0], *alike[2:]):
        assert table.reserve(used_later, rate) > 0
    assert table.reserve(alike[1], rate) == 0


def test_a_rate_is_one_for_all_processes(table: Table) -> None:
    # so slow that no token comes back meanwhile: the waits tell what was taken
    rate = Rate(0.001, 10)

    def draw() -> list[float]:
        return [table.reserve(100, rate) for _ in range(50)]

    with ExitStack() as stack:
        children = [stack.enter_context(doing(draw)) for _ in range(4)]
        waits = [wait for child in children for wait in child.answer()]

    assert sorted(round(wait / 1000) for wait in waits) == [0] * 10 + list(range(1, 191))


def test_a_process_killed_within_a_draw_keeps_nobody_else_from_drawing(table: Table) -> None:
    held = ExitStack()
    with living(lambda: held.enter_context(table._locked(1))) as other:
        take(table)  # slots have a lock of their own
        other.kill()

        assert table.reserve(100, Rate(1.0, 1)) == 0


# -- turns


def soon() -> float:
    return time.monotonic() + PATIENCE


def hold(table: Table, key: object) -> Callable[[], bool]:
    """For a child: have the lock until its end."""
    held = ExitStack()
    return lambda: held.enter_context(table.lock(key, soon()))


def test_a_lock_is_had_by_one_process_until_it_gives_it_back(table: Table) -> None:
    with living(hold(table, (100, "kea.nz"))) as other:
        with table.lock((100, "weka.nz"), 0) as had:
            assert had
        with table.lock((101, "kea.nz"), 0) as had:
            assert had
        with table.lock((100, "kea.nz"), 0) as had:
            assert not had
        other.end()
    with table.lock((100, "kea.nz"), 0) as had:
        assert had


def test_a_lock_is_given_back_by_sigkill_to_who_waits_for_it(table: Table) -> None:
    def wait() -> bool:
        with table.lock("kea.nz", soon()) as had:
            return had

    with living(hold(table, "kea.nz")) as other:
        with table.lock("kea.nz", 0) as had:
            assert not had
        with doing(wait) as waiting:
            other.kill()
            assert waiting.answer() is True


def test_a_lock_is_given_back_by_an_exception(table: Table) -> None:
    with pytest.raises(ZeroDivisionError), table.lock("kea.nz", soon()):
        raise ZeroDivisionError
    with living(hold(table, "kea.nz")), table.lock("kea.nz", 0) as had:
        assert not had


def test_patience_ends_at_the_deadline(table: Table) -> None:
    with living(hold(table, "kea.nz")):
        started = time.monotonic()
        with table.lock("kea.nz", started + 0.3) as had:
            assert not had
        assert 0.2 < time.monotonic() - started < PATIENCE


def test_a_turn_that_another_process_has_is_refused_and_had_once_it_is_free(table: Table) -> None:
    turns = Turns(table.lock)
    with living(hold(table, "kea.nz")):
        with pytest.raises(CommandFailed, match="another session is changing"), turns.take("kea.nz", 0.05):
            pytest.fail("two have the turn")
        with turns.take("weka.nz", PATIENCE):
            assert len(turns) == 1
    with turns.take("kea.nz", PATIENCE):
        assert len(turns) == 1
    assert len(turns) == 0


def test_two_threads_of_several_processes_are_never_inside_at_once(table: Table, tmp_path: Path) -> None:
    marker, count = tmp_path / "inside", tmp_path / "count"
    count.write_text("0")

    def go_in(turns: Turns) -> None:
        for _ in range(20):
            with turns.take("kea.nz", PATIENCE):
                marker.touch(exist_ok=False)
                count.write_text(str(int(count.read_text()) + 1))
                marker.unlink()

    def work() -> list[str]:
        turns, failures = Turns(table.lock), list[str]()

        def note() -> None:
            try:
                go_in(turns)
            except BaseException as failure:
                failures.append(repr(failure))

        threads = [threading.Thread(target=note) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return failures

    with ExitStack() as stack:
        children = [stack.enter_context(doing(work)) for _ in range(3)]
        assert [child.answer() for child in children] == [[], [], []]
    assert count.read_text() == "120"


def test_who_wants_a_turn_again_at_once_does_not_keep_others_from_it(table: Table) -> None:
    def again_and_again() -> None:
        turns = Turns(table.lock)
        while True:
            with turns.take("kea.nz", PATIENCE):
                time.sleep(0.005)  # what the registry takes

    turns = Turns(table.lock)
    child = Child(again_and_again)
    try:
        while True:  # until it has begun
            with table.lock("kea.nz", 0) as had:
                if not had:
                    break
        for _ in range(10):
            with turns.take("kea.nz", 2.0):
                pass
    finally:
        child.kill()


# -- children


@contextmanager
def doing(act: Callable[[], Any]) -> Iterator[Child]:
    """A child that does something meanwhile; its ``answer`` is to be asked for."""
    child = Child(act)
    try:
        yield child
    finally:
        if child.pid:
            child.kill()


def test_sessions_are_told_by_their_slots(table: Table) -> None:
    first, second, third = (take(table) for _ in range(3))
    table.set_registrar(first, 0, 100)
    table.set_registrar(third, 101, 100)
    table.states[second], table.states[third] = 3, 6
    table.give_back(first)

    assert table.sessions() == [(None, 0), (None, 3), (101, 6)]
    assert [table.session(slot) for slot in (first, second, third)] == table.sessions()
