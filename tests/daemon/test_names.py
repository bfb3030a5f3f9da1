"""Names of processes and threads, as the system shows them to ps and top."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from srs_epp.daemon import names
from srs_epp.daemon.names import ThreadNames
from srs_epp.daemon.table import Table
from srs_epp.session.states import State
from tests.daemon.child import in_child

NUMBERS = {state: number for number, state in enumerate(State)}


def comm(thread: int) -> str:
    return Path(f"/proc/self/task/{thread}/comm").read_text().rstrip("\n")


def named(name: Callable[[], None]) -> str:
    """What a thread is called that has named itself."""
    found: list[str] = []

    def run() -> None:
        name()
        found.append(comm(threading.get_native_id()))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("name", ["master", "worker 1", "worker 64", "status"])
def test_a_process_is_called_by_what_it_does(name: str) -> None:
    def be_called() -> tuple[str, str]:
        names.name_process(name)
        return Path("/proc/self/comm").read_text(), Path("/proc/self/stat").read_text().split(")")[0]

    comm, stat = in_child(be_called)

    assert comm == f"eppd {name}\n"
    assert stat.endswith(f"(eppd {name}")


def test_one_threads_name_is_not_anothers() -> None:
    before = Path("/proc/self/comm").read_text()

    assert named(lambda: names.name_this("another")) == "another"

    assert Path("/proc/self/comm").read_text() == before


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a name that is too long", "a name that is "),
        ("māori", "m?ori"),
        ("", ""),
    ],
)
def test_what_the_system_can_not_show_is_cut_or_replaced(text: str, name: str) -> None:
    assert named(lambda: names.name_this(text)) == name


# -- the threads of connections


class Served:
    """A thread that serves the connection of a slot, until it is told to end."""

    def __init__(self, table: Table, names: ThreadNames, address: str = "192.0.2.1") -> None:
        self.slot = table.take("c1-1", address, 100, None)
        self._table, self._names = table, names
        self._entered, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self._entered.wait()

    def _run(self) -> None:
        self._names.enter(self.slot)
        self._entered.set()
        self._over.wait()

    @property
    def name(self) -> str:
        assert self._thread.native_id is not None
        return comm(self._thread.native_id)

    def end(self, *, leave: bool = True) -> None:
        if leave:
            self._names.leave(self.slot)
            self._table.give_back(self.slot)
        self._over.set()
        self._thread.join()


@pytest.fixture
def table() -> Iterator[Table]:
    table = Table()
    yield table
    os.close(table.descriptor)
    vars(table).clear()


@contextmanager
def serving(table: Table, names: ThreadNames) -> Iterator[Served]:
    served = Served(table, names)
    try:
        yield served
    finally:
        served.end()


@pytest.mark.parametrize(
    ("registrar", "state", "name"),
    [
        (None, State.WAITING_FOR_CLIENT, "- connect"),
        (None, State.WAITING_FOR_CLIENT_AUTHENTICATION, "- login?"),
        (None, State.PROCESSING_LOGIN, "- login"),
        (100, State.WAITING_FOR_COMMAND, "100 idle"),
        (100, State.PROCESSING_COMMAND, "100 command"),
        (1, State.PREPARE_RESPONSE, "001 respond"),
        (0, State.END_SESSION, "000 end"),
        (12345678901, State.WAITING_FOR_COMMAND, "12345678901 idl"),
    ],
)
def test_a_thread_is_called_by_who_is_logged_in_and_the_state(
    table: Table, registrar: int | None, state: State, name: str
) -> None:
    names = ThreadNames(table)
    with serving(table, names) as served:
        if registrar is not None:
            table.set_registrar(served.slot, registrar, 100)
        table.states[served.slot] = NUMBERS[state]

        names.bring_up_to_date()

        assert served.name == name


def test_a_thread_does_not_have_the_name_of_the_one_that_accepts(table: Table) -> None:
    with serving(table, ThreadNames(table)) as served:
        assert served.name == "- connect"


def test_every_state_can_be_told_in_the_name_of_a_thread(table: Table) -> None:
    names = ThreadNames(table)
    told = {}
    with serving(table, names) as served:
        for state, number in NUMBERS.items():
            table.states[served.slot] = number
            names.bring_up_to_date()
            told[state] = served.name

    assert len(set(told.values())) == len(State) - 3  # greetings and responses are drawn twice or three times
    assert told[State.PREPARE_GREETING] == told[State.PREPARE_GREETING_AGAIN] == "- greet"


def test_each_thread_has_the_name_of_its_own_connection(table: Table) -> None:
    names = ThreadNames(table)
    with serving(table, names) as first, serving(table, names) as second:
        table.set_registrar(first.slot, 100, 100)
        table.set_registrar(second.slot, 101, 100)
        table.states[second.slot] = NUMBERS[State.PROCESSING_COMMAND]

        names.bring_up_to_date()

        assert (first.name, second.name) == ("100 connect", "101 command")


def test_a_slot_that_is_used_again_names_its_new_thread_and_no_other(table: Table) -> None:
    names = ThreadNames(table)
    with serving(table, names) as gone:
        table.states[gone.slot] = NUMBERS[State.WAITING_FOR_COMMAND]
        names.bring_up_to_date()
        assert gone.name == "- idle"
    with serving(table, names) as served:
        assert served.slot == gone.slot
        table.states[served.slot] = NUMBERS[State.WAITING_FOR_COMMAND]
        names.bring_up_to_date()
        assert served.name == "- idle"


def test_a_thread_that_has_ended_before_its_name_is_written_does_no_harm(table: Table) -> None:
    names = ThreadNames(table)
    gone = Served(table, names)
    gone.end(leave=False)
    with serving(table, names) as served:
        names.bring_up_to_date()
        assert served.name == "- connect"


def test_what_the_table_does_not_have_yet_keeps_its_name(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ThreadNames(table)
    looked = table.sessions()  # before the connection came
    with serving(table, names) as served:
        monkeypatch.setattr(table, "sessions", lambda: looked)

        names.bring_up_to_date()

        assert served.name == "- connect"
