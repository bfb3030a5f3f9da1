"""What the tests of the SRS language share: keys, and the captured samples."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from srs_epp.srs.openpgp import Keyring, SigningKey, generate_key


@dataclass(frozen=True)
class Keys:
    """Of an eppd, of its registry, and of somebody who is neither."""

    client: SigningKey
    client_ring: Keyring
    registry: SigningKey
    registry_ring: Keyring
    stranger: SigningKey


@pytest.fixture(scope="session")
def keys() -> Keys:
    client, client_certificate = generate_key("eppd <eppd@example.nz>")
    registry, registry_certificate = generate_key("Registry <registry@example.nz>")
    stranger, _ = generate_key("Stranger <stranger@example.nz>")
    return Keys(
        SigningKey(client),
        Keyring([client_certificate]),
        SigningKey(registry),
        Keyring([registry_certificate]),
        SigningKey(stranger),
    )


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder with protocol.dtd and the captured responses, which are not part of this project."""
    folder = os.environ.get("SRS_REFERENCE")
    if not folder:
        pytest.skip("SRS_REFERENCE does not name the folder with protocol.dtd and samples/")
    return Path(folder)
