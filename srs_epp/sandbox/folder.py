"""The sandbox's folder: made on first use, used again after, forgotten on demand."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from srs_epp.registry import Registry
from srs_epp.registry.store import StoreTooNew
from srs_epp.sandbox import certificates
from srs_epp.sandbox.certificates import Authority
from srs_epp.srs.openpgp import KeyUnusable, SigningKey, generate_key

DEFAULT_REGISTRARS = (100, 101)
LOOPBACK = ("127.0.0.0/8", "::1/128")
SERVER_NAMES = ("localhost", "127.0.0.1", "::1")
# what a sandbox makes in its folder, with what it leaves where it is killed while it writes
_OURS = re.compile(
    r"\.?(?:(?:ca|server|registrar-\d+)\.(?:pem|key)|(?:proxy|registry)\.(?:key|asc)|"
    r"registry\.sqlite(?:-wal|-shm|-journal)?|sandbox\.json)(?:\.new)?"
)
_PASSWORD_OCTETS = 9  # makes twelve characters; EPP passwords have 6 to 16


# how a folder shows that it can't be used
_UNUSABLE = (OSError, sqlite3.Error, StoreTooNew, KeyUnusable)


class SandboxError(Exception):
    """The sandbox can't start; the text says why."""


@dataclass(frozen=True, slots=True)
class Registrar:
    """A registrar of the sandbox, as a client needs it."""

    id: int
    password: str = field(repr=False)
    certificate: Path
    key: Path

    @property
    def name(self) -> str:
        """The name in its certificate, which is on the registry's list."""
        return f"registrar-{self.id}.sandbox.example"


class Folder:
    """What the sandbox keeps in its folder. One sandbox at a time uses it."""

    def __init__(self, path: Path) -> None:
        """Make the folder if it is missing, and lock it. SandboxError."""
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SandboxError(f"option data: {path}: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise SandboxError(f"option data: {path}: another sandbox is using it") from None

    def file(self, name: str) -> Path:
        """The file of that name in the folder, as an absolute path."""
        return self.path.absolute() / name

    def forget(self) -> None:
        """Remove everything that a sandbox has made here, and nothing else."""
        try:
            for path in list(self.path.iterdir()):
                if _OURS.fullmatch(path.name):
                    path.unlink()
        except OSError as error:
            raise self._failure(error) from None

    def prepare(self, passwords: Mapping[int, str]) -> list[Registrar]:
        """Make what is missing; the registrars. SandboxError.

        ``passwords``: those given, others are generated.
        """
        try:
            return self._prepare(passwords)
        except _UNUSABLE as error:
            raise self._failure(error) from None

    def _prepare(self, passwords: Mapping[int, str]) -> list[Registrar]:
        authority = self._authority()
        self._certify(authority, "server", "eppd sandbox", SERVER_NAMES, server=True)
        for name in ("proxy", "registry"):
            if not self.file(f"{name}.key").exists():
                secret, public = generate_key(f"eppd sandbox {name} <{name}@sandbox.example>")
                self.file(f"{name}.asc").write_text(public, "ascii")
                self._write_secret(f"{name}.key", secret.encode("ascii"))
        known = self._known_passwords()
        wanted = dict.fromkeys(DEFAULT_REGISTRARS, "") | known | dict(passwords)
        registrars = [
            Registrar(
                number,
                password or secrets.token_urlsafe(_PASSWORD_OCTETS),
                self.file(f"registrar-{number}.pem"),
                self.file(f"registrar-{number}.key"),
            )
            for number, password in sorted(wanted.items())
        ]
        for registrar in registrars:
            stem = registrar.certificate.stem
            self._certify(authority, stem, registrar.name, [registrar.name], server=False)
        new = [one for one in registrars if known.get(one.id) != one.password]
        self._register(new)
        return registrars

    def describe(self, **facts: Any) -> None:
        """Write sandbox.json, at once or not at all. SandboxError."""
        text = json.dumps(facts, indent=2, default=str) + "\n"
        try:
            self._write_secret("sandbox.json", text.encode())
        except OSError as error:
            raise self._failure(error) from None

    def registry(self) -> Registry:
        """The registry over the folder's database; for one process, and closed by it."""
        return _registry(self.path.absolute())

    def _failure(self, error: Exception) -> SandboxError:
        return _failure(self.path, error)

    def _authority(self) -> Authority:
        certificate, key = self.file("ca.pem"), self.file("ca.key")
        with suppress(OSError, ValueError):
            return Authority.load(certificate, key)
        authority = Authority.create("eppd sandbox CA")
        self._write_secret("ca.key", certificates.key_pem(authority.key))
        certificate.write_bytes(certificates.certificate_pem(authority.certificate))
        for leaf in (self.file("server.pem"), *self.path.glob("registrar-*.pem")):
            leaf.unlink(missing_ok=True)
        return authority

    def _certify(
        self, authority: Authority, stem: str, name: str, alternatives: Any, *, server: bool
    ) -> None:
        path = self.file(f"{stem}.pem")
        with suppress(OSError, ValueError):
            if self.file(f"{stem}.key").exists() and not certificates.ends_soon(path):
                return
        certificate, key = authority.certify(name, alternatives, server=server)
        self._write_secret(f"{stem}.key", key)
        path.write_bytes(certificate)

    def _register(self, registrars: list[Registrar]) -> None:
        registry = self.registry()
        try:
            for registrar in registrars:
                registry.add_registrar(
                    registrar.id,
                    name=f"Registrar {registrar.id}",
                    password=registrar.password,
                    keys=[self.file("proxy.asc").read_text("ascii")],
                )
                for network in LOOPBACK:
                    registry.allow_address(registrar.id, network)
                registry.allow_certificate(registrar.id, registrar.name)
        finally:
            registry.close()

    def _known_passwords(self) -> dict[int, str]:
        """Those of earlier uses; none where the registry's database is new."""
        if not self.file("registry.sqlite").exists():
            return {}
        try:
            described = json.loads(self.file("sandbox.json").read_text())
            return {int(one["id"]): str(one["password"]) for one in described["registrars"]}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _write_secret(self, name: str, content: bytes) -> None:
        path = self.file(name)
        new = path.with_name(f".{name}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        new.replace(path)


def move_clock(folder: Path, distance: timedelta) -> datetime:
    """Move the clock of the registry in ``folder``, also while a sandbox runs there; what it shows then.

    SandboxError where there is none.
    """
    if not (folder / "registry.sqlite").exists():
        raise SandboxError(f"option data: {folder}: there is no sandbox in it")
    try:
        registry = _registry(folder)
        try:
            registry.clock.move(distance)
            return registry.clock.now()
        finally:
            registry.close()
    except _UNUSABLE as error:
        raise _failure(folder, error) from None


def _failure(folder: Path, error: Exception) -> SandboxError:
    if isinstance(error, OSError) and error.strerror:
        where = f"{Path(os.fsdecode(error.filename)).name}: " if error.filename else ""
        return SandboxError(f"option data: {folder}: {where}{error.strerror}")
    return SandboxError(f"option data: {folder}: {error}")


def _registry(folder: Path) -> Registry:
    return Registry(folder / "registry.sqlite", signing_key=SigningKey.from_file(folder / "registry.key"))
