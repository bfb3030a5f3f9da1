"""`eppd start`, `stop`, `status`, `restart`, `reload`: on a host without systemd, with a pid file."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.end_to_end.client import HELLO, Client
from tests.end_to_end.conftest import PASSWORDS, assert_no_secret
from tests.end_to_end.daemon import alive, comm, descendants, wait_until_gone
from tests.end_to_end.process import PATIENCE, TOP, Process, Sandbox, parent

NOBODY = 65534
# a command that becomes nobody and then the command that follows it
_AS_NOBODY = f"""
import os, sys
os.setgroups([]); os.setresgid({NOBODY}, {NOBODY}, {NOBODY}); os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
os.execv(sys.argv[1], sys.argv[1:])
"""
AS_NOBODY = [sys.executable, "-c", _AS_NOBODY]


def until(found: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class Service:
    """A configuration, and the commands given with it. To be spoken to like the sandbox behind it."""

    def __init__(self, folder: Path, sandbox: Sandbox, keys: Path | None = None, **options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        keys = keys or sandbox.data
        self.folder = folder
        self.file, self.pidfile, self.logfile = (
            folder / f"eppd.{suffix}" for suffix in ("conf", "pid", "log")
        )
        self.host, self.ca, self.registrar = "127.0.0.1", sandbox.ca, sandbox.registrar
        self.options = {
            "listen": "[127.0.0.1:0]",
            "tls_certificate": str(keys / "server.pem"),
            "tls_private_key": str(keys / "server.key"),
            "backend": str(sandbox.facts["registry"]),
            "pgp_signing_key": str(keys / "proxy.key"),
            "pgp_registry_certificate": f"[{keys / 'registry.asc'}]",
            "pidfile": str(self.pidfile),
            "log_target": str(self.logfile),
            "workers": "2",
        } | options
        self.configure()
        self.seen: set[int] = set()
        self._port = 0
        self._runs: list[Process] = []

    def configure(self, **options: str) -> None:
        """Write the configuration file; an empty option is left out."""
        self.options |= options
        lines = [f"{key.replace('_', '-')} = {value}" for key, value in self.options.items() if value]
        self.file.write_text("\n".join([*lines, ""]))

    def begin(self, *words: str, wrapper: Sequence[str] = ()) -> Process:
        """Run eppd with these words."""
        where = self.folder / f"{len(self._runs)}-{words[-1]}"
        one = Process(where, ["--config", str(self.file), *words], wrapper=wrapper)
        self._runs.append(one)
        return one

    def run(self, *words: str, wrapper: Sequence[str] = ()) -> tuple[int, str, str]:
        """Run eppd with these words to its end: exit code, output and errors."""
        one = self.begin(*words, wrapper=wrapper)
        code = one.wait()
        if found := re.search(r"^listening on .*:(\d+)$", one.log, re.M):
            self._port = int(found[1])
        with suppress(OSError, ValueError):
            self.seen.add(self.pid())
        return code, one.out, one.log

    @property
    def port(self) -> int:
        return self._port

    def pid(self) -> int:
        """What the pid file says."""
        return int(self.pidfile.read_text())

    def processes(self) -> list[int]:
        """The master and all that it has started."""
        return [self.pid(), *descendants(self.pid())]

    @property
    def log(self) -> str:
        return self.logfile.read_text() if self.logfile.exists() else ""

    def wait_for_log(self, pattern: str, count: int = 1) -> None:
        until(lambda: len(re.findall(pattern, self.log)) >= count, f"no {pattern!r} in:\n{self.log}")

    def end(self) -> None:
        """Let nothing be left of it, whatever the test has come to."""
        with suppress(OSError, ValueError):
            self.seen.add(self.pid())
        masters = [pid for pid in self.seen if comm(pid) == "eppd master"]
        children = [child for pid in masters for child in descendants(pid)]
        for pid in [*children, *masters]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in masters:
            wait_until_gone(pid)
        for one in self._runs:
            one.kill_all()
            assert "Traceback" not in one.log, one.log
        assert "Traceback" not in self.log, self.log
        assert_no_secret(self.log)


@pytest.fixture
def make(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    made: list[Service] = []

    def make_one(folder: Path | None = None, keys: Path | None = None, **options: str) -> Service:
        made.append(Service(folder or tmp_path / f"service-{len(made)}", sandbox, keys, **options))
        return made[-1]

    yield make_one
    for one in made:
        one.end()


@pytest.fixture
def service(make: Callable[..., Service]) -> Service:
    return make()


def assert_serves(service: Service) -> None:
    with Client(service) as client:
        client.log_in(service.registrar(100))


def test_the_life_of_a_service(service: Service) -> None:
    assert service.run("status") == (1, "eppd is not running\n", "")

    code, _, said = service.run("start")

    assert code == 0, said
    assert re.search(r"^listening on 127\.0\.0\.1:\d+$", said, re.M)
    pid = service.pid()
    assert service.run("status") == (0, f"eppd is running (pid {pid})\n", "")
    with Client(service) as living:
        living.log_in(service.registrar(100))

        service.configure(max_frame="1 KiB")
        assert service.run("reload") == (0, f"eppd reads its configuration again (pid {pid})\n", "")
        service.wait_for_log("configuration reloaded")
        assert living.ask(HELLO + " " * 2000).is_greeting

        code, out, said = service.run("restart")
        assert (code, out) == (0, f"eppd has ended (pid {pid})\n"), said
        assert living.at_end()
    assert service.pid() != pid
    wait_until_gone(pid)
    assert_serves(service)

    pid, processes = service.pid(), service.processes()
    assert len(processes) == 3
    assert service.run("stop") == (0, f"eppd has ended (pid {pid})\n", "")
    assert not any(map(alive, processes[1:]))
    wait_until_gone(pid)
    assert not service.pidfile.exists()
    assert service.run("status") == (1, "eppd is not running\n", "")
    assert service.run("stop") == (0, "eppd is not running\n", "")
    assert service.run("reload") == (1, "eppd is not running\n", "")


def test_restart_starts_what_did_not_run(service: Service) -> None:
    code, out, said = service.run("restart")

    assert (code, out) == (0, "eppd is not running\n"), said
    assert_serves(service)
    assert service.run("stop")[0] == 0


def test_whoever_waits_for_our_output_does_not_wait_for_our_end(service: Service) -> None:
    """A pipe as of a shell's ``$(eppd start)``, or of a remote one: it ends when nobody can write to it."""
    done = subprocess.run(
        [sys.executable, str(TOP / "eppd.py"), "--config", str(service.file), "start"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("EPPD_")},
    )

    assert b"listening on 127.0.0.1:" in done.stderr
    for pid in service.processes():
        for descriptor in (0, 1, 2):
            assert Path(f"/proc/{pid}/fd/{descriptor}").readlink() == Path(os.devnull)
    assert service.run("stop")[0] == 0


def test_in_the_background_there_is_no_terminal_and_no_parent(service: Service) -> None:
    service.run("start")

    fields = Path(f"/proc/{service.pid()}/stat").read_text().rsplit(")", 1)[1].split()
    session, terminal = int(fields[3]), int(fields[4])
    assert session not in (service.pid(), os.getsid(0))
    assert not alive(session)
    assert terminal == 0
    assert parent(service.pid()) not in (os.getpid(), session)
    assert stat.S_IMODE(service.logfile.stat().st_mode) & 0o027 == 0
    assert stat.S_IMODE(service.pidfile.stat().st_mode) == 0o644
    assert service.run("stop")[0] == 0


def test_a_second_start_is_told_who_runs(service: Service) -> None:
    service.run("start")
    pid = service.pid()
    for word in ("start", "run"):
        assert service.run(word) == (
            1,
            "",
            f"eppd: option pidfile: {service.pidfile}: eppd is running already (pid {pid})\n",
        )

    assert service.run("status")[0] == 0
    assert service.pid() == pid
    assert service.run("stop")[0] == 0


def test_of_two_that_start_at_once_one_runs(service: Service) -> None:
    both = [service.begin("start") for _ in range(2)]

    assert sorted(one.wait() for one in both) == [0, 1]

    [loser] = [one for one in both if one.popen.returncode]
    assert re.fullmatch(
        r"eppd: option pidfile: .*: (eppd is running already \(pid \d+\)|another eppd is starting)\n",
        loser.log,
    )
    assert len(service.processes()) == 3
    assert service.run("stop")[0] == 0


def test_what_a_crash_leaves_is_in_nobodys_way(service: Service) -> None:
    service.run("start")
    master, *workers = service.processes()
    os.kill(master, signal.SIGKILL)
    for pid in workers:
        wait_until_gone(pid)

    assert service.pid() == master
    assert service.run("status") == (1, "eppd is not running\n", "")
    assert service.run("start")[0] == 0
    assert service.pid() != master
    assert_serves(service)
    assert service.run("stop")[0] == 0


def test_a_number_in_a_stale_file_is_not_told_anything(service: Service) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        service.pidfile.write_text(f"{other.pid}\n")

        assert service.run("stop") == (0, "eppd is not running\n", "")
        assert service.run("reload") == (1, "eppd is not running\n", "")
        assert service.run("restart")[0] == 0

        assert other.poll() is None
        other.kill()
    assert service.run("stop")[0] == 0


def test_one_in_the_foreground_is_told_as_well(service: Service) -> None:
    running = service.begin("run")
    running.wait_for_log("^listening on ")
    pid = running.popen.pid

    assert service.run("status") == (0, f"eppd is running (pid {pid})\n", "")
    assert service.run("stop") == (0, f"eppd has ended (pid {pid})\n", "")
    assert running.wait() == 0
    assert not service.pidfile.exists()


def test_a_new_master_has_the_pid_file(service: Service) -> None:
    service.run("start")
    old = service.pid()
    for _ in range(2):
        before = service.pid()
        os.kill(before, signal.SIGUSR2)
        until(lambda before=before: service.pid() != before, service.log)  # type: ignore[misc]
        wait_until_gone(before)
        service.seen.add(service.pid())

    assert service.pid() != old
    assert service.run("status") == (0, f"eppd is running (pid {service.pid()})\n", "")
    assert service.run("start")[0] == 1
    assert_serves(service)
    pid = service.pid()
    assert service.run("stop") == (0, f"eppd has ended (pid {pid})\n", "")
    assert not service.pidfile.exists()


def test_stop_waits_for_sessions_that_are_at_work(service: Service) -> None:
    """What was read is answered, although somebody wants it stopped."""
    service.run("start")
    with Client(service) as client:
        client.log_in(service.registrar(100))
        client.send(*[HELLO] * 50)

        assert service.run("stop")[0] == 0

        assert all(client.read().is_greeting for _ in range(50))
        assert client.at_end()


@pytest.mark.parametrize("word", ["restart", "reload"])
def test_what_is_faulty_changes_nothing(service: Service, word: str) -> None:
    service.run("start")
    pid = service.pid()
    service.configure(tls_certificate="/nowhere.pem")

    assert service.run(word) == (
        2,
        "",
        "eppd: option tls-certificate: /nowhere.pem: No such file or directory\n",
    )

    assert service.pid() == pid
    assert_serves(service)
    assert service.run("stop")[0] == 0


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ({"pgp_signing_key": "/nowhere.key"}, 2, "option pgp-signing-key: /nowhere.key: No such file"),
        ({"log_target": "stderr"}, 2, "option log-target: stderr, which is closed where daemon is true"),
        ({"log_target": "/nowhere/log"}, 2, "option log-target: /nowhere/log: No such file or directory"),
        ({"pidfile": ""}, 2, "option pidfile is required for start"),
        ({"pidfile": "/nowhere/pid"}, 2, "option pidfile: /nowhere/pid: No such file or directory"),
        ({"pidfile": "{other}"}, 1, "option pidfile: {other}: not a pid file: there is something else in it"),
        ({"user": "no-such-user"}, 2, "option user: 'no-such-user': there is no such user"),
        (
            {"user": "root", "group": "no-such-group"},
            2,
            "option group: 'no-such-group': there is no such group",
        ),
        ({"listen": "[127.0.0.1:{taken}]"}, 1, "option listen: 127.0.0.1:{taken}: Address already in use"),
    ],
)
def test_whoever_starts_it_sees_what_is_wrong(
    service: Service, options: dict[str, str], code: int, text: str
) -> None:
    other = service.folder / "precious"
    other.write_text("not to be written over\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:

        def fill(said: str) -> str:
            port = taken.getsockname()[1]
            return said.replace("{taken}", str(port)).replace("{other}", str(other))

        service.configure(**{name: fill(value) for name, value in options.items()})

        done, out, said = service.run("start")
        text = fill(text)

    assert (done, out) == (code, "")
    assert said.startswith(f"eppd: {text}")
    assert said.count("\n") == 1
    assert not service.pidfile.exists()
    assert other.read_text() == "not to be written over\n"


@pytest.mark.parametrize("word", ["start", "stop", "status", "restart", "reload"])
def test_no_order_without_a_pid_file(service: Service, word: str) -> None:
    service.configure(pidfile="")

    code, out, said = service.run(word)

    assert (code, out) == (2, "")
    assert re.fullmatch(r"eppd: option pidfile is required for (start|stop|status|reload)\n", said)


def test_a_start_that_is_interrupted_leaves_nothing(service: Service) -> None:
    """While it is not ready: the registry's certificate comes out of a pipe that nobody writes to."""
    fifo = service.folder / "registry.asc"
    os.mkfifo(fifo)
    service.configure(pgp_registry_certificate=f"[{fifo}]")
    starting = service.begin("start")
    until(service.pidfile.exists, "no pid file")
    until(service.pidfile.read_text, "no pid in the file")
    pid = service.pid()
    starting.popen.send_signal(signal.SIGTERM)

    starting.wait()
    wait_until_gone(pid)
    assert starting.popen.returncode != 0
    assert service.run("status")[0] == 1


# -- as another user


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user gets at, unlike those of the other tests; root's."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    reached = subprocess.run(
        [*AS_NOBODY, sys.executable, "-c", f"open({str(TOP / 'eppd.py')!r})"], capture_output=True, cwd="/"
    )
    if reached.returncode:
        pytest.skip("nobody can't run what lies here")
    folder = Path(tempfile.mkdtemp(prefix="eppd-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def keys(open_folder: Path, sandbox: Sandbox) -> Path:
    """What a proxy needs, for nobody's eyes only."""
    folder = open_folder / "keys"
    folder.mkdir()
    for name in ("server.pem", "server.key", "proxy.key", "registry.asc"):
        shutil.copyfile(sandbox.data / name, folder / name)
        (folder / name).chmod(0o400)
        os.chown(folder / name, NOBODY, NOBODY)
    return folder


@pytest.fixture
def as_nobody(open_folder: Path, keys: Path, make: Callable[..., Service]) -> Service:
    """A service that root starts and nobody runs: its pid file in a folder of root's, its log in nobody's."""
    logs = open_folder / "log"
    logs.mkdir()
    os.chown(logs, NOBODY, NOBODY)
    one = make(open_folder / "run", keys, user="nobody", log_target=str(logs / "eppd.log"))
    one.logfile = logs / "eppd.log"
    return one


def low_port() -> int:
    """A port that only root may listen on."""
    for port in range(700, 1024):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    pytest.skip("no low port is free")


def users(pid: int) -> tuple[set[int], set[int], set[int]]:
    """The users and groups that a process is, in whichever way, and its further groups."""
    status = Path(f"/proc/{pid}/status").read_text()

    def numbers(name: str) -> set[int]:
        [line] = re.findall(rf"^{name}:(.*)$", status, re.M)
        return {int(word) for word in line.split()}

    return numbers("Uid"), numbers("Gid"), numbers("Groups")


def assert_all_nobodys(service: Service) -> None:
    processes = service.processes()
    assert len(processes) >= 3
    for pid in processes:
        assert users(pid) == ({NOBODY}, {NOBODY}, {NOBODY}), comm(pid)


def test_root_listens_and_nobody_serves(as_nobody: Service) -> None:
    service, port = as_nobody, low_port()
    service.configure(listen=f"[127.0.0.1:{port}]", metrics="127.0.0.1:0")

    code, _, said = service.run("start")

    assert code == 0, said
    assert service.port == port
    assert len(service.processes()) == 4  # with the one that serves metrics
    assert_all_nobodys(service)
    assert service.logfile.stat().st_uid == NOBODY
    assert_serves(service)

    # nobody can still do what root has started it with
    assert service.run("reload") == (0, f"eppd reads its configuration again (pid {service.pid()})\n", "")
    service.wait_for_log("configuration reloaded")
    worker = service.processes()[1]
    os.kill(worker, signal.SIGKILL)
    service.wait_for_log("started again")
    assert_all_nobodys(service)
    old = service.pid()
    os.kill(old, signal.SIGUSR2)
    until(lambda: service.pid() != old, service.log)
    wait_until_gone(old)
    service.seen.add(service.pid())
    assert_all_nobodys(service)
    assert_serves(service)
    assert "not reloaded" not in service.log

    pid = service.pid()
    assert service.run("status") == (0, f"eppd is running (pid {pid})\n", "")
    assert service.run("stop") == (0, f"eppd has ended (pid {pid})\n", "")
    # it may not remove it
    assert service.pidfile.read_text() == ""
    assert service.run("status")[0] == 1
    assert service.run("start")[0] == 0
    assert service.run("restart")[0] == 0
    assert_serves(service)
    assert service.run("stop")[0] == 0


def test_a_pid_file_in_a_folder_of_its_own_is_removed(as_nobody: Service) -> None:
    os.chown(as_nobody.folder, NOBODY, NOBODY)

    assert as_nobody.run("start")[0] == 0
    pid = as_nobody.pid()
    assert as_nobody.run("stop") == (0, f"eppd has ended (pid {pid})\n", "")
    assert not as_nobody.pidfile.exists()


@pytest.mark.parametrize(
    ("name", "option"), [("server.key", "tls-private-key"), ("proxy.key", "pgp-signing-key")]
)
def test_keys_that_only_root_can_read_are_a_fault(
    as_nobody: Service, keys: Path, name: str, option: str
) -> None:
    os.chown(keys / name, 0, 0)

    for word in ("start", "run"):
        assert as_nobody.run(word) == (2, "", f"eppd: option {option}: {keys / name}: Permission denied\n")

    assert as_nobody.run("status")[0] == 1


def test_a_reload_that_nobody_could_not_read_is_refused(as_nobody: Service, keys: Path) -> None:
    """Root, who gives the order, can read it."""
    as_nobody.run("start")
    os.chown(keys / "server.key", 0, 0)

    assert as_nobody.run("reload")[0] == 0

    as_nobody.wait_for_log(f"not reloaded: option tls-private-key: {keys}/server.key: Permission denied")
    assert_serves(as_nobody)
    assert as_nobody.run("stop")[0] == 0


def test_a_log_that_nobody_may_not_write_is_a_fault(as_nobody: Service) -> None:
    as_nobody.logfile.parent.chmod(0o755)
    os.chown(as_nobody.logfile.parent, 0, 0)

    assert as_nobody.run("start") == (
        2,
        "",
        f"eppd: option log-target: {as_nobody.logfile}: Permission denied\n",
    )


def test_nobody_can_not_become_root(as_nobody: Service) -> None:
    os.chown(as_nobody.folder, NOBODY, NOBODY)
    as_nobody.configure(user="root")

    code, _, said = as_nobody.run("start", wrapper=AS_NOBODY)

    assert (code, said) == (2, "eppd: option user: 'root': only root can run as somebody else\n")


def test_nobody_runs_it_as_nobody_without_root(as_nobody: Service) -> None:
    os.chown(as_nobody.folder, NOBODY, NOBODY)

    code, _, said = as_nobody.run("start", wrapper=AS_NOBODY)

    assert code == 0, said
    assert users(as_nobody.pid())[0] == {NOBODY}
    assert_serves(as_nobody)
    pid = as_nobody.pid()
    assert as_nobody.run("stop", wrapper=AS_NOBODY) == (0, f"eppd has ended (pid {pid})\n", "")
    assert not as_nobody.pidfile.exists()


def test_nobody_can_ask_for_roots_and_not_stop_it(as_nobody: Service) -> None:
    as_nobody.configure(user="")
    as_nobody.run("start")
    pid = as_nobody.pid()

    assert as_nobody.run("status", wrapper=AS_NOBODY) == (0, f"eppd is running (pid {pid})\n", "")
    code, out, said = as_nobody.run("stop", wrapper=AS_NOBODY)

    assert (code, out) == (1, "")
    assert said == f"eppd: SIGTERM to pid {pid}: Operation not permitted\n"
    assert as_nobody.run("stop")[0] == 0


def assert_top_shows_who_does_what(service: Service) -> None:
    service.configure(workers="1")
    service.run("start")
    worker = service.processes()[1]

    def threads() -> list[str]:
        return sorted(path.read_text().strip() for path in Path(f"/proc/{worker}/task").glob("*/comm"))

    with Client(service) as client:
        until(lambda: threads() == ["- login?", "accept", "eppd worker 1"], "a thread that waits for a login")
        client.log_in(service.registrar(100))
        until(lambda: threads() == ["100 idle", "accept", "eppd worker 1"], "a thread that waits for 100")
        with Client(service) as another:
            another.log_in(service.registrar(101))
            until(lambda: threads()[:2] == ["100 idle", "101 idle"], "a thread for each")
    until(lambda: threads() == ["accept", "eppd worker 1"], "no thread more")


def test_top_shows_who_is_connected_and_what_they_do(service: Service) -> None:
    assert_top_shows_who_does_what(service)


def test_top_shows_the_same_of_nobodys(as_nobody: Service) -> None:
    # who was root once is not the owner of its own files in /proc
    assert_top_shows_who_does_what(as_nobody)


def test_no_secret_is_in_what_a_process_list_shows(as_nobody: Service, keys: Path) -> None:
    as_nobody.run("start")
    assert_serves(as_nobody)
    secrets = [*PASSWORDS.values()]
    for name in ("server.key", "proxy.key"):
        secrets += [line for line in (keys / name).read_text().splitlines() if len(line) > 30]

    for pid in as_nobody.processes():
        for shown in ("cmdline", "environ", "comm"):
            text = Path(f"/proc/{pid}/{shown}").read_bytes().decode("utf-8", "replace")
            assert not [secret for secret in secrets if secret in text], (pid, shown)
    assert as_nobody.run("stop")[0] == 0
    assert not [secret for secret in secrets if secret in as_nobody.log]
