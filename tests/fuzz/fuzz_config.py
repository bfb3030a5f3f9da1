"""The configuration file: any text is a Config, or faults that name what is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import gettempdir
from urllib.parse import urlsplit

from srs_epp.config import Config, ConfigError, make_config, options, read_options

FILE = Path(gettempdir(), f"eppd-fuzz-{os.getpid()}.conf")
ETC = Path(__file__).parents[2] / "etc" / "eppd.conf"
VALUES = (
    "1", "5m", "1 MiB", "true", "[a, b]", "[127.0.0.1:700, [::]:700]", "20/100", "http://a/", "192.0.2.0/24",
)  # fmt: skip
NEEDED = (
    "tls-certificate = a.pem\ntls-private-key = b.pem\nbackend = http://127.0.0.1:1/\n"
    "pgp-signing-key = c.asc\nbackend-unsigned = true\n"
)


def seeds() -> Iterator[bytes]:
    """The file that is delivered, every option, and the syntax that ConfigArgParse has."""
    yield ETC.read_bytes()
    yield NEEDED.encode()
    for one in options():
        for value in VALUES:
            yield f"{NEEDED}{one.name.replace('_', '-')} = {value}\n".encode()
    yield b"[section]\nlisten\nworkers: 3\nmax-queue 5 ; no\n# no\nservice = [\"a, b\", 'c']\n---\nconfig = a"
    yield NEEDED.encode() + b"workers = 1\nworkers = 2\ncolour = red\ndaemon\n"
    yield b"\xff\xfe\n"
    yield b"\xef\xbb\xbfworkers = 2\r\nlisten = [a:1,\n"


def check(octets: bytes) -> None:
    FILE.write_bytes(octets)
    try:
        texts, faults = read_options(["--config", str(FILE)], lambda parser: None, {})
        config = make_config(vars(texts), faults)
    except ConfigError as error:
        _assert_told(error.faults)
        return
    finally:
        FILE.unlink()
    _assert_usable(config)


def _assert_told(faults: Sequence[str]) -> None:
    assert faults
    for fault in faults:
        assert fault.strip()


def _assert_usable(config: Config) -> None:
    """What was let pass is within the bounds that the options have."""
    assert urlsplit(config.backend).scheme in ("http", "https")
    assert config.max_queue > 0
    assert config.max_frame > 0
    assert config.max_output > 0
    assert 3 <= len(config.server_name) <= 64
    assert 0 <= config.workers <= 64
    assert all(0 <= address.port <= 65535 for address in config.listen)
    assert config.pgp_registry_certificate or config.backend_unsigned
