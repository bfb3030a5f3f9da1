"""Signatures: whose, over what, how strong, and what is told of a failure."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pysequoia
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysequoia import Cert, Sig, SignatureMode, Tsk

from srs_epp.srs.openpgp import (
    Keyring,
    KeyUnusable,
    SignatureUnreadable,
    SignatureWrong,
    SigningKey,
    generate_key,
)
from tests.srs.conftest import Keys

FOLDER = Path(__file__).parent / "openpgp"
TEXT = b'<NZSRSResponse VerMajor="5" VerMinor="0"/>\r\nno line the same  \n'
"""What the stored signatures are over."""

DATA = b"<NZSRSRequest/>"


def stored(name: str) -> str:
    return (FOLDER / f"{name}.asc").read_text()


@pytest.fixture(scope="module")
def stored_ring() -> Keyring:
    return Keyring([stored("registry")])


# --- sign and verify


@pytest.mark.parametrize("data", [b"", b"x", DATA, b"a\r\nb\nc\r", bytes(range(256)), b"\0" * 1_000_000])
def test_a_signature_is_of_its_key_over_exactly_these_octets(keys: Keys, data: bytes) -> None:
    signature = keys.client.sign(data).encode()

    keys.client_ring.verify(data, signature)
    for other in (data + b"\n", data + b" ", b"\xef\xbb\xbf" + data, data.replace(b"a", b"A") + b"?"):
        with pytest.raises(SignatureWrong):
            keys.client_ring.verify(other, signature)


def test_line_breaks_are_part_of_what_is_signed(keys: Keys) -> None:
    signature = keys.client.sign(b"a\nb").encode()
    with pytest.raises(SignatureWrong):
        keys.client_ring.verify(b"a\r\nb", signature)


def test_a_signature_is_armoured_and_detached(keys: Keys) -> None:
    signature = keys.client.sign(DATA)

    assert signature.startswith("-----BEGIN PGP SIGNATURE-----\n")
    assert signature.rstrip().endswith("-----END PGP SIGNATURE-----")
    assert signature.isascii()
    assert DATA.decode() not in signature


def test_a_signature_of_another_key_is_wrong(keys: Keys) -> None:
    with pytest.raises(SignatureWrong):
        keys.client_ring.verify(DATA, keys.stranger.sign(DATA).encode())


def test_without_any_certificate_every_signature_is_wrong(keys: Keys) -> None:
    with pytest.raises(SignatureWrong):
        Keyring([]).verify(DATA, keys.client.sign(DATA).encode())


def test_a_signature_may_be_wrapped_in_what_http_does_to_lines(keys: Keys) -> None:
    signature = keys.client.sign(DATA).replace("\n", "\r\n")
    keys.client_ring.verify(DATA, f"\r\n{signature}\r\n".encode())


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("headers", [[], ["Version: GnuPG v2"], ["Comment: a: b", "Hash: SHA512"]])
@pytest.mark.parametrize("checksum", ["=AAAA", ""], ids=["a checksum, even a wrong one", "no checksum"])
def test_armour_may_have_headers_and_a_checksum_that_nobody_needs(
    keys: Keys, ends: str, headers: list[str], checksum: str
) -> None:
    lines = keys.client.sign(DATA).strip().splitlines()
    body = lines[2:-2]
    armour = ends.join([lines[0], *headers, "", *body, *([checksum] if checksum else []), lines[-1], ""])

    keys.client_ring.verify(DATA, armour.encode())
    with pytest.raises(SignatureWrong):
        keys.client_ring.verify(DATA + b"\n", armour.encode())


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[0], "", *lines[3:]],
        lambda lines: [*lines[:3], "!" + lines[3], *lines[4:]],
        lambda lines: [*lines[:3], *lines[5:]],
        lambda lines: lines[:-1],
        lambda lines: lines[1:],
        lambda lines: [lines[0], "", *lines[-2:]],
        lambda lines: [lines[0], "", lines[-1]],
    ],
    ids=["a line less", "no base64", "two lines less", "no end", "no beginning", "checksum alone", "empty"],
)
def test_what_is_not_a_whole_signature_in_armour_is_none(
    keys: Keys, change: Callable[[list[str]], list[str]]
) -> None:
    lines = keys.client.sign(DATA).strip().splitlines()

    with pytest.raises((SignatureUnreadable, SignatureWrong)):
        keys.client_ring.verify(DATA, "\n".join(change(lines)).encode())


@pytest.fixture(scope="module")
def pairs() -> list[tuple[str, str]]:
    """Secret keys and certificates of three registries."""
    return [generate_key(f"Registry {n} <r{n}@example.nz>") for n in range(3)]


@pytest.mark.parametrize(
    "arrange",
    [
        lambda texts: texts,
        lambda texts: ["".join(texts)],
        lambda texts: ["\n\n".join(texts) + "\n"],
        lambda texts: ["first\n" + "between\n".join(texts)],
        lambda texts: ["".join(texts).replace("\n", "\r\n")],
        lambda texts: [texts[0] + texts[1], texts[2]],
        lambda texts: [texts[0] * 2, texts[1], texts[1] + texts[2]],
    ],
    ids=["a text each", "in one text", "blank lines", "comments", "CRLF", "two and one", "some twice"],
)
def test_any_of_several_keys_may_have_signed(
    pairs: list[tuple[str, str]], arrange: Callable[[list[str]], list[str]], keys: Keys
) -> None:
    ring = Keyring(arrange([certificate for _, certificate in pairs]))

    for secret, _ in pairs:
        ring.verify(DATA, SigningKey(secret).sign(DATA).encode())
    with pytest.raises(SignatureWrong):
        ring.verify(DATA, keys.stranger.sign(DATA).encode())


def test_several_certificates_in_one_block_are_all_read(pairs: list[tuple[str, str]]) -> None:
    octets = b"".join(bytes(Cert.from_bytes(certificate.encode())) for _, certificate in pairs)
    block = pysequoia.armor(octets, pysequoia.ArmorKind.PublicKey)
    ring = Keyring([block if isinstance(block, str) else bytes(block).decode()])

    for secret, _ in pairs:
        ring.verify(DATA, SigningKey(secret).sign(DATA).encode())


def test_eight_threads_sign_and_verify_with_the_same_keys(keys: Keys) -> None:
    def work(number: int) -> bool:
        for turn in range(25):
            data = b"%d %d" % (number, turn)
            signature = keys.client.sign(data).encode()
            keys.client_ring.verify(data, signature)
            with pytest.raises(SignatureWrong):
                keys.client_ring.verify(data + b"!", signature)
        return True

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(8)))


# --- files


def test_keys_are_read_from_files(tmp_path: Path) -> None:
    secret, certificate = generate_key("A <a@example.nz>")
    secret_file, certificate_file = tmp_path / "secret.asc", tmp_path / "certificate.asc"
    secret_file.write_text(secret)
    certificate_file.write_text(certificate)

    signature = SigningKey.from_file(secret_file).sign(DATA)
    Keyring.from_files([certificate_file]).verify(DATA, signature.encode())


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SigningKey.from_file(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        Keyring.from_files([tmp_path / "none"])


def test_a_file_that_is_not_armoured_is_unusable(tmp_path: Path) -> None:
    secret, certificate = generate_key("A <a@example.nz>")
    secret_file, certificate_file = tmp_path / "secret", tmp_path / "certificate"
    secret_file.write_bytes(bytes(Tsk.from_bytes(secret.encode())))
    certificate_file.write_bytes(bytes(Cert.from_bytes(certificate.encode())))

    with pytest.raises(KeyUnusable, match="armoured"):
        SigningKey.from_file(secret_file)
    with pytest.raises(KeyUnusable, match="armoured"):
        Keyring.from_files([certificate_file])


# --- keys that can't be used


def test_a_certificate_is_no_signing_key() -> None:
    _, certificate = generate_key("A <a@example.nz>")
    with pytest.raises(KeyUnusable):
        SigningKey(certificate)


def test_a_secret_key_is_no_certificate() -> None:
    secret, _ = generate_key("A <a@example.nz>")
    with pytest.raises(KeyUnusable):
        Keyring([secret])


DAMAGED = [
    "",
    "no key",
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n",
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!!!!\n-----END PGP PUBLIC KEY BLOCK-----\n",
    "-----END PGP PUBLIC KEY BLOCK-----",
    stored("registry")[:200],
    stored("registry").replace("-----END PGP PUBLIC KEY BLOCK-----", ""),
    stored("signed-SHA256"),
]


@pytest.mark.parametrize("text", DAMAGED)
def test_what_holds_no_key_is_unusable(text: str) -> None:
    with pytest.raises(KeyUnusable):
        Keyring([text])
    with pytest.raises(KeyUnusable):
        SigningKey(text)


def test_one_damaged_text_among_good_ones_is_said() -> None:
    with pytest.raises(KeyUnusable):
        Keyring([stored("registry"), "no key"])


def test_a_protected_key_signs_once_its_passphrase_is_given() -> None:
    key = SigningKey(stored("protected-secret"), "correct horse")
    Keyring([stored("protected")]).verify(DATA, key.sign(DATA).encode())


@pytest.mark.parametrize("passphrase", [None, "", "wrong horse", "correct horse "])
def test_a_protected_key_is_unusable_without_its_passphrase(passphrase: str | None) -> None:
    with pytest.raises(KeyUnusable) as caught:
        SigningKey(stored("protected-secret"), passphrase)

    assert "horse" not in str(caught.value)


def test_the_passphrase_of_an_open_key_is_a_mistake_that_is_said() -> None:
    secret, _ = generate_key("A <a@example.nz>")
    with pytest.raises(KeyUnusable, match="not encrypted"):
        SigningKey(secret, "correct horse")


# --- signatures that are none, or too weak


def test_a_signature_of_another_program_is_verified(stored_ring: Keyring) -> None:
    stored_ring.verify(TEXT, stored("signed-SHA256").encode())


@pytest.mark.parametrize("digest", ["MD5", "SHA1", "SHA224"])
def test_a_weak_hash_is_refused(stored_ring: Keyring, digest: str) -> None:
    with pytest.raises(SignatureWrong, match="weaker than SHA-256"):
        stored_ring.verify(TEXT, stored(f"signed-{digest}").encode())


@pytest.mark.parametrize("line_break", [b"\n", b"\r\n"])
def test_a_signature_over_text_does_not_mind_the_form_of_line_breaks(
    stored_ring: Keyring, line_break: bytes
) -> None:
    signature = stored("signed-as-text").encode()
    text = TEXT.replace(b"\r\n", b"\n").replace(b"\n", line_break)

    stored_ring.verify(text, signature)
    with pytest.raises(SignatureWrong):
        stored_ring.verify(text.replace(b"5", b"6"), signature)


def test_a_signed_message_is_no_detached_signature(stored_ring: Keyring) -> None:
    with pytest.raises(SignatureUnreadable):
        stored_ring.verify(TEXT, stored("signed-inline").encode())


def test_a_message_in_clear_counts_for_nothing_but_its_signature(stored_ring: Keyring) -> None:
    message = stored("signed-cleartext").encode()
    for data in (b"", b"other", message, TEXT.replace(b"5", b"6")):
        with pytest.raises(SignatureWrong):
            stored_ring.verify(data, message)


def test_our_own_inline_and_clear_messages_do_not_sign_anything_else() -> None:
    secret, certificate = generate_key("A <a@example.nz>")
    ring, signer = Keyring([certificate]), Tsk.from_bytes(secret.encode()).signer()

    with pytest.raises(SignatureUnreadable):
        ring.verify(DATA, pysequoia.sign(signer, DATA, mode=SignatureMode.INLINE))
    with pytest.raises(SignatureWrong):
        ring.verify(b"other", pysequoia.sign(signer, DATA, mode=SignatureMode.CLEAR))


def test_a_signature_without_armour_is_as_good(keys: Keys) -> None:
    binary = bytes(Sig.from_bytes(keys.client.sign(DATA).encode()))

    keys.client_ring.verify(DATA, binary)
    with pytest.raises(SignatureWrong):
        keys.client_ring.verify(DATA + b"!", binary)


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\n",
        b"\0",
        b"\xff" * 1000,
        b"trust me",
        b"-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n",
        b"-----BEGIN PGP SIGNATURE-----",
        b"A" * 5_000_000,
        b"-----BEGIN PGP SIGNATURE-----\n\n" + b"A" * 5_000_000 + b"\n-----END PGP SIGNATURE-----\n",
        stored("registry").encode(),
        stored("protected-secret").encode(),
    ],
    ids=lambda signature: f"{len(signature)} octets",
)
def test_what_is_no_signature_is_unreadable(keys: Keys, signature: bytes) -> None:
    with pytest.raises(SignatureUnreadable):
        keys.client_ring.verify(DATA, signature)


@settings(max_examples=200, deadline=None, database=None)
@given(st.data())
def test_a_damaged_signature_over_another_text_fails_in_no_other_way(data: st.DataObject) -> None:
    signature = bytearray(bytes(Sig.from_bytes(stored("signed-SHA256").encode())))
    place = data.draw(st.integers(0, len(signature) - 1))
    signature[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises((SignatureUnreadable, SignatureWrong)):
        Keyring([stored("registry")]).verify(b"other", bytes(signature))


@settings(max_examples=100, deadline=None, database=None)
@given(st.binary(max_size=200), st.integers(0, 300))
def test_a_signature_cut_or_followed_by_noise_fails_in_no_other_way(noise: bytes, cut: int) -> None:
    signature = stored("signed-SHA256").encode()[:cut] + noise
    with pytest.raises((SignatureUnreadable, SignatureWrong)):
        Keyring([stored("registry")]).verify(b"other", signature)


# --- keys that are no longer good


def test_a_revoked_key_signs_nothing_any_more() -> None:
    signature = stored("signed-by-revoked").encode()

    Keyring([stored("revoked-before")]).verify(TEXT, signature)
    with pytest.raises(SignatureWrong):
        Keyring([stored("revoked")]).verify(TEXT, signature)


def test_an_expired_key_signs_nothing_any_more() -> None:
    secret, certificate = generate_key("A <a@example.nz>")
    past = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=-1)
    expired = Cert.from_bytes(certificate.encode()).set_expiration(
        past, Tsk.from_bytes(secret.encode()).certifier()
    )
    with pytest.raises(SignatureWrong):
        Keyring([str(expired)]).verify(DATA, SigningKey(secret).sign(DATA).encode())


# --- what is told


def failures() -> list[Callable[[], object]]:
    ring = Keyring([stored("registry")])
    secret, certificate = generate_key("Named Person <named@example.nz>")
    return [
        lambda: SigningKey(certificate),
        lambda: SigningKey(secret, "pass phrase"),
        lambda: SigningKey(secret[:300]),
        lambda: SigningKey(stored("protected-secret"), "pass phrase"),
        lambda: Keyring([secret]),
        lambda: Keyring([certificate.replace("\n", "\n!", 5)]),
        lambda: ring.verify(DATA, b"garbage"),
        lambda: ring.verify(DATA, stored("signed-inline").encode()),
        lambda: ring.verify(DATA, stored("signed-SHA256").encode()),
        lambda: ring.verify(DATA, stored("signed-SHA1").encode()),
        lambda: ring.verify(DATA, SigningKey(secret).sign(DATA).encode()),
    ]


@pytest.mark.parametrize("number", range(11))
def test_a_failure_is_told_in_one_line_without_backtrace_or_key(number: int) -> None:
    with pytest.raises((KeyUnusable, SignatureUnreadable, SignatureWrong)) as caught:
        failures()[number]()

    told = str(caught.value)
    assert 10 < len(told) < 200
    assert "\n" not in told
    assert "backtrace" not in told.lower()
    assert "pass phrase" not in told
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    secret_lines = [line for line in stored("protected-secret").splitlines()[2:-1] if len(line) > 10]
    assert not any(line in told for line in secret_lines)
    assert "BEGIN PGP" not in told


def test_no_backtrace_is_told_where_the_environment_asks_for_one() -> None:
    program = (
        "from srs_epp.srs.openpgp import Keyring, SigningKey, generate_key\n"
        "ring = Keyring([generate_key('A <a@example.nz>')[1]])\n"
        "for attempt in (lambda: SigningKey('x'), lambda: ring.verify(b'', b'x')):\n"
        "    try: attempt()\n"
        "    except ValueError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"RUST_BACKTRACE": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == ""


def test_keys_do_not_show_themselves() -> None:
    secret, certificate = generate_key("Named Person <named@example.nz>")
    body = secret.splitlines()[-4]
    assert len(body) == 64
    assert body not in repr(SigningKey(secret))
    assert body not in repr(vars(SigningKey(secret)))
    assert "BEGIN" not in repr(Keyring([certificate]))
