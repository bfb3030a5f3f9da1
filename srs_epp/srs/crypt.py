"""crypt(3) password hashes (``$5$``, ``$6$``, ``$y$`` ...), as in EPPAuth/@Password.

By the system's libcrypt through ctypes: Python 3.13 has no crypt module, and its stand-ins need a compiler or
refuse salts that the registry has in use, such as ``$5$@%z675Kt$``.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hmac
import secrets
import string
from collections.abc import Callable
from typing import cast

from srs_epp.baton import BATON

_SALT = string.ascii_letters + string.digits + "./"
# sizeof(struct crypt_data) of libxcrypt, and of glibc's older libcrypt with room to spare
_DATA_SIZE = 256 * 1024


class CryptUnavailable(OSError):
    """The system has no libcrypt with crypt_rn."""


def _load() -> Callable[[bytes, bytes, object, int], bytes | None]:
    for name in ("libcrypt.so.1", "libcrypt.so.2", ctypes.util.find_library("crypt")):
        if not name:
            continue
        try:
            library = ctypes.CDLL(name, use_errno=True)
            function = getattr(library, "crypt_rn", None)
        except OSError:
            continue
        if function is not None:
            function.restype = ctypes.c_char_p
            function.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
            return cast("Callable[[bytes, bytes, object, int], bytes | None]", function)
    raise CryptUnavailable("no libcrypt with crypt_rn found on this system")


_crypt_rn = _load()


def hash_password(password: str, setting: str | None = None) -> str:
    """The crypt(3) hash of ``password``, with ``setting`` (method and salt) or a new ``$5$`` salt.

    ValueError where libcrypt can't use the setting, or the password holds a NUL.
    """
    setting = setting or "$5$" + "".join(secrets.choice(_SALT) for _ in range(16))
    phrase = password.encode()
    if b"\0" in phrase:
        raise ValueError("a password can't hold a NUL character")
    data = ctypes.create_string_buffer(_DATA_SIZE)
    with BATON.laid_down:
        made = _crypt_rn(phrase, setting.encode(), data, _DATA_SIZE)
    # libcrypt answers NULL, or a token that starts with '*', where it can't
    if made is None or made.startswith(b"*"):
        raise ValueError("libcrypt can't use this setting")
    return made.decode()


def verify_password(password: str, hashed: str) -> bool:
    """Whether ``hashed`` (a whole crypt(3) hash) is that of ``password``; compared in constant time."""
    try:
        again = hash_password(password, hashed or "*")
    except ValueError:
        return False
    return hmac.compare_digest(again.encode(), hashed.encode())
