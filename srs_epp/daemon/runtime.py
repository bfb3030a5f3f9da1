"""Everything a worker serves with, made from a Config: keys read, TLS set up, the way to the registry."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lxml import etree
from OpenSSL import SSL

from srs_epp import commands
from srs_epp.config import Config, ConfigError
from srs_epp.daemon import tls
from srs_epp.epp import reader
from srs_epp.epp.reader import Services, load_schema
from srs_epp.epp.writer import DEFAULT_DCP, Greeting
from srs_epp.session.identifiers import TransactionIds
from srs_epp.srs.client import Client
from srs_epp.srs.openpgp import Keyring, KeyUnusable, SigningKey


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the connections of one worker share."""

    config: Config
    tls: SSL.Context
    backend: Client
    greeting: Greeting
    identifiers: TransactionIds


def load(config: Config) -> Runtime:
    """Read every file that the Config names. ConfigError with every fault.

    A Config that lacks something (see ``config.gather``) is read as far as it goes.
    """
    faults: list[str] = []
    context = greeting = backend = None
    if _has(config, "tls_certificate", "tls_private_key", "tls_minimum"):
        with _collecting(faults):
            context = tls.server_context(config)
    if _has(config, "server_name"):
        with _collecting(faults):
            greeting = _greeting(config)
    if _has(config, "pgp_signing_key", "backend", "backend_timeout", "backend_connections"):
        backend = _backend(config, faults)
    if context is None or greeting is None or backend is None:
        raise ConfigError(faults)
    reader.prepare()
    return Runtime(config, context, backend, greeting, TransactionIds())


def _has(config: Config, *names: str) -> bool:
    return all(getattr(config, name) is not None for name in names)


@contextmanager
def _collecting(faults: list[str], option: str = "", path: Path | None = None) -> Iterator[None]:
    where = f"option {option}: {path}: " if option else ""
    try:
        yield
    except ConfigError as error:
        faults += error.faults
    except OSError as error:
        faults.append(f"{where}{error.strerror or error}")
    except (tls.TLSFault, KeyUnusable, ValueError) as error:
        faults.append(f"{where}{error}")


def backend(config: Config) -> Client:
    """The way to the registry alone. ConfigError with every fault."""
    faults: list[str] = []
    client = _backend(config, faults)
    if client is None:
        raise ConfigError(faults)
    return client


def _backend(config: Config, faults: list[str]) -> Client | None:
    signing_key = passphrase = keyring = None
    if config.pgp_passphrase_file is not None:
        with _collecting(faults, "pgp-passphrase-file", config.pgp_passphrase_file):
            passphrase = config.pgp_passphrase_file.read_text("utf-8").split("\n", 1)[0]
    with _collecting(faults, "pgp-signing-key", config.pgp_signing_key):
        signing_key = SigningKey.from_file(config.pgp_signing_key, passphrase)
    for path in config.pgp_registry_certificate:
        with _collecting(faults, "pgp-registry-certificate", path):
            Keyring.from_files([path])
    if config.backend_ca is not None:
        with _collecting(faults, "backend-ca", config.backend_ca):
            ssl.create_default_context(cafile=str(config.backend_ca))
    if faults or signing_key is None:
        return None
    if config.pgp_registry_certificate:
        keyring = Keyring.from_files(config.pgp_registry_certificate)
    return Client(
        config.backend,
        signing_key=signing_key,
        keyring=keyring,
        timeout=config.backend_timeout,
        connections=config.backend_connections,
        max_response=config.backend_max_response,
        ca_file=str(config.backend_ca) if config.backend_ca else None,
        unsigned=config.backend_unsigned,
    )


def _greeting(config: Config) -> Greeting:
    """The greeting, checked: what it says comes in part from the configuration."""
    faults = [
        f"option {name}: {uri!r}: not implemented (these are: {', '.join(known)})"
        for name, uris, known in (
            ("service", config.service, commands.OBJECTS),
            ("extension", config.extension, commands.EXTENSIONS),
        )
        for uri in uris
        if uri not in known
    ]
    if faults:
        raise ConfigError(faults)
    services = Services(config.service or commands.OBJECTS, config.extension or commands.EXTENSIONS)
    try:
        greeting = Greeting(config.server_name, services, config.dcp or DEFAULT_DCP)
    except etree.XMLSyntaxError as error:
        raise ConfigError([f"option dcp: not XML: {error.msg}"]) from None
    schema = load_schema()
    if not schema.validate(etree.fromstring(greeting.octets(datetime.now(UTC)))):
        raise ConfigError(["option dcp or server-name: the greeting with it is not valid EPP"])
    return greeting
