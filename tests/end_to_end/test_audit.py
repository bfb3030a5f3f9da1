"""The audit log: what is in it of connections, logins, commands and refusals, and what never is."""

from __future__ import annotations

import json
import ssl
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.client import HELLO, LOGOUT, Client, check, command, login
from tests.end_to_end.conftest import PASSWORDS
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.load import Load
from tests.end_to_end.process import Process, Sandbox
from tests.end_to_end.test_lives import AUTH, WRONG, create_contact, info, queue, transfer, update
from tests.end_to_end.test_session import contact_info, domain_create

REFUSED_PASSWORD = "tui-at-dawn-3"
NEW_PASSWORD = "kereru-noon-4"
LOST = "audit-log can't be written; lines are lost"

OF_ALL = ("time", "event", "worker", "connection", "peer", "registrar")
OF_COMMANDS = ("verb", "mapping", "object", "code", "clTRID", "svTRID", "srs", "ms", "registry_ms")
FIELDS = {
    "connection": (*OF_ALL, "tls", "certificate"),
    "login": (*OF_ALL, *OF_COMMANDS),
    "command": (*OF_ALL, *OF_COMMANDS),
    "refusal": (*OF_ALL, "reason", "text"),
    "close": (*OF_ALL, "seconds", "reason"),
}


class Audited:
    """A daemon and its audit log."""

    def __init__(self, folder: Path, sandbox: Sandbox, **options: str) -> None:
        self.path = folder / "logs" / "audit.log"
        self.path.parent.mkdir(parents=True)
        self.daemon = Daemon(folder, sandbox, **{"audit_log": str(self.path), **options})

    def rows(self, path: Path | None = None) -> list[dict[str, Any]]:
        """Each line, with the fields of its event and no others."""
        rows = [json.loads(line) for line in (path or self.path).read_bytes().splitlines()]
        for row in rows:
            assert tuple(row) == FIELDS[row["event"]]
        return rows

    def connection(self, number: int) -> list[dict[str, Any]]:
        """The lines of the connection that came as the first, the second and so on, in their order."""
        names = list(dict.fromkeys(row["connection"] for row in self.rows()))
        return [row for row in self.rows() if row["connection"] == names[number]]

    def stop(self) -> None:
        assert self.daemon.stop() == 0


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Audited]]:
    """Start a daemon in front of the shared sandbox's registry, with these options."""
    started: list[Audited] = []

    def run_one(**options: str) -> Audited:
        started.append(Audited(tmp_path / f"run-{len(started)}", sandbox, **options))
        return started[-1]

    yield run_one
    for one in started:
        one.daemon.kill_all()


# -- what is in it


def test_a_session_is_told_from_its_connection_to_its_close(run: Callable[..., Audited]) -> None:
    audited = run()
    with Client(audited.daemon, certificate_of=100) as client:
        client.log_in(audited.daemon.registrar(100))
        assert client.ask(check("audit-1.nz", "audit-2.nz", trid="check-1")).code == 1000
        assert client.ask(contact_info("nobody-1")).code == 2303
        assert client.ask("<epp>").code == 2001
        assert client.ask(HELLO).is_greeting
        logout = client.ask(LOGOUT)
        assert client.at_end()
    audited.stop()

    rows = audited.rows()

    assert [(row["event"], row.get("verb"), row.get("object"), row.get("code")) for row in rows] == [
        ("connection", None, None, None),
        ("login", "login", "100", 1000),
        ("command", "check", "audit-1.nz audit-2.nz", 1000),
        ("command", "info", "nobody-1", 2303),
        ("command", None, None, 2001),
        ("command", "hello", None, None),
        ("command", "logout", None, 1500),
        ("close", None, None, None),
    ]
    assert {(row["worker"], row["peer"]) for row in rows} == {(1, "127.0.0.1")}
    assert len({row["connection"] for row in rows}) == 1
    assert [row["registrar"] for row in rows] == [None] + ["100"] * 7
    assert [datetime.fromisoformat(row["time"]) for row in rows] == sorted(
        datetime.fromisoformat(row["time"]) for row in rows
    )
    connection, entry, checked, *_, last, close = rows
    assert connection["tls"] == "TLSv1.3"
    assert "registrar-100.sandbox.example" in connection["certificate"]
    assert entry["clTRID"] == "login-1"
    assert checked["clTRID"] == "check-1"
    assert len(checked["srs"]) == 1
    assert checked["ms"] > checked["registry_ms"] > 0
    assert last["clTRID"] is None
    assert last["svTRID"] == logout.root.findtext(".//{*}svTRID")
    assert (last["srs"], last["registry_ms"]) == ([], 0)
    assert close["reason"] is None
    assert close["seconds"] * 1000 > checked["ms"]


def test_a_refused_login_has_its_reason_in_the_audit_log_alone(run: Callable[..., Audited]) -> None:
    audited = run(login_attempts="3")
    with Client(audited.daemon) as client:
        assert client.read().is_greeting
        refusals = [
            client.ask(login({"id": "100", "password": REFUSED_PASSWORD})),
            client.ask(login({"id": "999", "password": REFUSED_PASSWORD})),
            client.ask(login({"id": "nobody", "password": REFUSED_PASSWORD})),
        ]
        assert client.at_end()
    audited.stop()

    assert [answer.code for answer in refusals] == [2200, 2200, 2501]
    assert {answer.root.findtext(".//{*}reason") for answer in refusals} == {None}
    rows = audited.rows()
    assert [(row["event"], row["registrar"], row.get("reason"), row.get("code")) for row in rows] == [
        ("connection", None, None, None),
        ("refusal", "100", "password", None),
        ("login", None, None, 2200),
        ("refusal", "999", "unknown-registrar", None),
        ("login", None, None, 2200),
        ("refusal", "nobody", "client-id", None),
        ("login", None, None, 2501),
        ("close", None, None, None),
    ]


def test_a_client_without_tls_is_a_refusal(run: Callable[..., Audited]) -> None:
    audited = run(idle_timeout="1", handshake_timeout="1")
    with pytest.raises(ssl.SSLError):
        Client(audited.daemon, context=no_cipher())
    with Client(audited.daemon) as idle:
        assert idle.read().is_greeting
        assert idle.at_end()
    audited.stop()

    refused, closed = audited.connection(0)
    assert (refused["event"], closed["event"]) == ("refusal", "close")
    assert refused["reason"]
    assert refused["text"]
    assert closed["reason"] == "TLS handshake failed"
    assert [row["event"] for row in audited.connection(1)] == ["connection", "close"]
    assert audited.connection(1)[1]["reason"].startswith("idle-timeout")


def no_cipher() -> ssl.SSLContext:
    """Of a client that knows no cipher of the server's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("PSK")
    return context


# -- what is not in it


def test_no_secret_is_in_it(run: Callable[..., Audited], unused: Callable[[str], str]) -> None:
    audited = run(log_level="DEBUG")
    handle, name = unused(""), unused("nz")
    secrets = [*PASSWORDS.values(), REFUSED_PASSWORD, NEW_PASSWORD, "unused", WRONG]
    with ExitStack() as stack:
        holder, other = (stack.enter_context(Client(audited.daemon)) for _ in range(2))
        assert holder.read().is_greeting
        changing = login({"id": "100", "password": REFUSED_PASSWORD})
        changing = changing.replace("<options>", f"<newPW>{NEW_PASSWORD}</newPW><options>")
        assert holder.ask(changing).code == 2200
        assert holder.ask(login(audited.daemon.registrar(100))).code == 1000
        other.log_in(audited.daemon.registrar(101))
        assert holder.ask(command(create_contact(handle))).code == 1000
        assert holder.ask(domain_create(name, handle)).code == 1000
        assert holder.ask(command(update(name, chg=AUTH))).code == 1000
        udai = messages(holder)[name]
        secrets.append(udai)
        # also where it does not belong
        assert holder.ask(command(info(name, udai), f"&lt;pw&gt;{udai}")).code == 1000
        assert holder.ask(command(info(name, WRONG), f"UDAI='{WRONG}")).code == 2202
        assert other.ask(command(transfer(name, udai))).code == 2304
        assert other.ask(check(f"<pw>{udai}</pw>")).code == 2001
    audited.stop()

    text = audited.path.read_text() + audited.daemon.log
    assert not [secret for secret in secrets if secret in text]
    assert len([row for row in audited.rows() if row["event"] == "command"]) > 8


def messages(client: Client) -> dict[str, str]:
    """The UDAI of each domain on the queue, all of them acknowledged."""
    found = {}
    while (message := client.ask(command('<poll op="req"/>'))).code == 1301:
        for name, udai in zip(message.texts("name"), message.texts("pw"), strict=False):
            found[name] = udai
        ack = f'<poll op="ack" msgID="{queue(message)["id"]}"/>'
        assert client.ask(command(ack)).code == 1000
    return found


@pytest.mark.parametrize(
    "trid", ["&lt;pw>x", "UDAI='x", "UDAI=%22x", '"}\\', "\x85\u2028\x9b31m", "&#13;&#10;{}{}", "x" * 64]
)
def test_a_client_can_hide_nothing_by_its_cltrid(run: Callable[..., Audited], trid: str) -> None:
    audited = run()
    with Client(audited.daemon) as client:
        client.log_in(audited.daemon.registrar(100))
        codes = [client.ask(check(name, trid=trid)).code for name in ("audit-3.nz", "audit-4.nz")]
    audited.stop()

    assert audited.path.read_text("utf-8").replace("\n", "").isprintable()
    commands = [row for row in audited.rows() if row["event"] == "command"]
    assert [row["code"] for row in commands] == codes == [1000, 1000]
    assert [row["object"] for row in commands] == ["audit-3.nz", "audit-4.nz"]


# -- two workers, one file


def test_two_workers_under_load_write_every_command_once(run: Callable[..., Audited]) -> None:
    audited = run(workers="2", max_sessions_per_registrar="100")
    load = Load(audited.daemon, 8)
    load.start()
    audited.daemon.wait_for_log("connected")
    wait_until_there_are(audited, 300)
    load.stop()
    audited.stop()

    rows = audited.rows()
    assert load.troubles == []
    assert {row["worker"] for row in rows} == {1, 2}
    assert sum(load.told.values()) == len([row for row in rows if row["event"] == "command"])
    trids = [row["svTRID"] for row in rows if "svTRID" in row]
    assert len(trids) == len(set(trids))
    made = {handle for _, handle in load.made}
    assert {row["object"] for row in rows if (row.get("verb"), row.get("code")) == ("create", 1000)} == made
    connections = [row["connection"] for row in rows if row["event"] == "connection"]
    assert sorted(connections) == sorted(row["connection"] for row in rows if row["event"] == "close")


def wait_until_there_are(audited: Audited, lines: int) -> None:
    deadline = time.monotonic() + 30
    while audited.path.read_bytes().count(b"\n") < lines:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_file_is_for_its_owner_and_group(run: Callable[..., Audited]) -> None:
    audited = run(workers="2")

    assert stat.S_IMODE(audited.path.stat().st_mode) & 0o137 == 0
    audited.stop()


def test_a_rotated_file_is_left_and_a_new_one_begun(run: Callable[..., Audited]) -> None:
    audited = run(workers="2")
    old = audited.path.with_name("audit.log.1")
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(audited.daemon)) for _ in range(6)]
        for client in clients:
            client.log_in(audited.daemon.registrar(100))
        audited.path.rename(old)
        for number, client in enumerate(clients):
            assert client.ask(check(f"rotated-{number}.nz")).code == 1000
    audited.stop()

    assert {row["event"] for row in audited.rows(old)} == {"connection", "login"}
    assert sorted(row["object"] for row in audited.rows() if row["event"] == "command") == [
        f"rotated-{number}.nz" for number in range(6)
    ]
    assert stat.S_IMODE(audited.path.stat().st_mode) & 0o137 == 0


# -- where it can't be written


def test_a_full_disk_ends_no_session_and_is_logged_once(run: Callable[..., Audited]) -> None:
    audited = run(audit_log="/dev/full")
    for _ in range(3):
        with Client(audited.daemon) as client:
            client.log_in(audited.daemon.registrar(100))
            for number in range(20):
                assert client.ask(check(f"full-{number}.nz")).code == 1000
            assert client.ask(LOGOUT).code == 1500
            assert client.at_end()
    audited.stop()

    assert audited.daemon.log.count(LOST) == 1
    assert "failed in us" not in audited.daemon.log


@pytest.mark.parametrize("option", ["audit_log", "log_target"])
def test_a_folder_that_is_gone_ends_no_session(
    run: Callable[..., Audited], option: str, tmp_path: Path
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    audited = run(**{option: str(folder / "a.log")})
    with Client(audited.daemon) as living:
        living.log_in(audited.daemon.registrar(100))
        folder.rename(tmp_path / "elsewhere")

        assert living.ask(check("gone.nz")).code == 1000
        assert living.ask("<epp>").code == 2001  # something to log
        with Client(audited.daemon) as later:
            later.log_in(audited.daemon.registrar(101))
        folder.mkdir()
        assert living.ask("<epp>").code == 2001
        assert (folder / "a.log").read_text()
    assert "failed in us" not in audited.daemon.log
    audited.stop()


@pytest.mark.parametrize(
    ("path", "why"),
    [("nowhere/audit.log", "No such file or directory"), (".", "Is a directory")],
)
def test_a_file_that_can_not_be_written_is_told_at_the_start(
    sandbox: Sandbox, tmp_path: Path, path: str, why: str
) -> None:
    with pytest.raises(AssertionError, match=r"no line like") as failed:
        Daemon(tmp_path / "run", sandbox, audit_log=str(tmp_path / path))

    assert f"option audit-log: {tmp_path / path}: {why}" in str(failed.value)
    assert "Traceback" not in str(failed.value)
    assert not any(str(tmp_path).encode() in words for words in command_lines())


def command_lines() -> list[bytes]:
    """Of every process that there is."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(entry.read_bytes())
        except OSError:
            continue
    return found


def test_a_file_that_can_not_be_written_keeps_a_reload_from_taking_place(run: Callable[..., Audited]) -> None:
    audited = run()
    audited.daemon.configure(audit_log="/nowhere/audit.log")
    audited.daemon.reload()

    assert "not reloaded: option audit-log: /nowhere/audit.log: No such file" in audited.daemon.log
    with Client(audited.daemon) as client:
        client.log_in(audited.daemon.registrar(100))
    audited.stop()
    assert [row["event"] for row in audited.rows()][:2] == ["connection", "login"]


def test_a_reload_can_change_the_file_for_new_connections(run: Callable[..., Audited]) -> None:
    audited = run()
    other = audited.path.with_name("other.log")
    with Client(audited.daemon) as living:
        living.log_in(audited.daemon.registrar(100))
        audited.daemon.configure(audit_log=str(other))
        audited.daemon.reload()
        assert living.ask(check("old.nz")).code == 1000
        with Client(audited.daemon) as later:
            later.log_in(audited.daemon.registrar(100))
            assert later.ask(check("new.nz")).code == 1000
    audited.stop()

    assert [row["object"] for row in audited.rows() if row["event"] == "command"] == ["old.nz"]
    assert [row["object"] for row in audited.rows(other) if row["event"] == "command"] == ["new.nz"]


def test_refusals_are_found_by_their_own_command(run: Callable[..., Audited], tmp_path: Path) -> None:
    audited = run(workers="2", max_connections="1")
    with Client(audited.daemon) as client:
        assert client.read().is_greeting
        assert client.ask(login({"id": "100", "password": REFUSED_PASSWORD})).code == 2200
        with pytest.raises((ssl.SSLError, ConnectionError)):
            Client(audited.daemon)
    audited.stop()
    file = str(audited.daemon.file)

    def shown(*words: str) -> str:
        asked = Process(tmp_path / "asked", ["--config", file, "refusals", *words])
        assert asked.wait() == 0, asked.log
        return asked.out

    assert ["wrong password" in line for line in shown("100").splitlines()] == [False, True]
    assert "max-connections (1) reached" in shown("127.0.0.1")
