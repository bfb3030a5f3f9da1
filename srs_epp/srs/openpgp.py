"""OpenPGP detached signatures (RFC 9580) over SRS messages, made and checked with Sequoia."""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pysequoia
from pysequoia import Cert, Profile, Sig, SignatureMode, Tsk
from pysequoia.packet import HashAlgorithm, SignatureType

# SHA-1 and MD5 collisions are made at will; SHA-224 is no longer than them in what it promises
_STRONG_HASHES = (
    HashAlgorithm.SHA512,
    HashAlgorithm.SHA256,
    HashAlgorithm.SHA384,
    HashAlgorithm.SHA3_256,
    HashAlgorithm.SHA3_512,
)
_OVER_DOCUMENTS = (SignatureType.Binary, SignatureType.Text)


class KeyUnusable(ValueError):
    """The text is no OpenPGP key, or one that can't do what it is asked for."""


class SignatureUnreadable(ValueError):
    """The text is no detached OpenPGP signature."""


class SignatureWrong(ValueError):
    """A signature, but not one of ours over these octets."""


@dataclass(slots=True)
class Remembered:
    """How many signatures this process has found good: Sequoia remembers each, for good, in 55 octets."""

    signatures: int = 0


REMEMBERED = Remembered()


class SigningKey:
    """A secret key, read once, that signs for as many threads as ask."""

    def __init__(self, armoured: str, passphrase: str | None = None) -> None:
        """KeyUnusable where ``armoured`` holds no secret key, or the passphrase does not open it."""
        try:
            secret = Tsk.from_bytes(armoured.encode())
            self._signer = secret.signer(passphrase) if passphrase else secret.signer()
            self.sign(b"")
        except Exception as error:
            raise KeyUnusable(f"no usable OpenPGP signing key: {_first_line(error)}") from None

    @classmethod
    def from_file(cls, path: Path, passphrase: str | None = None) -> SigningKey:
        """OSError where the file can't be read, KeyUnusable where it holds no usable key."""
        return cls(_armoured(path), passphrase)

    def sign(self, data: bytes) -> str:
        """The armoured detached signature over ``data``."""
        return pysequoia.sign(self._signer, data, mode=SignatureMode.DETACHED).decode("ascii")


class Keyring:
    """Certificates (public keys), any of which may have signed."""

    def __init__(self, armoured: Iterable[str]) -> None:
        """Each text may hold several certificates. KeyUnusable where one holds none."""
        self._certificates: list[Cert] = []
        for text in armoured:
            self._certificates += _certificates(text)

    @classmethod
    def from_files(cls, paths: Iterable[Path]) -> Keyring:
        """OSError where a file can't be read, KeyUnusable where it holds no certificate."""
        return cls(_armoured(path) for path in paths)

    def verify(self, data: bytes, signature: bytes) -> None:
        """Return if ``signature`` (armoured) is one of these keys' over exactly ``data``.

        SignatureUnreadable where it is no signature, SignatureWrong where it is not theirs, or has a hash
        weaker than SHA-256.
        """
        try:
            found = Sig.from_bytes(_dearmoured(signature) or signature)
            hash_algorithm, signature_type = found.hash_algorithm, found.signature_type
        except Exception as error:  # also where Sequoia reads a signature, but has no name for its kind
            raise SignatureUnreadable(f"not an OpenPGP signature: {_first_line(error)}") from None
        if hash_algorithm not in _STRONG_HASHES:
            raise SignatureWrong("the signature's hash is weaker than SHA-256")
        if signature_type not in _OVER_DOCUMENTS:
            raise SignatureWrong("the signature is not one over a document")
        try:
            pysequoia.verify(bytes=data, store=self._every_certificate, signature=found)
        except Exception as error:
            raise SignatureWrong(_first_line(error)) from None
        REMEMBERED.signatures += 1  # one that two threads count as one does not matter

    def _every_certificate(self, _key_ids: list[str]) -> list[Cert]:
        return self._certificates


def generate_key(user_id: str) -> tuple[str, str]:
    """A new Ed25519 key for ``user_id`` (``Name <mail@host>``): armoured secret key and certificate."""
    secret = Tsk.generate(user_id=user_id, profile=Profile.RFC4880)
    return str(secret), str(secret.extract_certificate())


def _certificates(armoured: str) -> list[Cert]:
    # an armoured file may hold several blocks, one behind the other; Sequoia reads the first of them only
    end = "-----END PGP PUBLIC KEY BLOCK-----"
    blocks = [block + end for block in armoured.split(end)[:-1]]
    try:
        found = [certificate for block in blocks for certificate in Cert.split_bytes(block.strip().encode())]
    except Exception as error:
        raise KeyUnusable(f"no usable OpenPGP certificate: {_first_line(error)}") from None
    if not found:
        raise KeyUnusable("no armoured OpenPGP certificate in it")
    return found


def _dearmoured(signature: bytes) -> bytes | None:
    """The signature inside its armour, where that is of the plainest kind; None where Sequoia must look.

    Sequoia's reader of armour takes as long as the verification. The checksum is passed over, as RFC 9580
    section 6.1 wants it.
    """
    words = signature.split()
    if words[:3] != _BEGIN or words[-3:] != _END:
        return None
    lines = words[3:-3]
    if lines and len(lines[-1]) == _CHECKSUM_LENGTH and lines[-1].startswith(b"="):
        lines.pop()
    try:
        return a2b_base64(b"".join(lines), strict_mode=True)
    except Base64Error:  # a header among them, say
        return None


_BEGIN = b"-----BEGIN PGP SIGNATURE-----".split()
_END = b"-----END PGP SIGNATURE-----".split()
_CHECKSUM_LENGTH = 5


def _armoured(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except UnicodeDecodeError:
        raise KeyUnusable("not armoured (ASCII) OpenPGP data") from None


def _first_line(error: Exception) -> str:
    """Sequoia's message without its Rust backtrace."""
    return str(error).split("\n", 1)[0].rstrip(".")
