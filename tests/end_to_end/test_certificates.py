"""Client certificates over real sockets: who is refused, what the logs say, and what a reload changes."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.daemon.test_tls import DAY, HOUR, Holder
from tests.end_to_end.client import HELLO, Client, Server, login
from tests.end_to_end.conftest import registrars
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.process import Process, Sandbox

NAME = "registrar-100.sandbox.example"  # which the sandbox's registry has on its list
NO_NAME = "no name of the client certificate is on the registrar's list"


@dataclass
class Guarded:
    """A sandbox that demands certificates of a CA of the test's, which has revoked one of them."""

    sandbox: Sandbox
    folder: Path
    ca: Holder
    revoked: Holder
    audit: Path

    def client(self, holder: Holder | None) -> Client:
        return Client(self.sandbox, context=context_of(self.sandbox.ca, self.folder, holder))

    def refusals(self, *arguments: str) -> str:
        """What ``eppd refusals`` prints."""
        return refusals(self.folder, self.audit, *arguments)


def context_of(ca: str, folder: Path, holder: Holder | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    if holder is not None:
        context.load_cert_chain(*holder.save(folder, chain=True))
    return context


def refusals(folder: Path, audit: Path, *arguments: str) -> str:
    done = Process(folder / "refusals", ["--audit-log", str(audit), "refusals", *arguments])
    try:
        assert done.wait() == 0, done.log
    finally:
        done.kill_all()
    assert done.log == ""
    return done.out


def assert_refused(connect: Callable[[], Client]) -> None:
    """The server ends the handshake; with TLS 1.3 a client sees that after its own end of it."""
    with pytest.raises((ssl.SSLError, ConnectionError)), connect() as client:
        client.read()


def assert_refused_though_it_has(session: ssl.SSLSession, server: Server, context: ssl.SSLContext) -> None:
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        socket.create_connection((server.host, server.port), 20) as raw,
        context.wrap_socket(raw, server_hostname=server.host, session=session) as tls,
    ):
        tls.recv(1)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    ca = Holder.root("Registrars' CA")
    revoked = ca.certify("revoked", names=(NAME,))
    (folder / "ca.pem").write_bytes(ca.pem)
    (folder / "crl.pem").write_bytes(ca.crl(revoked))
    audit = folder / "audit.log"
    sandbox = Sandbox(
        folder / "eppd",
        *registrars(),
        *("--require-client-certificate", "true"),
        *("--tls-client-ca", str(folder / "ca.pem")),
        *("--tls-client-crl", str(folder / "crl.pem")),
        *("--audit-log", str(audit)),
    )
    try:
        yield Guarded(sandbox, folder, ca, revoked, audit)
        assert sandbox.stop() == 0, sandbox.log
        assert "Traceback" not in sandbox.log, sandbox.log
    finally:
        sandbox.kill_all()


@dataclass
class Case:
    """A client that the handshake refuses, and what is said of it."""

    make: Callable[[Guarded], Holder | None]
    text: str


CASES = {
    "expired": Case(
        lambda guarded: guarded.ca.certify("expired", names=(NAME,), start=-DAY, end=-HOUR),
        "client certificate 'CN=expired' refused: it has expired",
    ),
    "not yet valid": Case(
        lambda guarded: guarded.ca.certify("early", names=(NAME,), start=HOUR),
        "client certificate 'CN=early' refused: it is not valid yet",
    ),
    "revoked": Case(
        lambda guarded: guarded.revoked,
        "client certificate 'CN=revoked' refused: it is revoked",
    ),
    "of another CA": Case(
        lambda guarded: Holder.root("Other CA").certify("strange", names=(NAME,)),
        "client certificate 'CN=strange' refused: its issuer is not known",
    ),
    "of another CA of the same name": Case(
        lambda guarded: Holder.root("Registrars' CA").certify("forged", names=(NAME,)),
        "client certificate 'CN=forged' refused: its signature is wrong",
    ),
    "self-signed": Case(
        lambda guarded: Holder.root("alone", names=(NAME,)),
        "client certificate 'CN=alone' refused: it is self-signed",
    ),
    "for servers": Case(
        lambda guarded: guarded.ca.certify("server", purpose=ExtendedKeyUsageOID.SERVER_AUTH),
        "client certificate 'CN=server' refused: it is not for clients",
    ),
    "none": Case(lambda guarded: None, "no client certificate was given"),
    "hostile": Case(
        lambda guarded: Holder.root("\x1b[2J\x1b]0;x\x07\r\n2030-01-01 forged"),
        r"refused: it is self-signed",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_certificate_is_refused_and_both_logs_say_why(guarded: Guarded, case: Case) -> None:
    holder = case.make(guarded)

    assert_refused(lambda: guarded.client(holder))

    guarded.sandbox.wait_for_log(rf"TLS handshake failed: .*{re.escape(case.text)}$")
    last = guarded.refusals().splitlines()[-1]
    assert re.fullmatch(rf"[-0-9]+ [:0-9]+  127\.0\.0\.1 +- +.*{re.escape(case.text)} +\S+", last), last
    assert last.isprintable()


def test_a_good_certificate_passes(guarded: Guarded) -> None:
    for names in ((NAME,), ("other.example", NAME)):
        with guarded.client(guarded.ca.certify("good", names=names)) as client:
            client.log_in(guarded.sandbox.registrar(100))


def test_the_common_name_will_do(guarded: Guarded) -> None:
    with guarded.client(guarded.ca.certify(NAME)) as client:
        client.log_in(guarded.sandbox.registrar(100))


def test_a_good_certificate_of_somebody_else_is_refused_at_login(guarded: Guarded) -> None:
    with guarded.client(guarded.ca.certify("good", names=(NAME,))) as client:
        assert client.read().is_greeting
        assert client.ask(login(guarded.sandbox.registrar(101))).code == 2200

    guarded.sandbox.wait_for_log(NO_NAME)
    last = guarded.refusals("101").splitlines()[-1]
    assert re.fullmatch(rf"[-0-9]+ [:0-9]+  127\.0\.0\.1 +101 +{NO_NAME} +\S+", last), last


def test_refusals_can_be_looked_for_by_time_registrar_and_address(guarded: Guarded) -> None:
    assert_refused(lambda: guarded.client(None))
    with guarded.client(guarded.ca.certify("x", names=("unknown.example",))) as client:
        assert client.read().is_greeting
        assert client.ask(login(guarded.sandbox.registrar(100))).code == 2200

    by_registrar = guarded.refusals("100")
    by_network = guarded.refusals("--since", "1h", "127.0.0.0/8")

    assert NO_NAME in by_registrar
    assert "no client certificate" not in by_registrar
    assert by_network == guarded.refusals()
    assert guarded.refusals("--since", "2099-12-31") == "no refusals\n"
    assert guarded.refusals("192.0.2.0/24") == "no refusals\n"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["refusals", "--since", "noon"], "'noon' is no time such as 90s"),
        (["refusals", "192.0.2.0/99"], "'192.0.2.0/99' is neither the id of a registrar nor an address"),
    ],
)
def test_what_cannot_be_looked_for_is_said(guarded: Guarded, arguments: list[str], fault: str) -> None:
    done = Process(guarded.folder / "faulty", ["--audit-log", str(guarded.audit), *arguments])

    assert done.wait() == 2
    assert fault in done.log
    assert done.log.count("\n") == 1


def test_a_log_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = Process(tmp_path / "run", ["--audit-log", str(tmp_path / "audit.log"), "refusals"])

    assert done.wait() == 1
    assert re.fullmatch(r"eppd: .*No such file or directory.*audit\.log.*\n", done.log)


# files that change


@dataclass
class Office:
    """``eppd run`` that demands certificates, and its files."""

    daemon: Daemon
    folder: Path
    ca: Holder

    def write(self, name: str, octets: bytes) -> None:
        (self.folder / name).write_bytes(octets)

    def client(self, holder: Holder | None, server_ca: str | None = None) -> Client:
        context = context_of(server_ca or self.daemon.ca, self.folder, holder)
        return Client(self.daemon, context=context)

    def logged_in(self, holder: Holder | None) -> Client:
        client = self.client(holder)
        client.log_in(self.daemon.registrar(100))
        return client


@pytest.fixture
def office(sandbox: Sandbox, tmp_path: Path) -> Iterator[Office]:
    folder = tmp_path / "files"
    folder.mkdir()
    ca = Holder.root("Registrars' CA")
    (folder / "ca.pem").write_bytes(ca.pem)
    (folder / "crl.pem").write_bytes(ca.crl())
    for suffix in ("pem", "key"):
        (folder / f"server.{suffix}").write_bytes((sandbox.data / f"server.{suffix}").read_bytes())
    daemon = Daemon(
        tmp_path / "run",
        sandbox,
        workers="2",
        require_client_certificate="true",
        tls_certificate=str(folder / "server.pem"),
        tls_private_key=str(folder / "server.key"),
        tls_client_ca=str(folder / "ca.pem"),
        tls_client_crl=str(folder / "crl.pem"),
        audit_log=str(folder / "audit.log"),
    )
    try:
        yield Office(daemon, folder, ca)
        assert daemon.stop() == 0, daemon.log
        assert "Traceback" not in daemon.log, daemon.log
    finally:
        daemon.kill_all()


def test_who_is_revoked_goes_on_until_the_session_ends_and_does_not_come_back(office: Office) -> None:
    leaving, staying = (office.ca.certify(name, names=(NAME,)) for name in ("leaving", "staying"))
    context = context_of(office.daemon.ca, office.folder, leaving)
    with Client(office.daemon, context=context) as living:
        living.log_in(office.daemon.registrar(100))
        session = living.tls.session
        assert session is not None
        office.write("crl.pem", office.ca.crl(leaving))
        office.daemon.reload()

        assert living.ask(HELLO).is_greeting
        for _ in range(4):  # there are two workers
            assert_refused(lambda: office.client(leaving))
            assert_refused_though_it_has(session, office.daemon, context)
            office.logged_in(staying).tls.close()
        assert living.ask(HELLO).is_greeting
    shown = refusals(office.folder, office.folder / "audit.log")
    assert shown.count("client certificate 'CN=leaving' refused: it is revoked") == 8
    assert len(shown.splitlines()) == 9


def test_a_new_ca_is_known_and_an_old_one_is_not(office: Office) -> None:
    after = Holder.root("New CA")
    old, new = office.ca.certify("old", names=(NAME,)), after.certify("new", names=(NAME,))
    with office.logged_in(old) as living:
        assert_refused(lambda: office.client(new))
        office.write("ca.pem", after.pem)
        office.write("crl.pem", after.crl())
        office.daemon.reload()

        for _ in range(4):
            assert_refused(lambda: office.client(old))
            office.logged_in(new).tls.close()
        assert living.ask(HELLO).is_greeting
    office.daemon.wait_for_log("'CN=old' refused: its issuer is not known")


def test_a_new_server_certificate_is_shown_to_new_connections(office: Office) -> None:
    holder = office.ca.certify("x", names=(NAME,))
    authority = Holder.root("Server CA")
    purpose = ExtendedKeyUsageOID.SERVER_AUTH
    server = authority.certify("new server", names=("localhost",), purpose=purpose)
    certificate, key = server.save(office.folder)
    office.write("server-ca.pem", authority.pem)
    with office.logged_in(holder) as living:
        certificate.rename(office.folder / "server.pem")
        key.rename(office.folder / "server.key")
        office.daemon.reload()

        assert living.ask(HELLO).is_greeting
        for _ in range(4):
            context = context_of(str(office.folder / "server-ca.pem"), office.folder, holder)
            context.check_hostname = False
            with Client(office.daemon, context=context) as later:
                assert later.read().is_greeting
                shown = later.tls.getpeercert(binary_form=True)
                assert x509.load_der_x509_certificate(shown or b"") == server.certificate


def test_a_faulty_crl_leaves_the_old_one_in_force(office: Office) -> None:
    good, bad = (office.ca.certify(name, names=(NAME,)) for name in ("good", "bad"))
    office.write("crl.pem", office.ca.crl(bad))
    office.daemon.reload()
    path = office.folder / "crl.pem"

    for octets, fault in (
        (b"", "no PEM CRL in it, or a damaged one"),
        (Holder.root("Other CA").crl(), "the CRL of 'CN=Other CA': its issuer is not in tls-client-ca"),
    ):
        office.write("crl.pem", octets)
        office.daemon.reload()
        office.daemon.wait_for_log(re.escape(f"not reloaded: option tls-client-crl: {path}: {fault}"))
        office.logged_in(good).tls.close()
        assert_refused(lambda: office.client(bad))


def test_with_a_crl_that_has_expired_it_serves_and_refuses(office: Office) -> None:
    holder = office.ca.certify("x", names=(NAME,))
    with office.logged_in(holder) as living:
        office.write("crl.pem", office.ca.crl(start=-DAY, end=-HOUR))
        office.daemon.reload()

        path = office.folder / "crl.pem"
        office.daemon.wait_for_log(f"WARNING .* the CRL of .*Registrars' CA.* in {path} has expired: ")
        assert_refused(lambda: office.client(holder))
        assert living.ask(HELLO).is_greeting
    office.daemon.wait_for_log("client certificate 'CN=x' refused: its issuer's CRL has expired")
