"""What docs/security.md says and no other test shows: attackers at their places, against all of eppd."""

from __future__ import annotations

import configparser
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from srs_epp.srs import form
from srs_epp.srs.openpgp import SigningKey
from tests.end_to_end.client import Client, command, login
from tests.end_to_end.conftest import PASSWORDS
from tests.end_to_end.daemon import Daemon, Launch
from tests.end_to_end.fault_proxy import QUERY, FaultProxy
from tests.end_to_end.process import TOP, Sandbox
from tests.srs import faulty
from tests.srs.faulty import Peer, Request
from tests.support.site import Site

# a shell that hides nothing of what is written
OPEN_UMASK = Launch(wrapper=["sh", "-c", 'umask 0; exec "$0" "$@"'])


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Start a daemon in front of the shared sandbox's registry, with these options."""
    started: list[Daemon] = []

    def run_one(launch: Launch | None = None, /, **options: str) -> Daemon:
        started.append(Daemon(tmp_path / f"run-{len(started)}", sandbox, launch, **options))
        return started[-1]

    yield run_one
    for one in started:
        one.kill_all()
        assert "Traceback" not in one.log, one.log


# -- between eppd and the registry


@pytest.mark.parametrize("names_requests", [True, False], ids=["TransId", "no TransId"])
def test_a_login_of_ones_own_that_is_replayed_lets_in_as_nobody_else(
    run: Callable[..., Daemon], sandbox: Sandbox, names_requests: bool
) -> None:
    """Also where a registry does not say to which request an answer belongs."""
    answers: list[bytes] = []

    def kept(proxy: FaultProxy, peer: Peer, request: Request) -> None:
        document = form.decode(proxy.forward(request))["r"]
        if not names_requests:
            document = re.sub(b' (TransId|OrigRegistrarId)="[^"]*"', b"", document)
        answers.append(faulty.signed(document, key))
        peer.send(faulty.http(answers[-1]))

    def replayed(_proxy: FaultProxy, peer: Peer, _request: Request) -> None:
        peer.send(faulty.http(answers[0]))

    def code_of(daemon: Daemon, number: int) -> int:
        """How a login under that number with the password of 101 is answered."""
        with Client(daemon) as client:
            client.read()
            return client.ask(login(sandbox.registrar(number), PASSWORDS[101])).code

    key = SigningKey.from_file(sandbox.data / "registry.key")
    with FaultProxy(str(sandbox.facts["registry"]), key) as proxy:
        daemon = run(backend=proxy.url)
        proxy.on(QUERY, kept)
        assert code_of(daemon, 101) == 1000

        proxy.always(QUERY, replayed)

        codes = [code_of(daemon, number) for number in (101, 100)]
        daemon.stop()
    assert len(answers) == 1
    if names_requests:
        assert codes == [2500, 2500]
        assert daemon.log.count("it answers another request, by its TransId") == 2
    else:
        # it is a good answer still, to the same question
        assert codes == [1000, 2200]
        assert "the registry's answer to the login of registrar '100' is about another" in daemon.log


# -- a user of the machine


def modes(folder: Path) -> dict[str, int]:
    """What is in the folder, by the first part of its name."""
    return {one.name.partition("-")[0]: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}


def test_nothing_that_eppd_writes_is_for_everybody_but_the_pid(
    run: Callable[..., Daemon], tmp_path: Path
) -> None:
    written, runtime = tmp_path / "written", tmp_path / "runtime"
    written.mkdir()
    runtime.mkdir()
    launch = Launch({"RUNTIME_DIRECTORY": str(runtime)}, OPEN_UMASK.wrapper)

    daemon = run(
        launch,
        audit_log=str(written / "audit"),
        log_target=str(written / "log"),
        pidfile=str(written / "pid"),
        metrics="127.0.0.1:0",
    )
    with Client(daemon) as client:
        client.log_in(daemon.registrar(100))

    assert modes(written) == {"audit": 0o640, "log": 0o640, "pid": 0o644}
    # the files in it are prometheus-client's
    assert modes(runtime) == {"eppd": 0o700}
    daemon.stop()
    assert not list(runtime.iterdir())


def test_a_crash_of_the_service_leaves_no_keys_on_disk() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(TOP / "debian" / "eppd.service")

    assert unit["Service"]["LimitCORE"] == "0"


# -- a user of the metrics port, and who fills it


def test_no_stranger_adds_a_label(run: Callable[..., Daemon]) -> None:
    daemon = run(metrics="127.0.0.1:0", login_attempts="1000")
    site = Site(int(daemon.wait_for_log(r"status at http://127\.0\.0\.1:(\d+)/")[1]))
    invented = [f"invented-{number}" for number in range(20)]
    numbers = ["98765", "0098764"]

    with Client(daemon) as client:
        client.read()
        for word in invented:
            assert client.ask(command(f"<{word}/>")).code in (2000, 2002)
            assert client.ask(command(f'<check><x:{word} xmlns:x="urn:{word}"/></check>')).code >= 2000
        for number in numbers:
            assert client.ask(login({"id": number, "password": "guessed-1"})).code == 2200

    page = site.ask("/metrics").text
    assert 'command="other"' in page
    assert 'eppd_refusals_total{reason="unknown-registrar"} 2.0' in page
    assert not [one for one in [*invented, *numbers, "98764"] if one in page]
    daemon.stop()
