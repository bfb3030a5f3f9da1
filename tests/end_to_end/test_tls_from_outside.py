"""TLS as a scanner sees it, that knows nothing of how it was set up.

It sends nothing to anybody but the server: no name is looked up, and no revocation asked for. That is why it
is sslyze, and not testssl.sh, which asks the DNS even where it is told not to.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from srs_epp.sandbox.certificates import certificate_pem
from tests.end_to_end.client import Server
from tests.end_to_end.daemon import Daemon
from tests.end_to_end.process import Sandbox

SSLYZE = shutil.which("sslyze")
SCAN_TIME = 120  # seconds; it takes one

OLD = ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1")
TLS_1_2, TLS_1_3 = "tls_1_2", "tls_1_3"
GOOD = {
    TLS_1_2: {
        f"ECDHE-{kind}-{cipher}"
        for kind in ("ECDSA", "RSA")
        for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    },
    TLS_1_3: {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"},
}
CURVES = {"X25519", "X448", "prime256v1", "secp256r1", "secp384r1", "secp521r1"}
# not the certificate, which depends on who has made it
SCANS = """sslv2 sslv3 tlsv1 tlsv1_1 tlsv1_2 tlsv1_3 reneg compression heartbleed openssl_ccs robot early_data
    resum fallback elliptic_curves ems"""

pytestmark = pytest.mark.skipif(not SSLYZE, reason="needs sslyze, in an environment of its own")


class Scan:
    """What sslyze has found; a look at what it could not find out fails."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._found = found

    def __getitem__(self, name: str) -> dict[str, Any]:
        one = self._found[name]
        assert one["status"] == "COMPLETED", (name, one["error_reason"])
        return dict(one["result"])

    def ciphers(self, version: str) -> set[str]:
        accepted = self[f"{version}_cipher_suites"]["accepted_cipher_suites"]
        return {one["cipher_suite"]["openssl_name"] for one in accepted}


def scan(server: Server, folder: Path, *more: str) -> Scan:
    path = folder / "scan.json"
    options = [f"--{one}" for one in SCANS.split()]
    subprocess.run(
        [
            str(SSLYZE),
            "--mozilla_config=disable",
            "--resum_attempts=2",
            *options,
            "--quiet",
            f"--json_out={path}",
            *more,
            f"{server.host}:{server.port}",
        ],
        check=True,
        timeout=SCAN_TIME,
        stdout=subprocess.DEVNULL,
    )
    [found] = json.loads(path.read_text())["server_scan_results"]
    assert found["scan_status"] == "COMPLETED", found
    return Scan(found["scan_result"])


def assert_sound(found: Scan, versions: set[str]) -> None:
    """Everything that holds whatever the configuration."""
    for version in (*OLD, TLS_1_2, TLS_1_3):
        assert found[f"{version}_cipher_suites"]["is_tls_version_supported"] == (version in versions), version
    for version in versions:
        assert found.ciphers(version)
        assert found.ciphers(version) <= GOOD[version]
    curves = {one["name"] for one in found["elliptic_curves"]["supported_curves"]}
    assert "X25519" in curves
    assert curves <= CURVES
    assert found["tls_compression"] == {"supports_compression": False}
    assert found["heartbleed"] == {"is_vulnerable_to_heartbleed": False}
    assert found["openssl_ccs_injection"] == {"is_vulnerable_to_ccs_injection": False}
    assert found["robot"]["robot_result"] == "NOT_VULNERABLE_RSA_NOT_SUPPORTED"
    assert found["tls_1_3_early_data"] == {"supports_early_data": False}
    if TLS_1_2 in versions:
        assert found["tls_fallback_scsv"] == {"supports_fallback_scsv": True}
        assert found["tls_extended_master_secret"] == {"supports_ems_extension": True}
        renegotiation = found["session_renegotiation"]
        assert renegotiation["supports_secure_renegotiation"]
        assert not renegotiation["is_vulnerable_to_client_renegotiation_dos"]


def assert_nothing_resumed(found: Scan) -> None:
    resumption = found["session_resumption"]
    assert resumption["session_id_resumption_result"] == "NOT_SUPPORTED"
    assert resumption["tls_ticket_resumption_result"] == "NOT_SUPPORTED"


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Start a daemon in front of the shared sandbox's registry, with these options."""
    started: list[Daemon] = []

    def run_one(**options: str) -> Daemon:
        started.append(Daemon(tmp_path / f"run-{len(started)}", sandbox, **options))
        return started[-1]

    yield run_one
    for one in started:
        one.kill_all()
        assert "Traceback" not in one.log, one.log


def rsa_certificate(folder: Path) -> dict[str, str]:
    """Options that name a certificate for 127.0.0.1 with an RSA key, and its key."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "rsa.pem").write_bytes(certificate_pem(certificate))
    (folder / "rsa.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return {"tls_certificate": str(folder / "rsa.pem"), "tls_private_key": str(folder / "rsa.key")}


def test_a_scanner_finds_nothing_weak_in_a_sandbox(sandbox: Sandbox, tmp_path: Path) -> None:
    found = scan(sandbox, tmp_path)

    assert_sound(found, {TLS_1_2, TLS_1_3})
    assert found.ciphers(TLS_1_2) == {one for one in GOOD[TLS_1_2] if "-ECDSA-" in one}
    assert_nothing_resumed(found)


def test_a_scanner_finds_nothing_weak_where_no_certificate_is_asked_for_and_the_key_is_rsa(
    run: Callable[..., Daemon], tmp_path: Path
) -> None:
    found = scan(run(tls_client_ca="", **rsa_certificate(tmp_path)), tmp_path)

    assert_sound(found, {TLS_1_2, TLS_1_3})
    assert found.ciphers(TLS_1_2) == {one for one in GOOD[TLS_1_2] if "-RSA-" in one}


def test_a_scanner_with_a_certificate_finds_nothing_weak_where_one_is_demanded(
    run: Callable[..., Daemon], sandbox: Sandbox, tmp_path: Path
) -> None:
    who = sandbox.registrar(100)
    server = run(require_client_certificate="true")

    found = scan(server, tmp_path, f"--cert={who['certificate']}", f"--key={who['key']}")

    assert_sound(found, {TLS_1_2, TLS_1_3})
    assert_nothing_resumed(found)


def test_a_scanner_finds_only_tls_1_3_where_it_is_the_least(
    run: Callable[..., Daemon], tmp_path: Path
) -> None:
    found = scan(run(tls_minimum="TLSv1.3"), tmp_path)

    assert_sound(found, {TLS_1_3})
    assert found.ciphers(TLS_1_3) == GOOD[TLS_1_3]
