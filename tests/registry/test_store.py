"""What is acknowledged is kept, what is not is not there by half: after kill -9, and among many threads."""

from __future__ import annotations

import http.client
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

import srs_epp
from srs_epp.registry import Registry
from srs_epp.registry.store import StoreTooNew
from srs_epp.registry.tables import MIGRATIONS
from srs_epp.srs.openpgp import Keyring
from tests.registry.client import HANDLE, Client, domain_create, error_of, first_of
from tests.registry.conftest import Keys, Sandbox

SERVER = """
import sys
from pathlib import Path
from srs_epp.registry import Registry, RegistryServer
from srs_epp.srs.openpgp import SigningKey
registry = Registry(Path(sys.argv[1]), signing_key=SigningKey(sys.stdin.read()))
server = RegistryServer(registry, ("127.0.0.1", 0))
print(server.url, flush=True)
server.serve_forever()
"""


@contextmanager
def server_process(path: Path, secret: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A registry in a process of its own, which is killed in the end; and its URL."""
    environment = {**os.environ, "PYTHONPATH": str(Path(srs_epp.__file__).parent.parent)}
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(secret)
        process.stdin.close()
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def both(name: str) -> str:
    """A handle and a domain, in one request."""
    return HANDLE.format(name) + domain_create(f"{name}.nz", f'<AdminContact HandleId="{name}"/>')


class Writer(threading.Thread):
    """Creates until the server is gone; ``acknowledged`` are the answers that came, by name."""

    def __init__(self, client: Client, name: str, enough: threading.Semaphore) -> None:
        super().__init__()
        self.acknowledged: dict[str, bytes] = {}
        self.last = ""
        self._client, self._name, self._enough = client, name, enough

    def run(self) -> None:
        number = 0
        while True:
            number += 1
            self.last = f"{self._name}-{number}"
            try:
                root = self._client.ask(both(self.last))
            except (OSError, http.client.HTTPException):
                self._client.close()
                return
            self.acknowledged[self.last] = etree.tostring(root)
            self._enough.release()


@pytest.mark.parametrize("acknowledged", [1, 7, 23])
def test_kill_9_loses_nothing_that_was_acknowledged(
    template: Path, keys: Keys, tmp_path: Path, acknowledged: int
) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_bytes(template.read_bytes())
    verifier = Keyring([keys.registry.certificate])
    enough = threading.Semaphore(0)
    with server_process(path, keys.registry.secret) as (process, url):
        writers = [Writer(Client(url, 90, keys.first.key, verifier), f"w{n}", enough) for n in range(3)]
        for writer in writers:
            writer.start()
        for _ in range(acknowledged):
            assert enough.acquire(timeout=20)
        process.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.join()

    known = {name: answer for writer in writers for name, answer in writer.acknowledged.items()}
    _check_whole(path, known, {writer.last for writer in writers})
    with server_process(path, keys.registry.secret) as (_, url):
        client = Client(url, 90, keys.first.key, verifier)
        for name, answer in known.items():
            assert etree.tostring(client.ask(both(name))) == answer
        for writer in writers:  # what nobody knows the outcome of can be asked for again
            assert [response[1].tag for response in client.ask(both(writer.last))] == ["Handle", "Domain"]
        client.close()


def test_kill_9_while_nothing_is_asked_loses_nothing(template: Path, keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_bytes(template.read_bytes())
    verifier = Keyring([keys.registry.certificate])
    with server_process(path, keys.registry.secret) as (_, url):
        client = Client(url, 90, keys.first.key, verifier)
        answer = client.ask(both("kakapo"))
        client.close()
    with server_process(path, keys.registry.secret) as (_, url):
        client = Client(url, 90, keys.first.key, verifier)
        assert etree.tostring(client.ask(both("kakapo"))) == etree.tostring(answer)
        later = client.ask('<Whois DomainName="kakapo.nz"/>')
        assert int(str(later[0].get("FeSeq"))) > int(str(answer[0].get("FeSeq")))
        client.close()


def _check_whole(path: Path, known: dict[str, bytes], open_ended: set[str]) -> None:
    """Every request is in the database with all that belongs to it, or with nothing."""
    with closing(sqlite3.connect(path)) as database:
        assert list(database.execute("PRAGMA integrity_check")) == [("ok",)]
        assert list(database.execute("PRAGMA foreign_key_check")) == []
        domains = {name for (name,) in database.execute("SELECT replace(name, '.nz', '') FROM domains")}
        handles = {
            name for (name,) in database.execute("SELECT handle_id FROM contacts WHERE handle_id NOT NULL")
        }
        actions = {name for (name,) in database.execute("SELECT action_id FROM actions")}
        [(inline,)] = database.execute(
            "SELECT count(*) FROM contacts WHERE handle_id IS NULL AND action_id <> 'bootstrap'"
        )
        [(requests,)] = database.execute("SELECT count(*) FROM requests")
    assert set(known) <= domains <= set(known) | open_ended
    assert handles == domains
    assert actions == domains | {f"{name}.nz" for name in domains}
    assert inline == requests == len(domains)  # each domain has a registrant of its own


def test_of_many_threads_that_create_a_name_one_wins(sandbox: Sandbox) -> None:
    barrier = threading.Barrier(8)
    answers: list[etree._Element] = []

    def create(number: int) -> None:
        keys = sandbox.keys.first if number % 2 else sandbox.keys.second
        sender = Client(sandbox.server.url, 90 if number % 2 else 91, keys.key, sandbox.first.registry)
        barrier.wait(20)
        answers.append(sender.ask_one(domain_create("kakapo.co.nz", action_id=f"a-{number}")))
        sender.close()

    _run_all(create, 8)

    winners = [answer for answer in answers if answer.find("Domain") is not None]
    refused = [error_of(answer) for answer in answers if answer.find("Domain") is None]
    assert len(winners) == 1
    assert refused == [("DOMAIN_ALREADY_EXISTS", "kakapo.co.nz")] * 7
    [domain] = sandbox.itself.ask_one(
        '<DomainDetailsQry><FieldList RegistrarId="1" LastActionId="1"/></DomainDetailsQry>'
    ).iterchildren("Domain")
    assert domain.get("RegistrarId") == winners[0].get("OrigRegistrarId")
    assert first_of(domain, "AuditDetails").get("ActionId") == winners[0].get("TransId")


def test_of_many_threads_that_repeat_an_action_all_get_one_answer(sandbox: Sandbox) -> None:
    barrier = threading.Barrier(8)
    answers: list[bytes] = []

    def create(number: int) -> None:
        sender = Client(sandbox.server.url, 90, sandbox.keys.first.key, sandbox.first.registry)
        barrier.wait(20)
        answers.append(etree.tostring(sender.ask_one(domain_create("kakapo.co.nz"))))
        sender.close()

    _run_all(create, 8)

    assert len(answers) == 8
    assert len(set(answers)) == 1


def _run_all(target: Callable[[int], None], number: int) -> None:
    threads = [threading.Thread(target=target, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_requests_are_kept_with_their_signatures(sandbox: Sandbox) -> None:
    sandbox.first.ask(both("kakapo"))
    sandbox.first.ask(both("kakapo") + '<Whois DomainName="kakapo.nz"/>')  # nothing new in it

    with closing(sqlite3.connect(sandbox.path / "registry.sqlite")) as database:
        [row] = database.execute(
            "SELECT registrar_id, request, request_signature, response, response_signature FROM requests"
        )
    sender, request, request_signature, response, response_signature = row
    assert sender == 90
    Keyring([sandbox.keys.first.certificate]).verify(request, request_signature)
    sandbox.first.registry.verify(response, response_signature)
    assert b"kakapo" in request
    assert b"UDAI" in response


def test_secrets_are_stored_as_hashes(sandbox: Sandbox) -> None:
    """But in what was sent and answered, which has to be given out again as it was."""
    udai = str(first_of(sandbox.first.ask_one(domain_create("kakapo.nz")), "Domain").get("UDAI"))

    with closing(sqlite3.connect(sandbox.path / "registry.sqlite")) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        holding = {
            table
            for table in tables
            for row in database.execute(f"SELECT * FROM {table}")
            for value in row
            if udai.encode() in (value if isinstance(value, bytes) else str(value).encode())
        }
    assert holding == {"requests", "actions", "messages"}


def test_nobody_else_can_read_the_database(sandbox: Sandbox) -> None:
    sandbox.first.ask(domain_create("kakapo.nz"))

    for path in sandbox.path.glob("registry.sqlite*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_database_of_a_newer_version_is_not_touched(keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 1000")

    with pytest.raises(StoreTooNew, match="1000"):
        Registry(path, signing_key=keys.registry.key)


def test_a_database_of_the_first_version_is_brought_up_to_date(keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in MIGRATIONS[0]:
            database.execute(statement)
        database.execute("PRAGMA user_version = 1")
        for contact_id, handle_id in ((1, None), (2, "used"), (3, "unused")):
            database.execute(
                "INSERT INTO contacts (contact_id, registrar_id, handle_id, name, email, address1, city,"
                " country_code, phone_country_code, phone_local_number, created, changed, changed_by,"
                " action_id)"
                " VALUES (?, 90, ?, 'n', 'a@b.nz', 'a', 'c', 'NZ', '64', '1', 7, 7, 90, 'a')",
                (contact_id, handle_id),
            )
        database.execute("INSERT INTO registrars VALUES (90, 'n', 'r', NULL, NULL, 1, 1, 2, 7, 90, 'a', '')")

    Registry(path, signing_key=keys.registry.key).close()

    with closing(sqlite3.connect(path)) as database:
        assert list(database.execute("PRAGMA user_version")) == [(len(MIGRATIONS),)]
        unused = database.execute("SELECT handle_id, unused FROM contacts WHERE registrar_id = 90")
        assert list(unused) == [(None, None), ("used", None), ("unused", 7)]


def test_a_file_that_is_no_database_is_an_error(keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_text("no database" * 1000)

    with pytest.raises(sqlite3.DatabaseError):
        Registry(path, signing_key=keys.registry.key)


def test_zones_must_be_domain_names(keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="can't be a zone"):
        Registry(tmp_path / "registry.sqlite", signing_key=keys.registry.key, zones=["co.nz", "*"])


def test_zones_can_be_chosen(template: Path, keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_bytes(template.read_bytes())
    registry = Registry(path, signing_key=keys.registry.key, zones=["TE", "govt.nz"])
    verifier = Keyring([keys.registry.certificate])
    client = Client("", 90, keys.first.key, verifier)

    def ask(action: str) -> etree._Element:
        body = client.signed(f'<NZSRSRequest VerMajor="5" VerMinor="0">{action}</NZSRSRequest>'.encode())
        [response] = client.read(registry.answer(body, "application/x-www-form-urlencoded; charset=utf-8"))
        return response

    assert ask(domain_create("kakapo.te")).find("Domain") is not None
    assert error_of(ask(domain_create("kakapo.nz"))) == ("INVALID_CCTLD", "kakapo.nz")
    moderated = error_of(ask(domain_create("kakapo.govt.nz")))
    assert moderated == ("MODERATED_DOMAIN_VIOLATION", "DomainCreate", "kakapo.govt.nz")
    registry.close()


def test_the_clock_is_moved_for_all_processes(registry: Registry, keys: Keys, tmp_path: Path) -> None:
    other = Registry(tmp_path / "registry.sqlite", signing_key=keys.registry.key)
    moment = datetime(2030, 1, 1, tzinfo=UTC)

    other.clock.set(moment)
    assert moment <= registry.clock.now() < moment + timedelta(minutes=1)
    registry.clock.move(timedelta(days=-1))
    assert moment - timedelta(days=1) <= other.clock.now() < moment
    other.close()


@pytest.mark.parametrize("days", [-40_000, 400_000, 5_000_000, 900_000_000])
def test_the_clock_can_not_leave_the_calendar(registry: Registry, days: int) -> None:
    with pytest.raises(ValueError, match="2000 to 2999"):
        registry.clock.move(timedelta(days=days))
    assert abs(registry.clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
