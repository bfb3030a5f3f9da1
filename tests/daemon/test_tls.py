"""TLS: whom the context lets in, what it says of those that it does not, and files that can't serve."""

from __future__ import annotations

import ctypes
import ctypes.util
import itertools
import logging
import os
import re
import select
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL

from srs_epp.config import Config
from srs_epp.daemon import tls
from srs_epp.daemon.tls import HandshakeFailed, TLSFault, TLSStream, server_context
from srs_epp.sandbox.certificates import certificate_pem, key_pem
from tests.support import settings

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)

_numbers = itertools.count(1)


def now() -> datetime:
    """To the second, as certificates have it."""
    return datetime.now(UTC).replace(microsecond=0)


def common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@dataclass
class Holder:
    """A certificate and its key; with ``ca=True`` it certifies others."""

    name: str
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: list[Holder] = field(default_factory=list)

    @classmethod
    def root(cls, name: str = "Test CA", **how: Any) -> Holder:
        return cls._make(name, None, ca=True, **how)

    def certify(self, name: str, **how: Any) -> Holder:
        """A certificate of this CA; see ``_make`` for what may be otherwise."""
        return self._make(name, self, **how)

    @classmethod
    def _make(
        cls,
        name: str,
        issuer: Holder | None,
        *,
        ca: bool = False,
        start: timedelta = -HOUR,
        end: timedelta = DAY,
        names: tuple[str, ...] = (),
        purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
        crl_sign: bool = True,
    ) -> Holder:
        key = ec.generate_private_key(ec.SECP256R1())
        signer = issuer or cls(name, None, key)  # type: ignore[arg-type]
        builder = (
            x509.CertificateBuilder()
            .subject_name(common_name(name))
            .issuer_name(common_name(signer.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() + start)
            .not_valid_after(now() + end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if ca:
            usage = x509.KeyUsage(False, False, False, False, False, True, crl_sign, False, False)
            builder = builder.add_extension(usage, critical=True)
        else:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        if names:
            alternatives = x509.SubjectAlternativeName(list(map(x509.DNSName, names)))
            builder = builder.add_extension(alternatives, critical=False)
        certificate = builder.sign(signer.key, hashes.SHA256())
        return cls(name, certificate, key, [issuer, *issuer.above] if issuer else [])

    def crl(
        self,
        *revoked: Holder,
        start: timedelta = -HOUR,
        end: timedelta = DAY,
        issuer: str | None = None,
        delta: bool = False,
    ) -> bytes:
        """A list of these as revoked, in PEM."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(common_name(issuer or self.name))
            .last_update(now() + start)
            .next_update(now() + end)
        )
        for one in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(now() - HOUR).build())
        if delta:
            builder = builder.add_extension(x509.DeltaCRLIndicator(1), critical=True)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    @property
    def pem(self) -> bytes:
        return certificate_pem(self.certificate)

    def save(self, folder: Path, *, chain: bool = False) -> tuple[Path, Path]:
        """Write certificate (with those of the CAs between it and the root) and key: their files."""
        stem = f"holder-{next(_numbers)}"
        certificate, key = folder / f"{stem}.pem", folder / f"{stem}.key"
        certificate.write_bytes(b"".join([self.pem, *[one.pem for one in self.above[:-1] if chain]]))
        key.write_bytes(key_pem(self.key))
        return certificate, key


class Place:
    """A folder with a server's certificate, the CA of clients, and what a test adds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = Holder.root()
        server = self.ca.certify("server", names=("server.example",), purpose=ExtendedKeyUsageOID.SERVER_AUTH)
        self.certificate, self.key = server.save(folder)
        self.ca_file = self.file("client-ca.pem", self.ca.pem)
        self.good = self.ca.certify("good", names=("good.example", "more.example"))

    def file(self, name: str, octets: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(octets)
        return path

    def open_config(self) -> Config:
        """One that asks for no certificate."""
        return settings.config(tls_certificate=self.certificate, tls_private_key=self.key)

    def config(self, *, ca: bytes | None = None, crl: bytes | None = None, **changes: object) -> Config:
        if ca is not None:
            self.file("client-ca.pem", ca)
        if crl is not None:
            changes["tls_client_crl"] = self.file("client-crl.pem", crl)
        given = {
            "tls_certificate": self.certificate,
            "tls_private_key": self.key,
            "tls_client_ca": self.ca_file,
            "require_client_certificate": "true",
        }
        return settings.config(**(given | changes))

    def context(self, **changes: Any) -> SSL.Context:
        return server_context(self.config(**changes))

    def client(self, holder: Holder | None = None, version: ssl.TLSVersion = VERSIONS[-1]) -> ssl.SSLContext:
        """What a client connects with."""
        context = ssl.create_default_context(cadata=self.ca.pem.decode())
        context.maximum_version = version
        if holder is not None:
            context.load_cert_chain(*holder.save(self.folder, chain=True))
        return context

    def refusal(
        self, server: SSL.Context, holder: Holder | None, version: ssl.TLSVersion = VERSIONS[-1]
    ) -> HandshakeFailed:
        """How the server refuses that client."""
        with pytest.raises(HandshakeFailed) as failed:
            shake_hands(server, self.client(holder, version))
        return failed.value


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@dataclass
class Met:
    """What came of a handshake that succeeded."""

    names: tuple[str, ...]
    session: ssl.SSLSession | None
    reused: bool | None


def shake_hands(server: SSL.Context, client: ssl.SSLContext, session: ssl.SSLSession | None = None) -> Met:
    """Our side's TLS with a client of the standard library. HandshakeFailed, as our side sees it."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(20)

    def connect() -> tuple[ssl.SSLSession | None, bool | None]:
        with client.wrap_socket(theirs, server_hostname="server.example", session=session) as tls_socket:
            tls_socket.recv(1)  # the tickets of TLS 1.3 come after the handshake, and refusals too
            return tls_socket.session, tls_socket.session_reused

    with ThreadPoolExecutor(1) as thread, ours:
        there = thread.submit(connect)
        stream = TLSStream(server, ours)
        try:
            names = stream.handshake(20)
            stream.send(b"x")
        except BaseException:
            ours.shutdown(socket.SHUT_RDWR)
            there.exception()
            raise
        known, reused = there.result()
        stream.close(1)
        return Met(names, known, reused)


def test_a_good_certificate_passes_and_its_names_are_known(place: Place) -> None:
    assert shake_hands(place.context(), place.client(place.good)).names == (
        "good.example",
        "more.example",
        "good",
    )


def test_with_a_crl_the_good_pass(place: Place) -> None:
    bad = place.ca.certify("bad")

    assert shake_hands(place.context(crl=place.ca.crl(bad)), place.client(place.good)).names


@dataclass
class Case:
    """A client that is refused, and how."""

    text: str
    client: Callable[[Place], Holder]
    crl: Callable[[Place, Holder], bytes] | None = None


CASES = {
    "expired": Case(
        "client certificate 'CN=x' refused: it has expired",
        lambda place: place.ca.certify("x", start=-DAY, end=-HOUR),
    ),
    "not yet valid": Case(
        "client certificate 'CN=x' refused: it is not valid yet",
        lambda place: place.ca.certify("x", start=HOUR),
    ),
    "of another CA": Case(
        "client certificate 'CN=x' refused: its issuer is not known",
        lambda place: Holder.root("Other CA").certify("x"),
    ),
    "of another CA of the same name": Case(
        "client certificate 'CN=x' refused: its signature is wrong",
        lambda place: Holder.root().certify("x"),
    ),
    "of another CA, with a CA between": Case(
        "client certificate refused for the CA 'CN=Between' above it: its issuer is not known",
        lambda place: Holder.root("Other CA").certify("Between", ca=True).certify("x"),
    ),
    "self-signed": Case(
        "client certificate 'CN=x' refused: it is self-signed",
        lambda place: Holder.root("x"),
    ),
    "of a server": Case(
        "client certificate 'CN=x' refused: it is not for clients",
        lambda place: place.ca.certify("x", purpose=ExtendedKeyUsageOID.SERVER_AUTH),
    ),
    "of one that is no CA": Case(
        "client certificate refused for the CA 'CN=good' above it: it is no CA",
        lambda place: place.ca.certify("good").certify("x"),
    ),
    "revoked": Case(
        "client certificate 'CN=x' refused: it is revoked",
        lambda place: place.ca.certify("x"),
        lambda place, client: place.ca.crl(client),
    ),
    "of a CA whose CRL has expired": Case(
        "client certificate 'CN=x' refused: its issuer's CRL has expired",
        lambda place: place.ca.certify("x"),
        lambda place, client: place.ca.crl(start=-DAY, end=-HOUR),
    ),
    "of a CA whose CRL is of tomorrow": Case(
        "client certificate 'CN=x' refused: its issuer's CRL is not valid yet",
        lambda place: place.ca.certify("x"),
        lambda place, client: place.ca.crl(start=HOUR),
    ),
    "of a CA between, without a CRL": Case(
        "client certificate 'CN=x' refused: there is no CRL of its issuer",
        lambda place: place.ca.certify("Between", ca=True).certify("x"),
        lambda place, client: place.ca.crl(),
    ),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_refusal_says_why(place: Place, case: Case, version: ssl.TLSVersion) -> None:
    client = case.client(place)
    server = place.context(crl=case.crl(place, client) if case.crl else None)

    refused = place.refusal(server, client, version=version)

    assert str(refused) == case.text
    assert refused.reason == "certificate"


def test_a_certificate_that_openssl_alone_can_read_is_refused_as_any_other(place: Place) -> None:
    certificate, key = Holder.root("x").save(place.folder)
    der = ssl.PEM_cert_to_DER_cert(certificate.read_text())
    version_3 = bytes.fromhex("a003020102")
    assert version_3 in der
    certificate.write_text(ssl.DER_cert_to_PEM_cert(der.replace(version_3, bytes.fromhex("a003020105"), 1)))
    client = place.client()
    client.load_cert_chain(certificate, key)
    server = place.context()

    with pytest.raises(HandshakeFailed, match="client certificate of unreadable form refused: ") as refused:
        shake_hands(server, client)

    assert refused.value.reason == "certificate"
    # and nobody else hears of it
    assert shake_hands(server, place.client(place.good)).names


def test_a_certificate_that_is_good_but_has_no_readable_names_is_refused() -> None:
    faults = (
        ValueError("none"),
        x509.InvalidVersion("none", 5),
        x509.DuplicateExtension("none", NameOID.COMMON_NAME),
        x509.UnsupportedGeneralNameType("none"),
    )
    for fault in faults:
        connection = Mock(spec=SSL.Connection)
        connection.get_peer_certificate.return_value.to_cryptography.side_effect = fault
        with pytest.raises(ValueError, match="none"):
            tls.peer_names(connection)


def test_a_long_subject_is_cut(place: Place) -> None:
    units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "\x1b" * 60) for _ in range(100)]
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(units))
        .issuer_name(x509.Name(units))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now() - HOUR)
        .not_valid_after(now() + HOUR)
        .sign(key, hashes.SHA256())
    )

    refused = place.refusal(place.context(), Holder("long", certificate, key))

    # each of its characters is written as four
    assert 4 * 100 < len(str(refused)) < 4 * 300
    assert str(refused).endswith(" refused: it is self-signed")


@pytest.mark.parametrize("required", ["true", "false"])
def test_who_shows_a_bad_certificate_is_refused_though_none_need_be_shown(
    place: Place, required: str
) -> None:
    server = place.context(require_client_certificate=required)

    assert "it has expired" in str(place.refusal(server, place.ca.certify("x", start=-DAY, end=-HOUR)))


def test_a_revoked_ca_between_takes_its_certificates_along(place: Place) -> None:
    between = place.ca.certify("Between", ca=True)
    client = between.certify("x")
    both = place.ca.pem + between.pem

    passing = place.context(ca=both, crl=place.ca.crl() + between.crl())
    refusing = place.context(ca=both, crl=place.ca.crl(between) + between.crl())

    assert shake_hands(passing, place.client(client)).names == ("x",)
    assert str(place.refusal(refusing, client)) == (
        "client certificate refused for the CA 'CN=Between' above it: it is revoked"
    )


def test_the_newer_of_two_crls_of_a_ca_counts(place: Place) -> None:
    client = place.ca.certify("x")
    newer, older = place.ca.crl(client), place.ca.crl(start=-2 * HOUR)

    for crl in (newer + older, older + newer, newer + newer):
        assert "it is revoked" in str(place.refusal(place.context(crl=crl), client))


@pytest.mark.parametrize("version", VERSIONS)
def test_where_one_is_demanded_and_none_given_that_is_said(place: Place, version: ssl.TLSVersion) -> None:
    refused = place.refusal(place.context(), None, version=version)

    assert (str(refused), refused.reason) == ("no client certificate was given", "certificate")


def test_where_none_is_demanded_none_need_be_given(place: Place) -> None:
    server = place.context(require_client_certificate="false", crl=place.ca.crl())

    assert shake_hands(server, place.client()).names == ()


def test_a_client_that_speaks_no_such_tls_is_another_matter(place: Place) -> None:
    server = place.context(tls_minimum="TLSv1.3")

    assert place.refusal(server, place.good, version=VERSIONS[0]).reason == "tls"


@pytest.mark.parametrize("octets", [b"GET / HTTP/1.0\r\n\r\n", b"\0\0\0\5x", b""])
def test_what_is_no_tls_is_another_matter(place: Place, octets: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(octets)
        theirs.shutdown(socket.SHUT_WR)
        stream = TLSStream(place.context(), ours)
        with pytest.raises(HandshakeFailed) as failed:
            stream.handshake(20)

    assert failed.value.reason == "tls"
    assert str(failed.value)


def test_a_handshake_that_does_not_end_is_a_time_out(place: Place) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(HandshakeFailed) as failed:
        TLSStream(place.context(), ours).handshake(0.05)

    assert (str(failed.value), failed.value.reason) == ("not finished in time", "timeout")


# resumption


@pytest.mark.parametrize("version", VERSIONS)
def test_who_has_a_session_is_verified_again_and_its_names_are_known(
    place: Place, version: ssl.TLSVersion
) -> None:
    server = place.context()
    client = place.client(place.good, version)
    first = shake_hands(server, client)

    second = shake_hands(server, client, first.session)

    assert not second.reused
    assert second.names == first.names == ("good.example", "more.example", "good")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_revoked_client_does_not_come_back_by_its_session(place: Place, version: ssl.TLSVersion) -> None:
    before = place.context(crl=place.ca.crl())
    client = place.client(place.good, version)
    met = shake_hands(before, client)

    after = place.context(crl=place.ca.crl(place.good))

    with pytest.raises(HandshakeFailed, match="'CN=good' refused: it is revoked"):
        shake_hands(after, client, met.session)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_whose_certificate_has_expired_does_not_come_back_by_its_session(
    place: Place, version: ssl.TLSVersion
) -> None:
    server = place.context()
    expiring = place.ca.certify("x", end=timedelta(seconds=2))
    client = place.client(expiring, version)
    met = shake_hands(server, client)

    time.sleep(3.1)  # the last second still counts

    with pytest.raises(HandshakeFailed, match="'CN=x' refused: it has expired"):
        shake_hands(server, client, met.session)


@pytest.mark.parametrize("version", VERSIONS)
def test_where_no_certificate_is_asked_for_a_session_does_come_back(
    place: Place, version: ssl.TLSVersion
) -> None:
    server = server_context(place.open_config())
    client = place.client(place.good, version)

    again = shake_hands(server, client, shake_hands(server, client).session)

    assert again.reused
    assert again.names == ()


# between data


class KeyUpdater:
    """A client of TLS 1.3 that can change its keys; Python's own can't."""

    def __init__(self, sock: socket.socket) -> None:
        self._ssl = ctypes.CDLL(ctypes.util.find_library("ssl"))
        for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
            getattr(self._ssl, name).restype = ctypes.c_void_p
        method = ctypes.c_void_p(self._ssl.TLS_client_method())
        self._context = ctypes.c_void_p(self._ssl.SSL_CTX_new(method))
        self._connection = ctypes.c_void_p(self._ssl.SSL_new(self._context))
        self._ssl.SSL_set_fd(self._connection, sock.fileno())

    def connect(self) -> None:
        assert self._ssl.SSL_connect(self._connection) == 1

    def change_keys(self) -> None:
        assert self._ssl.SSL_key_update(self._connection, 0) == 1
        assert self._ssl.SSL_do_handshake(self._connection) == 1

    def write(self, octets: bytes) -> None:
        assert self._ssl.SSL_write(self._connection, octets, len(octets)) == len(octets)

    def close(self) -> None:
        self._ssl.SSL_free(self._connection)
        self._ssl.SSL_CTX_free(self._context)


def test_who_changes_keys_without_a_pause_is_not_listened_to_without_one(place: Place) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, ThreadPoolExecutor(1) as thread:
        client = KeyUpdater(theirs)
        connected = thread.submit(client.connect)
        stream = TLSStream(server_context(place.open_config()), ours)
        stream.handshake(20)
        connected.result()
        for _ in range(10):
            client.change_keys()
        client.write(b"x")

        # each time there is a chance to look at the clock, and at other descriptors
        looks = 0
        while (octets := stream.recv(100)) is None:
            looks += 1
            assert stream.dry
            assert select.select([ours], [], [], 20)[0]
        client.close()

    assert octets == b"x"
    assert looks == 10


# files


def crl_fault(place: Place, crl: bytes) -> str:
    """What is said of such a file, without the option and the path."""
    path = place.folder / "client-crl.pem"
    with pytest.raises(TLSFault) as fault:
        place.context(crl=crl)
    start = f"option tls-client-crl: {path}: "
    assert str(fault.value).startswith(start)
    return str(fault.value).removeprefix(start)


def test_a_file_without_a_crl_can_not_serve(place: Place) -> None:
    good = place.ca.crl()
    damaged = good[:60] + good[-30:]

    for content in (b"", b"\0", place.ca.pem, good[:60], damaged, good + damaged, good + good[:60]):
        assert crl_fault(place, content) == "no PEM CRL in it, or a damaged one"


def test_a_crl_of_somebody_else_can_not_serve(place: Place) -> None:
    other = Holder.root("Other CA").crl()

    assert crl_fault(place, other) == "the CRL of 'CN=Other CA': its issuer is not in tls-client-ca"
    assert crl_fault(place, place.ca.crl() + other).startswith("the CRL of 'CN=Other CA'")


def test_a_crl_that_its_issuer_did_not_sign_can_not_serve(place: Place) -> None:
    forged = Holder.root("Other CA").crl(issuer=place.ca.name)

    assert crl_fault(place, forged) == "the CRL of 'CN=Test CA': its signature is wrong"


def test_a_ca_that_may_not_sign_crls_has_none(place: Place) -> None:
    ca = Holder.root("Strict CA", crl_sign=False)
    place.file("client-ca.pem", ca.pem)

    assert crl_fault(place, ca.crl()) == (
        "the CRL of 'CN=Strict CA': the certificate of its issuer does not allow it to sign CRLs"
    )


def test_a_delta_crl_can_not_serve(place: Place) -> None:
    fault = crl_fault(place, place.ca.crl() + place.ca.crl(delta=True))

    assert fault == "the CRL of 'CN=Test CA': a delta CRL, where a complete one is needed"


def test_a_crl_that_can_not_be_read_is_said(place: Place, tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "missing.pem", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(TLSFault, match=re.escape(f"option tls-client-crl: {path}: {reason}")):
            place.context(tls_client_crl=path)


def test_a_ca_with_a_key_of_another_kind_may_have_a_crl(place: Place) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    ca = Holder("Ed CA", None, key)  # type: ignore[arg-type]
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    ca.certificate = (
        x509.CertificateBuilder()
        .subject_name(common_name("Ed CA"))
        .issuer_name(common_name("Ed CA"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now() - HOUR)
        .not_valid_after(now() + DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, None)
    )
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(common_name("Ed CA"))
        .last_update(now() - HOUR)
        .next_update(now() + DAY)
        .sign(key, None)
        .public_bytes(serialization.Encoding.PEM)
    )

    server = place.context(ca=ca.pem + place.ca.pem, crl=crl + place.ca.crl())

    assert shake_hands(server, place.client(place.good)).names


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"start": -DAY, "end": -HOUR}, "has expired"),
        ({"start": HOUR}, "is not valid yet"),
    ],
)
def test_an_old_crl_is_no_reason_not_to_start_but_is_said(
    place: Place, caplog: pytest.LogCaptureFixture, how: Any, expected: str
) -> None:
    place.context(crl=place.ca.crl(**how))

    path = place.folder / "client-crl.pem"
    text = f"the CRL of 'CN=Test CA' in {path} {expected}: certificates of it are refused"
    assert caplog.record_tuples == [("eppd.tls", logging.WARNING, text)]


def test_a_ca_without_a_crl_is_said(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.context(ca=place.ca.pem + Holder.root("Other CA").pem, crl=place.ca.crl())

    path = place.folder / "client-crl.pem"
    text = f"there is no CRL of 'CN=Other CA' in {path}: certificates of it are refused"
    assert caplog.record_tuples == [("eppd.tls", logging.WARNING, text)]


def test_the_cas_of_a_folder_are_all_read(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    folder = place.folder / "cas"
    folder.mkdir()
    other = Holder.root("Other CA")
    (folder / "one.pem").write_bytes(place.ca.pem)
    (folder / "two.pem").write_bytes(other.pem)

    server = place.context(tls_client_ca=folder, crl=place.ca.crl() + other.crl())

    assert shake_hands(server, place.client(place.good)).names
    assert shake_hands(server, place.client(other.certify("x"))).names
    assert caplog.record_tuples == []


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
def test_a_key_with_a_passphrase_can_not_serve_and_nobody_is_asked_for_it(
    place: Place, form: serialization.PrivateFormat
) -> None:
    locked = place.good.key.private_bytes(
        serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(b"sesame")
    )
    place.key.write_bytes(locked)

    with pytest.raises(TLSFault) as fault:
        place.context()

    text = "no PEM private key in it that opens without a passphrase"
    assert str(fault.value) == f"option tls-private-key: {place.key}: {text}"


@pytest.mark.parametrize("key_first", [True, False])
def test_certificate_and_key_may_be_in_one_file(place: Place, key_first: bool) -> None:
    parts = [place.key.read_bytes(), place.certificate.read_bytes()]
    both = place.file("both.pem", b"".join(parts if key_first else reversed(parts)))

    server = place.context(tls_certificate=both, tls_private_key=both)

    assert shake_hands(server, place.client(place.good)).names


# how long they serve


def test_the_first_to_expire_of_each_kind_is_told(place: Place) -> None:
    between = place.ca.certify("Between", ca=True, end=2 * DAY)
    server = between.certify("server", end=3 * DAY)
    certificate, _ = server.save(place.folder, chain=True)
    other = Holder.root("Other CA", end=4 * DAY)
    started = now().timestamp()
    config = place.config(
        tls_certificate=certificate,
        ca=other.pem + Holder.root("Third CA", end=5 * DAY).pem,
        crl=place.ca.crl(end=6 * HOUR) + other.crl(end=7 * HOUR),
    )

    days = {kind: round((end - started) / 86400, 2) for kind, end in tls.expiry(config).items()}

    assert days == {"server": 2, "client-ca": 4, "client-crl": 0.25}


def test_what_is_not_there_does_not_expire(place: Place) -> None:
    assert set(tls.expiry(place.open_config())) == {"server"}

    config = place.config(crl=place.ca.pem)
    assert set(tls.expiry(config)) == {"server", "client-ca"}
    os.truncate(place.certificate, 0)
    place.ca_file.unlink()
    assert tls.expiry(config) == {}
    assert set(tls.expiry(place.config(crl=place.ca.crl()))) == {"client-crl"}
