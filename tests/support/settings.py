"""A Config for tests, of defaults."""

from __future__ import annotations

from srs_epp.config import Config, make_config


def config(**changes: object) -> Config:
    """The defaults with these changes, as text or numbers: ``config(max_queue=5)``."""
    texts: dict[str, object] = {
        "server_name": "eppd.example.nz",
        "tls_certificate": "cert.pem",
        "tls_private_key": "key.pem",
        "backend": "https://registry.example.nz/srs",
        "pgp_signing_key": "proxy.asc",
        "backend_unsigned": "true",
        "recovery_timeout": "0",  # one question, no waiting
    }
    return make_config(texts | {name: str(value) for name, value in changes.items()})
