"""Two workers and their master: limits hold over both, and whoever is killed, and when, nothing is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.client import HELLO, LOGOUT, Client, check, command, login
from tests.end_to_end.daemon import Daemon, alive, comm, wait_until_gone
from tests.end_to_end.process import PATIENCE, Sandbox
from tests.end_to_end.test_lives import AUTH, create_contact, info, ns, server, update

REFUSED = (ssl.SSLError, ConnectionError)
LIMIT = 4  # connections that there may be, in tests of that


class World:
    """A daemon with two workers, and clients that choose by whom they are served."""

    def __init__(self, folder: Path, sandbox: Sandbox, stack: ExitStack, **options: str) -> None:
        self.audit = folder / "audit.log"
        self._stack = stack
        options = {"workers": "2", "audit_log": str(self.audit), **options}
        self.daemon = Daemon(folder, sandbox, **options)

    @property
    def workers(self) -> tuple[int, int]:
        one, other = sorted(self.daemon.workers(), key=comm)
        return one, other

    def client(self, worker: int | None = None, source: str = "") -> Client:
        """Connected to that worker, or to whichever has the time."""
        with ExitStack() as stack:
            for other in self.daemon.workers():
                if worker not in (None, other):
                    stack.enter_context(stopped(other))
            return self._stack.enter_context(Client(self.daemon, source=source))

    def session(self, worker: int | None = None, registrar: int = 100) -> Client:
        """Logged in."""
        client = self.client(worker)
        client.log_in(self.daemon.registrar(registrar))
        return client

    def leave(self) -> None:
        """Close every connection: a server waits for its clients to do so."""
        self._stack.close()

    def stop(self) -> int:
        self.leave()
        return self.daemon.stop()

    def served(self, worker: int) -> int:
        """How many connections the worker has."""
        port = f"{self.daemon.port:04X}"
        lines = [line.split() for line in Path(f"/proc/{worker}/net/tcp").read_text().splitlines()[1:]]
        sockets = {f"socket:[{one[9]}]" for one in lines if one[1].endswith(f":{port}") and one[3] != "0A"}
        return sum(link in sockets for link in links(worker))

    def refusals(self, reason: str) -> list[dict[str, Any]]:
        """Lines of the audit log."""
        rows = [json.loads(line) for line in self.audit.read_text().splitlines()]
        return [row for row in rows if row["event"] == "refusal" and row["reason"] == reason]

    def left(self) -> list[int]:
        """The pids of all processes of it, masters and workers, whoever has started them."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            pid = int(entry.name)
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if str(self.daemon.file).encode() in words and alive(pid):
                found.append(pid)
        return found

    def wait_until_nothing_is_left(self) -> None:
        for pid in self.left():
            wait_until_gone(pid)
        assert self.left() == []


def links(pid: int) -> list[str]:
    """What the descriptors of a process are."""
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(str(entry.readlink()))
        except FileNotFoundError:
            continue
    return found


def threads(pid: int) -> list[str]:
    """The names of its threads."""
    found = []
    for entry in Path(f"/proc/{pid}/task").iterdir():
        try:
            found.append((entry / "comm").read_text().strip())
        except OSError:
            continue
    return sorted(found)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """SIGSTOP, until the block ends."""
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: states(pid) == {"T"})
        yield
    finally:
        with suppress(ProcessLookupError):  # it may have been killed meanwhile
            os.kill(pid, signal.SIGCONT)


def states(pid: int) -> set[str]:
    """Of all threads: one may be still at work when the others have stopped."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return {(task / "stat").read_text().rsplit(")", 1)[1].split()[0] for task in tasks}


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, true
        time.sleep(0.01)


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Start a daemon with two workers in front of the shared sandbox's registry, with these options."""
    with ExitStack() as stack:
        started: list[World] = []

        def run_one(**options: str) -> World:
            started.append(World(tmp_path / f"run-{len(started)}", sandbox, stack, **options))
            return started[-1]

        yield run_one
        stack.close()
        for world in started:
            world.daemon.kill_all()
            for pid in world.left():
                os.kill(pid, signal.SIGKILL)
            assert "Traceback" not in world.daemon.log, world.daemon.log


def assert_refused(world: World, worker: int, source: str = "") -> None:
    with pytest.raises(REFUSED):
        world.client(worker, source)


# -- limits


def test_max_connections_holds_over_both_workers(run: Callable[..., World]) -> None:
    world = run(max_connections=str(LIMIT))
    one, other = world.workers
    clients = [world.client(worker) for worker in (one, one, other, other)]
    assert (world.served(one), world.served(other)) == (2, 2)

    for worker in (one, other):
        assert_refused(world, worker)

    assert all(client.read().is_greeting for client in clients)
    lines = world.refusals("max-connections")
    assert [(line["worker"], line["peer"], line["text"]) for line in lines] == [
        (1, "127.0.0.1", "max-connections (4) reached"),
        (2, "127.0.0.1", "max-connections (4) reached"),
    ]
    assert world.daemon.log.count("127.0.0.1 refused: max-connections (4) reached") == 2
    clients[0].tls.close()
    wait_until(lambda: world.served(one) == 1)
    assert eventually(lambda: world.client(other)).read().is_greeting
    assert_refused(world, one)
    assert world.stop() == 0


def eventually(connect: Callable[[], Client]) -> Client:
    """The connection that is made as soon as there is room."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return connect()
        except REFUSED:
            assert time.monotonic() < deadline


def test_max_connections_per_address_holds_over_both_workers(run: Callable[..., World]) -> None:
    world = run(max_connections_per_address="2")
    one, other = world.workers
    world.client(one, "127.0.0.1")
    world.client(other, "127.0.0.1")
    world.client(one, "127.0.0.2")

    for worker in (one, other):
        assert_refused(world, worker, "127.0.0.1")
        world.client(worker, "127.0.0.3")
    world.client(other, "127.0.0.2")
    assert_refused(world, one, "127.0.0.2")

    lines = world.refusals("max-connections-per-address")
    assert [(line["worker"], line["peer"]) for line in lines] == [
        (1, "127.0.0.1"),
        (2, "127.0.0.1"),
        (1, "127.0.0.2"),
    ]
    assert world.daemon.log.count("127.0.0.1 refused: max-connections-per-address (2) reached") == 2
    assert world.stop() == 0


def test_max_sessions_per_registrar_holds_over_both_workers(run: Callable[..., World]) -> None:
    world = run(max_sessions_per_registrar="2")
    one, other = world.workers
    sessions = [world.session(one), world.session(other)]

    for worker in (one, other):
        third = world.client(worker)
        assert third.read().is_greeting
        answer = third.ask(login(world.daemon.registrar(100)))
        assert answer.code == 2502
        assert "this registrar has as many sessions as it may have" in answer.text
        assert third.at_end()
        third.tls.close()

    assert [session.ask(check("unhurt.nz")).code for session in sessions] == [1000, 1000]
    world.session(one, registrar=101)
    lines = world.refusals("max-sessions-per-registrar")
    assert [(line["worker"], line["registrar"]) for line in lines] == [(1, "100"), (2, "100")]
    assert (
        len(re.findall("login of registrar 100 refused: max-sessions-per-registrar", world.daemon.log)) == 2
    )

    assert sessions[0].ask(LOGOUT).code == 1500
    assert sessions[0].at_end()
    sessions[0].tls.close()
    wait_until(lambda: world.served(one) == 1)  # that of registrar 101
    world.session(other)
    assert world.stop() == 0


def test_a_wrong_password_takes_no_session_of_the_registrar(run: Callable[..., World]) -> None:
    world = run(max_sessions_per_registrar="1")
    client = world.client()
    assert client.read().is_greeting

    assert client.ask(login(world.daemon.registrar(100), "wrong-one")).code == 2200
    assert client.ask(login(world.daemon.registrar(100))).code == 1000

    assert world.client().ask(HELLO).is_greeting
    assert world.stop() == 0


@pytest.mark.parametrize("killed", [0, 1])
def test_connections_of_a_killed_worker_do_not_count_any_more(run: Callable[..., World], killed: int) -> None:
    world = run(max_connections=str(LIMIT), max_sessions_per_registrar=str(LIMIT))
    victim, other = world.workers[killed], world.workers[1 - killed]
    lost = [world.session(victim) for _ in range(LIMIT // 2)]
    kept = [world.session(other) for _ in range(LIMIT // 2)]
    assert_refused(world, other)
    os.kill(victim, signal.SIGKILL)
    assert all(session.at_end() for session in lost)
    ended = rf"worker {killed + 1}, pid {victim}, ended \(signal SIGKILL\) with 2 connections"
    world.daemon.wait_for_log(ended)

    for _ in lost:
        world.session()
    assert_refused(world, other)
    world.daemon.wait_for_log(f"worker {killed + 1} started again")

    assert_refused(world, world.workers[killed])
    assert {session.ask(check("unhurt.nz")).code for session in kept} == {1000}
    assert world.stop() == 0


def test_command_rate_slows_both_workers_together_and_refuses_nothing(run: Callable[..., World]) -> None:
    world = run(command_rate="20/5")
    sessions = [world.session(worker) for worker in world.workers]
    started = time.monotonic()
    for session in sessions:
        session.send(*[check(f"rate-{n}.nz", trid=f"trid-{n}") for n in range(20)])
    bystander = world.session(registrar=101)
    assert bystander.ask(check("other.nz")).code == 1000
    assert time.monotonic() - started < 35 / 20
    for session in sessions:
        answers = [session.read() for _ in range(20)]
        assert [(answer.code, answer.client_trid) for answer in answers] == [
            (1000, f"trid-{n}") for n in range(20)
        ]

    assert time.monotonic() - started > 35 / 20 - 0.1
    assert world.stop() == 0


def test_who_had_to_wait_long_is_not_closed_for_being_idle(run: Callable[..., World]) -> None:
    world = run(command_rate="2/1", idle_timeout="1")
    session = world.session()
    session.send(*[check("slow.nz") for _ in range(4)])
    assert [session.read().code for _ in range(4)] == [1000] * 4
    time.sleep(0.3)  # a client that thinks

    assert session.ask(check("slow.nz")).code == 1000

    assert world.stop() == 0


# -- what one can see


def test_processes_and_threads_have_names(run: Callable[..., World]) -> None:
    world = run()
    one, other = world.workers

    assert comm(world.daemon.master) == "eppd master"
    assert (comm(one), comm(other)) == ("eppd worker 1", "eppd worker 2")

    world.client(one)
    world.session(one, 100)
    world.session(other, 101)
    wait_until(lambda: {"- login?", "100 idle"} <= set(threads(one)))
    wait_until(lambda: "101 idle" in threads(other))
    assert "100 idle" not in threads(other)
    assert world.stop() == 0


# -- turns


def test_two_workers_that_change_a_domain_at_the_same_moment_lose_no_change(
    run: Callable[..., World], unused: Callable[[str], str]
) -> None:
    world = run()
    sessions = [world.session(worker) for worker in world.workers]
    handle, name = unused(""), unused("nz")
    assert sessions[0].ask(command(create_contact(handle))).code == 1000
    created = sessions[0].ask(
        command(
            f"<create><d:create><d:name>{name}</d:name>{ns(server('ns0.example.net'))}"
            f"<d:registrant>{handle}</d:registrant>{AUTH}</d:create></create>"
        )
    )
    assert created.code == 1000
    had: list[str] = []
    for number in range(25):
        new = [f"{letter}{number}.example.net" for letter in "ab"]
        for session, add, rem in zip(sessions, new, had or ["", ""], strict=True):
            session.send(command(update(name, add=ns(server(add)), rem=ns(server(rem)) if rem else "")))
        assert [session.read().code for session in sessions] == [1000, 1000]
        had = new
        seen = sessions[number % 2].ask(command(info(name)))
        assert sorted(seen.texts("hostName")) == sorted(["ns0.example.net", *had])
    assert world.stop() == 0


# -- hostile


def test_a_killed_master_leaves_nothing_unanswered_and_nobody_behind(run: Callable[..., World]) -> None:
    world = run()
    busy, idle = world.session(world.workers[0]), world.session(world.workers[1])
    busy.send(check(*[f"drain-{number}.nz" for number in range(100)]), HELLO)
    os.kill(world.daemon.master, signal.SIGKILL)

    assert busy.read().code == 1000
    assert busy.read().is_greeting
    assert busy.at_end()
    assert idle.at_end()
    world.leave()
    world.wait_until_nothing_is_left()


def test_a_master_that_is_killed_within_a_reload_leaves_nobody_behind(run: Callable[..., World]) -> None:
    world = run()
    one, _ = world.workers
    session = world.session(one)
    world.daemon.configure(max_frame="1 KiB")
    with stopped(one):
        os.kill(world.daemon.master, signal.SIGHUP)
        # the other has done it; to this one it was said, and nobody will hear the answer
        wait_until(lambda: reloaded(world))
        os.kill(world.daemon.master, signal.SIGKILL)
        world.daemon.wait()

    assert session.at_end()
    world.leave()
    world.wait_until_nothing_is_left()
    world.daemon.wait_for_log("draining 1 connections")


def reloaded(world: World) -> bool:
    """Whether a connection that is new is served with max-frame 1 KiB."""
    with Client(world.daemon) as client:
        assert client.read().is_greeting
        return not client.ask(HELLO + " " * 2000).is_greeting


def test_a_stopped_worker_does_not_keep_the_other_from_serving(run: Callable[..., World]) -> None:
    world = run(drain_timeout="1")
    one, other = world.workers
    stuck = world.session(one)
    with stopped(one):
        sessions = [world.session() for _ in range(10)]
        assert {session.ask(check("alone.nz")).code for session in sessions} == {1000}
        assert world.served(other) == 10
    assert stuck.ask(check("again.nz")).code == 1000

    os.kill(one, signal.SIGSTOP)
    assert world.stop() == 0

    world.daemon.wait_for_log("killing processes that do not end")


def test_twenty_sighups_at_once_are_a_reload(run: Callable[..., World]) -> None:
    world = run()
    session = world.session()
    workers = world.workers
    world.daemon.configure(max_frame="1 KiB")
    for _ in range(20):
        os.kill(world.daemon.master, signal.SIGHUP)
    for number in range(20):
        assert session.ask(check(f"storm-{number}.nz")).code == 1000
    world.daemon.wait_for_log("configuration reloaded")
    world.daemon.reload()

    assert world.workers == workers
    assert session.ask(HELLO + " " * 2000).is_greeting
    assert all(reloaded(world) for _ in range(10))
    assert world.stop() == 0


def test_a_worker_that_is_killed_within_a_reload_has_a_successor_that_knows_of_it(
    run: Callable[..., World],
) -> None:
    world = run()
    one, other = world.workers
    session = world.session(other)
    world.daemon.configure(max_frame="1 KiB")
    with stopped(one):
        os.kill(world.daemon.master, signal.SIGHUP)
        wait_until(lambda: reloaded(world))
        assert "configuration reloaded" not in world.daemon.log
        os.kill(one, signal.SIGKILL)

    world.daemon.wait_for_log("configuration reloaded")
    world.daemon.wait_for_log("worker 1 started again")
    assert session.ask(HELLO + " " * 2000).is_greeting
    with stopped(other):
        assert reloaded(world)
    assert world.stop() == 0


def test_two_sigusr2_in_a_row_make_one_new_master(run: Callable[..., World]) -> None:
    world = run()
    old = world.daemon.master
    session = world.session()
    os.kill(old, signal.SIGUSR2)
    os.kill(old, signal.SIGUSR2)
    new = successor(world)
    os.kill(old, signal.SIGUSR2)

    assert session.at_end()
    world.leave()
    wait_until_gone(old)
    assert len(re.findall("handing over to a new master", world.daemon.log)) == 1
    assert (world.daemon.master, comm(new)) == (new, "eppd master")
    assert len(world.left()) == 3
    world.session()
    assert world.stop() == 0
    world.wait_until_nothing_is_left()


def successor(world: World) -> int:
    """The pid of the new master, once there is one; it is who serves from now on."""
    found = world.daemon.wait_for_log(r"handing over to a new master, pid (\d+)")
    world.daemon.master = int(found[1])
    return world.daemon.master


def test_a_sigterm_while_it_hands_over_ends_both(run: Callable[..., World]) -> None:
    world = run()
    session = world.session()
    old = world.daemon.master
    os.kill(old, signal.SIGUSR2)
    successor(world)
    os.kill(old, signal.SIGTERM)

    assert session.at_end()
    world.leave()
    assert world.daemon.wait() == 0
    world.wait_until_nothing_is_left()


def test_a_sighup_while_it_hands_over_harms_neither(run: Callable[..., World]) -> None:
    world = run()
    old = world.daemon.master
    os.kill(old, signal.SIGUSR2)
    new = successor(world)
    for _ in range(5):
        os.kill(old, signal.SIGHUP)
        os.kill(new, signal.SIGHUP)

    wait_until_gone(old)
    world.session()
    world.daemon.configure(max_frame="1 KiB")
    world.daemon.reload()
    wait_until(lambda: reloaded(world))
    assert world.stop() == 0
    world.wait_until_nothing_is_left()


def test_a_new_master_that_is_killed_while_it_starts_is_not_missed(run: Callable[..., World]) -> None:
    world = run()
    session, old = world.session(), world.daemon.master
    os.kill(old, signal.SIGUSR2)
    os.kill(successor(world), signal.SIGKILL)
    world.daemon.wait_for_log("not handed over, going on: the new master failed")
    world.daemon.master = old

    assert session.ask(check("still.nz")).code == 1000
    world.session()
    wait_until(lambda: len(world.left()) == 3)
    assert world.stop() == 0


def test_a_new_master_that_is_killed_once_it_serves_leaves_nobody_behind(run: Callable[..., World]) -> None:
    world = run()
    session, old = world.session(), world.daemon.master
    os.kill(old, signal.SIGUSR2)
    new = successor(world)
    world.daemon.wait_for_log("the new master serves")
    os.kill(new, signal.SIGKILL)

    assert session.at_end()
    world.leave()
    assert world.daemon.wait() == 0
    world.wait_until_nothing_is_left()


def test_a_new_master_serves_though_the_old_one_is_killed_meanwhile(run: Callable[..., World]) -> None:
    world = run()
    session, old = world.session(), world.daemon.master
    os.kill(old, signal.SIGUSR2)
    new = successor(world)
    os.kill(old, signal.SIGKILL)
    world.daemon.wait()
    assert session.at_end()
    world.leave()
    wait_until(lambda: world.daemon.log.count("listening on") == 2)

    world.daemon.reload()

    wait_until(lambda: sorted(world.left()) == sorted([new, *world.workers]))
    world.session()
    assert world.stop() == -signal.SIGKILL
    world.wait_until_nothing_is_left()


def test_a_sigterm_that_comes_with_the_death_of_a_new_master_is_one(run: Callable[..., World]) -> None:
    world = run()
    session, old = world.session(), world.daemon.master
    world.daemon.configure(idle_timeout="soon")
    os.kill(old, signal.SIGUSR2)
    new = successor(world)
    world.daemon.master = old
    with stopped(old):
        wait_until_gone(new)
        os.kill(old, signal.SIGTERM)

    assert session.at_end()
    assert world.stop() == 0
    world.wait_until_nothing_is_left()


def test_a_worker_that_is_killed_while_sessions_work_costs_only_its_own(run: Callable[..., World]) -> None:
    world = run()
    one, other = world.workers
    sessions = [world.session(other) for _ in range(4)]
    failures: list[str] = []
    enough = threading.Event()

    def work(session: Client) -> None:
        try:
            while not enough.is_set():
                assert session.ask(check("busy.nz")).code == 1000
        except Exception as error:
            failures.append(repr(error))

    working = [threading.Thread(target=work, args=(session,)) for session in sessions]
    for thread in working:
        thread.start()
    try:
        for _ in range(2):
            lost = world.session(one)
            os.kill(one, signal.SIGKILL)
            assert lost.at_end()
            wait_until(lambda: len(world.daemon.workers()) == 2)
            one = next(pid for pid in world.daemon.workers() if pid != other)
    finally:
        enough.set()
        for thread in working:
            thread.join()
    assert failures == []
    assert world.stop() == 0
