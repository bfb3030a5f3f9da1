"""Names of processes and threads, as the system shows them to ps and top."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from srs_epp.daemon import names
from srs_epp.session.states import State
from tests.daemon.child import in_child


def named(name: Callable[[], None]) -> str:
    """What a thread is called that has named itself."""
    found: list[str] = []

    def run() -> None:
        name()
        found.append(Path("/proc/thread-self/comm").read_text().rstrip("\n"))

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


@pytest.mark.parametrize(
    ("registrar", "state", "name"),
    [
        (None, State.WAITING_FOR_CLIENT_AUTHENTICATION, "- login?"),
        (None, State.PROCESSING_LOGIN, "- login"),
        ("100", State.WAITING_FOR_COMMAND, "100 idle"),
        ("100", State.PROCESSING_COMMAND, "100 command"),
        ("001", State.PREPARE_RESPONSE, "001 respond"),
        ("100", State.END_SESSION, "100 end"),
    ],
)
def test_a_thread_is_called_by_who_is_logged_in_and_the_state(
    registrar: str | None, state: State, name: str
) -> None:
    assert named(lambda: names.name_thread(registrar, str(state))) == name


@pytest.mark.parametrize("state", State)
def test_every_state_can_be_told_in_the_name_of_a_thread(state: State) -> None:
    name = named(lambda: names.name_thread("1234567", str(state)))

    assert name.startswith("1234567 ")
    assert names._SHORT[str(state)] == name.removeprefix("1234567 ")


def test_states_that_differ_for_who_looks_have_different_names() -> None:
    looked_at = (
        State.WAITING_FOR_CLIENT_AUTHENTICATION,
        State.PROCESSING_LOGIN,
        State.WAITING_FOR_COMMAND,
        State.PROCESSING_COMMAND,
        State.END_SESSION,
    )

    assert len({named(lambda at=state: names.name_thread("100", str(at))) for state in looked_at}) == 5  # type: ignore[misc]


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
