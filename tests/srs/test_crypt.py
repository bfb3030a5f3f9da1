"""Password hashes, against vectors that other programs made."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from srs_epp.srs.crypt import hash_password, verify_password

VECTORS = {
    # openssl passwd -5 or -6 -salt SALT
    "sha256": ("correct horse", "$5$abcdefgh$ruMep1ijHnJPZbETDNiumskxcX3kN4lzZd5VlsqE7eB"),
    "sha512": (
        "correct horse",
        "$6$0123456789abcdef$lDHzA5IdO41viXIs6llkDKq4Uh2VG9JXIYJ.taq2zlNFqBnKQ0/fOUW0Zoz49ZnOpe2ACY.PoF6wosL.jL3Af0",
    ),
    "a salt of one character": (
        "x",
        "$6$s$SBlV1TrR7m/.1RRLMAAvh/x6acOyBKfXVqXOixcaFNbUhqE84RFnq6y5mvfWTW8EA6yIr1RuWU8IRsKA/9jfE.",
    ),
    "an odd salt": ("secret", "$5$@%z675Kt$5vc893yZ89ETAkjIgmjxUBGvMVQpNX2jAmrSJs1clqB"),
    "beyond ASCII": ("Māori käse", "$5$rounds$Tk2WYH9alhSiXw.2Y2hw9xtFHMR2cyWxCkBGt5fUx5C"),
    "a salt of many letters": ("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    # the specification of SHA-crypt
    "sha256, rounds": (
        "Hello world!",
        "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
    ),
    # mkpasswd -m yescrypt
    "yescrypt": (
        "correct horse",
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$zwtVrjrUCmXcyLTs6oxLTQlzifSUkF8RHJ./tK5KU79",
    ),
    # the test vectors of crypt_blowfish
    "bcrypt": ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_hash_of_another_program_verifies_its_password_alone(name: str) -> None:
    password, hashed = VECTORS[name]

    assert verify_password(password, hashed)
    for wrong in ("", password + " ", password[:-1], password.swapcase(), hashed, "wrong"):
        assert not verify_password(wrong, hashed)


@pytest.mark.parametrize("name", VECTORS)
def test_a_hash_can_be_made_again_from_its_setting(name: str) -> None:
    password, hashed = VECTORS[name]

    assert hash_password(password, hashed) == hashed
    if not name.startswith("bcrypt"):
        assert hash_password(password, hashed.rpartition("$")[0] + "$") == hashed


@pytest.mark.parametrize("name", VECTORS)
def test_a_hash_with_one_character_changed_or_missing_verifies_nothing(name: str) -> None:
    password, hashed = VECTORS[name]

    last = "A" if hashed[-1] != "A" else "B"
    assert not verify_password(password, hashed[:-1] + last)
    assert not verify_password(password, hashed[:-1])
    assert not verify_password(password, hashed + "x")
    assert not verify_password(password, hashed.rpartition("$")[0] + "$")


@pytest.mark.parametrize(
    "hashed",
    [
        "",
        "*",
        "!",
        "*0",
        "*1",
        "x",
        "plain text",
        "$",
        "$5",
        "$5$",
        "$5$$",
        "$5$abcdefgh",
        "$99$abcdefgh$xxx",
        "$5$rounds=abc$salt$xxx",
        "$5$a:b$xxx",
        "$5$a\nb$xxx",
        "$5$abcdefgh$\0",
        "\0",
        "$5$abcdefgh$ruMep1ijHnJPZbETDNiumskxcX3kN4lzZd5VlsqE7eB\0",
        "$5$abcdefgh$ruMep1ijHnJPZbETDNiumskxcX3kN4lzZd5VlsqE7eB\n",
        "$5$abcdefgh$ruMep1ijHnJPZbETDNiumskxcX3kN4lzZd5VlsqE7eB\0$5$",
        "!$5$abcdefgh$ruMep1ijHnJPZbETDNiumskxcX3kN4lzZd5VlsqE7eB",
        "ā",
        "\udcff",
        "$5$" + "x" * 100_000,
    ],
)
def test_what_is_no_hash_verifies_nothing(hashed: str) -> None:
    for password in ("correct horse", "", hashed, "*", "*0", "*1"):
        assert not verify_password(password, hashed)


@pytest.mark.parametrize("password", ["a\0b", "\0", "correct horse\0", "correct horse\0x"])
def test_a_password_with_a_nul_is_never_right(password: str) -> None:
    assert not verify_password(password, VECTORS["sha256"][1])
    with pytest.raises(ValueError, match="NUL"):
        hash_password(password)


def test_a_password_that_is_no_text_is_never_right() -> None:
    assert not verify_password("\udcff", VECTORS["sha256"][1])


@pytest.mark.parametrize("setting", ["*", "$99$abc", "$5", "plain text", "$y$"])
def test_a_setting_that_libcrypt_cannot_use_is_a_value_error(setting: str) -> None:
    with pytest.raises(ValueError, match="libcrypt"):
        hash_password("x", setting)


def test_a_new_hash_is_sha256_with_a_salt_of_its_own() -> None:
    first, second = hash_password("correct horse"), hash_password("correct horse")

    for hashed in (first, second):
        method, salt, digest = hashed.split("$")[1:]
        assert method == "5"
        assert len(salt) == 16
        assert len(digest) == 43
        assert verify_password("correct horse", hashed)
    assert first != second


@settings(max_examples=60, deadline=None, database=None)
@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=64))
@example("")
@example("a" * 256)
@example("$5$abcdefgh$ruMep1ijHnJPZbETDNiumskxcX3kN4lzZd5VlsqE7eB")
@example(" with blanks ")
def test_any_password_verifies_against_its_own_hash(password: str) -> None:
    hashed = hash_password(password, "$5$rounds=1000$@%z675Kt$")

    assert verify_password(password, hashed)
    assert not verify_password(password + "x", hashed)


@settings(max_examples=100, deadline=None, database=None)
@given(st.text(max_size=40))
def test_whatever_stands_for_a_hash_fails_quietly(hashed: str) -> None:
    assert not verify_password("correct horse", hashed)


def test_eight_threads_do_not_disturb_each_other() -> None:
    cases = [VECTORS[name] for name in ("sha256", "sha512", "an odd salt", "beyond ASCII")] * 12

    def check(case: tuple[str, str]) -> bool:
        password, hashed = case
        return verify_password(password, hashed) and not verify_password(password + "x", hashed)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(check, cases))
