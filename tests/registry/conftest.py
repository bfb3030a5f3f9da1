"""A registry on a port of its own, with the registry itself and two registrars as clients."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from srs_epp.registry import Registry, RegistryServer
from srs_epp.srs.openpgp import Keyring, SigningKey, generate_key
from tests.registry.client import Client

PASSWORD = "correct-horse-1"


@dataclass(frozen=True)
class Pair:
    """A key and its certificate."""

    key: SigningKey
    certificate: str
    secret: str


@dataclass(frozen=True)
class Keys:
    registry: Pair
    first: Pair
    second: Pair


@dataclass(frozen=True)
class Sandbox:
    """The registry at work, and who may ask it: registrars 1, 90 and 91."""

    registry: Registry
    server: RegistryServer
    keys: Keys
    itself: Client
    first: Client
    second: Client
    path: Path


def _pair(name: str) -> Pair:
    secret, certificate = generate_key(f"{name} <{name}@example.net>")
    return Pair(SigningKey(secret), certificate, secret)


@pytest.fixture(scope="session")
def keys() -> Keys:
    return Keys(_pair("registry"), _pair("first"), _pair("second"))


@pytest.fixture(scope="session")
def template(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the registrars in it, from which each test has its own."""
    path = tmp_path_factory.mktemp("registry") / "template.sqlite"
    registry = Registry(path, signing_key=keys.registry.key)
    registry.add_registrar(1, name="Registry", password=PASSWORD, keys=[keys.registry.certificate])
    registry.add_registrar(90, name="First Registrar", password=PASSWORD, keys=[keys.first.certificate])
    registry.add_registrar(91, name="Second Registrar", password=PASSWORD, keys=[keys.second.certificate])
    registry.close()
    return path


@pytest.fixture
def registry(keys: Keys, template: Path, tmp_path: Path) -> Iterator[Registry]:
    path = tmp_path / "registry.sqlite"
    shutil.copy(template, path)
    registry = Registry(path, signing_key=keys.registry.key)
    yield registry
    registry.close()


@pytest.fixture
def sandbox(registry: Registry, keys: Keys, tmp_path: Path) -> Iterator[Sandbox]:
    before = set(threading.enumerate())
    server = RegistryServer(registry, ("127.0.0.1", 0))
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    verifier = Keyring([keys.registry.certificate])
    itself, first, second = clients = [
        Client(server.url, registrar_id, pair.key, verifier)
        for registrar_id, pair in ((1, keys.registry), (90, keys.first), (91, keys.second))
    ]
    yield Sandbox(registry, server, keys, itself, first, second, tmp_path)
    # the clients keep their connections: the server has to end them by itself
    server.shutdown()
    serving.join()
    assert set(threading.enumerate()) == before
    for client in clients:
        client.close()


@pytest.fixture
def first(sandbox: Sandbox) -> Client:
    """Registrar 90."""
    return sandbox.first


@pytest.fixture
def second(sandbox: Sandbox) -> Client:
    """Registrar 91."""
    return sandbox.second


@pytest.fixture
def itself(sandbox: Sandbox) -> Client:
    """The registry as a client of its own."""
    return sandbox.itself
