"""What the command line says to a person who got something wrong: one line, no traceback."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from srs_epp import __version__
from tests.end_to_end.client import Client
from tests.end_to_end.process import Process, Sandbox


@pytest.fixture
def eppd(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Run eppd to its end."""
    started: list[Process] = []

    def run(*arguments: str, **environment: str) -> Process:
        one = Process(tmp_path / f"run-{len(started)}", arguments, environment)
        started.append(one)
        one.wait()
        return one

    yield run
    for one in started:
        one.kill_all()


@pytest.fixture(scope="session")
def options(sandbox: Sandbox) -> dict[str, str]:
    """What a proxy in front of the sandbox's registry needs."""
    data = sandbox.data
    return {
        "listen": "127.0.0.1:0",
        "tls-certificate": str(data / "server.pem"),
        "tls-private-key": str(data / "server.key"),
        "backend": str(sandbox.facts["registry"]),
        "pgp-signing-key": str(data / "proxy.key"),
        "pgp-registry-certificate": str(data / "registry.asc"),
    }


def arguments(options: dict[str, str]) -> list[str]:
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def file_of(options: dict[str, str], path: Path) -> str:
    path.write_text("# a comment\n" + "".join(f"{name} = {value}\n" for name, value in options.items()))
    return str(path)


def test_version(eppd: Callable[..., Process]) -> None:
    done = eppd("--version")

    assert done.popen.returncode == 0
    assert done.out == f"eppd {__version__}\n"


def test_help_names_every_option(eppd: Callable[..., Process]) -> None:
    done = eppd("--help")

    assert done.popen.returncode == 0
    for name in ("--listen", "--max-frame", "--data", "--registrar"):
        assert name in done.out


FAULTS = {
    "unknown option": ({}, ["--lissten", "x"], "--lissten"),
    "abbreviated option": ({}, ["--server-nam", "x"], "--server-nam"),
    "bad address": ({"listen": "here"}, [], "option listen: 'here': not of the form HOST:PORT"),
    "bad duration": ({"idle-timeout": "5 weeks"}, [], "option idle-timeout: '5 weeks': not a duration"),
    "bad size": ({"max-frame": "-1"}, [], "option max-frame: '-1': not a size"),
    "bad boolean": ({"backend-unsigned": "perhaps"}, [], "option backend-unsigned: 'perhaps'"),
    "bad url": ({"backend": "ftp://x/"}, [], "option backend: 'ftp://x/'"),
    "missing file": (
        {"tls-certificate": "/nowhere.pem"},
        [],
        "option tls-certificate: /nowhere.pem: No such file",
    ),
    "a folder": ({"tls-private-key": "/"}, [], "option tls-private-key: /"),
    "no certificate in it": ({"tls-certificate": "{asc}"}, [], "no PEM certificate in it"),
    "no key in it": ({"tls-private-key": "{asc}"}, [], "option tls-private-key: {asc}: no PEM private key"),
    "a key that does not fit": (
        {"tls-private-key": "{other}"},
        [],
        "option tls-private-key: {other}: does not fit the certificate in ",
    ),
    "no signing key in it": ({"pgp-signing-key": "{asc}"}, [], "option pgp-signing-key: {asc}: no usable"),
    "no registry certificate": (
        {"pgp-registry-certificate": "{other}"},
        [],
        "pgp-registry-certificate: {other}",
    ),
    "no client CA": ({"tls-client-ca": "{asc}"}, [], "option tls-client-ca: {asc}: no PEM certificate"),
    "required, but no CA": ({"require-client-certificate": "true"}, [], "option tls-client-ca is required"),
    "a service of others": ({"service": "urn:example"}, [], "option service: 'urn:example': not implemented"),
    "a dcp that is no XML": ({"dcp": "<dcp"}, [], "option dcp: not XML"),
    "a dcp that is not EPP's": ({"dcp": "<dcp/>"}, [], "not valid EPP"),
    "nobody's user": ({"user": "no-such-user"}, [], "option user: 'no-such-user': there is no such user"),
    "a daemon with stderr": (
        {"daemon": "true"},
        [],
        "option log-target: stderr, which is closed where daemon",
    ),
    "no folder for the audit log": (
        {"audit-log": "/none/a.log"},
        [],
        "option audit-log: /none/a.log: No such file",
    ),
    "no folder for the log": (
        {"log-target": "/none/a.log"},
        [],
        "option log-target: /none/a.log: No such file",
    ),
    "no folder for the pid": (
        {"pidfile": "/none/a.pid"},
        [],
        "option pidfile: /none/a.pid: No such file",
    ),
    "a sandbox's option": ({}, ["--fresh"], "option fresh is for the command sandbox"),
}


@pytest.mark.parametrize("case", FAULTS)
@pytest.mark.parametrize("order", ["run", "check-config"])
def test_a_fault_is_one_line_that_names_option_and_value(
    eppd: Callable[..., Process], options: dict[str, str], sandbox: Sandbox, case: str, order: str
) -> None:
    changes, more, text = FAULTS[case]
    places = {"asc": str(sandbox.data / "proxy.asc"), "other": str(sandbox.data / "registrar-100.key")}
    changed = options | {name: value.format(**places) for name, value in changes.items()}

    done = eppd(*arguments(changed), *more, order)

    assert done.popen.returncode == 2
    assert text.format(**places) in done.log
    assert done.log.startswith("eppd: ")
    assert done.log.count("\n") == 1, done.log


def test_check_config_says_every_fault(
    eppd: Callable[..., Process], options: dict[str, str], tmp_path: Path
) -> None:
    faulty = options | {
        "tls-certificate": "/nowhere.pem",
        "pgp-signing-key": "/nothing.key",
        "max-frame": "x",
    }
    path = file_of(faulty | {"colour": "blue"}, tmp_path / "eppd.conf")

    done = eppd("--config", path, "check-config", EPPD_IDLE_TIMEOUT="soon")

    assert done.popen.returncode == 2
    for text in (
        f"{path}: unknown key 'colour'",
        "option tls-certificate: /nowhere.pem",
        "option pgp-signing-key: /nothing.key",
        "option max-frame: 'x'",
        "option idle-timeout: 'soon'",
    ):
        assert text in done.log
    run = eppd("--config", path, "run", EPPD_IDLE_TIMEOUT="soon")
    assert run.popen.returncode == 2
    assert run.log.count("\n") == 1
    assert "more: 'eppd check-config' says all" in run.log


def test_check_config_is_content_and_opens_nothing(
    eppd: Callable[..., Process], options: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    taken = options | {"listen": f"[127.0.0.1:{sandbox.port}]"}

    done = eppd("--config", file_of(taken, tmp_path / "eppd.conf"), "check-config")

    assert (done.popen.returncode, done.log) == (0, "")


def test_a_port_in_use_is_exit_code_1(
    eppd: Callable[..., Process], options: dict[str, str], sandbox: Sandbox
) -> None:
    done = eppd(*arguments(options | {"listen": f"127.0.0.1:{sandbox.port}"}), "run")

    assert done.popen.returncode == 1
    assert done.log == f"eppd: option listen: 127.0.0.1:{sandbox.port}: Address already in use\n"


def test_a_configuration_file_alone_is_enough(
    options: dict[str, str], sandbox: Sandbox, tmp_path: Path
) -> None:
    path = file_of(options | {"server-name": "epp.registry.example"}, tmp_path / "eppd.conf")
    running = Process(tmp_path / "run", ["--config", path])
    try:
        port = running.wait_for_log(r"^listening on 127\.0\.0\.1:(\d+)$").group(1)
        there = sandbox.facts | {"port": int(port)}
        sandbox_facts, sandbox.facts = sandbox.facts, there
        try:
            with Client(sandbox) as client:
                greeting = client.read()
                assert b"<svID>epp.registry.example</svID>" in greeting.xml
        finally:
            sandbox.facts = sandbox_facts
        assert running.stop() == 0
    finally:
        running.kill_all()


def test_the_sandbox_reads_no_environment(
    eppd: Callable[..., Process], sandbox: Sandbox, tmp_path: Path
) -> None:
    done = Process(
        tmp_path / "one",
        ["sandbox", "--data", str(tmp_path / "data"), "--listen", f"127.0.0.1:{sandbox.port}"],
        {"EPPD_LISTEN": "127.0.0.1:0", "EPPD_MAX_FRAME": "nonsense"},
    )

    assert done.wait() == 1
    assert "Address already in use" in done.log


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("100", "not ID:PASSWORD"),
        ("1:registry-1", "from 2 up"),
        ("abc:secret-1", "not ID:PASSWORD"),
        ("100:short", "6 to 16 characters"),
        ("100:" + "x" * 17, "6 to 16 characters"),
    ],
)
def test_a_registrar_that_cannot_be(
    eppd: Callable[..., Process], tmp_path: Path, given: str, text: str
) -> None:
    done = eppd("sandbox", "--data", str(tmp_path / "data"), "--registrar", given)

    assert done.popen.returncode == 2
    assert text in done.log
    assert given.partition(":")[2] == "" or given.partition(":")[2] not in done.log
    assert not (tmp_path / "data").exists()


def test_a_name_that_resolves_to_nothing(eppd: Callable[..., Process], options: dict[str, str]) -> None:
    done = eppd(*arguments(options | {"listen": "no-such-host.invalid:700"}), "run")

    assert done.popen.returncode == 1
    assert done.log.startswith("eppd: option listen: no-such-host.invalid:700: ")


def test_a_name_is_resolved_to_all_its_addresses(options: dict[str, str], tmp_path: Path) -> None:
    found = {info[4][0] for info in socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)}
    running = Process(tmp_path / "run", arguments(options | {"listen": "localhost:0"}))
    try:
        for address in found:
            shown = f"[{address}]" if ":" in str(address) else str(address)
            running.wait_for_log(rf"^listening on {shown.replace('[', chr(92) + '[')}:\d+$")
        assert running.stop() == 0
    finally:
        running.kill_all()
