"""From root to an ordinary user, for good."""

from __future__ import annotations

import grp
import os
import pwd
import re
from collections.abc import Callable

from srs_epp.config import ConfigError

_MOST = 2**32 - 2  # one more says "leave it" to the system


class CannotDrop(ConfigError):
    """We can't become that user or group; the text names the option and what it says."""

    def __init__(self, text: str) -> None:
        super().__init__([text])


def resolve(user: str | None, group: str | None) -> tuple[int, int]:
    """uid and gid of these names or numbers. CannotDrop.

    Without a user it is us; without a group it is the user's own.
    """
    uid, gid = os.geteuid(), os.getegid()
    if user is not None:
        entry = _entry_of(user)
        uid = entry.pw_uid if entry else _number("user", user)
        if entry:
            gid = entry.pw_gid
        elif group is None:
            raise CannotDrop(f"option user: {user!r}: a user without a name needs the option group")
    if group is not None:
        gid = _group(group)
    return uid, gid


def drop(user: str | None, group: str | None) -> None:
    """Become that user and group, with the user's further groups; nothing where we are. CannotDrop.

    There is no way back. Files and sockets that are open stay open.
    """
    uid, gid = resolve(user, group)
    if (uid,) * 3 == os.getresuid() and (gid,) * 3 == os.getresgid():
        return
    entry = _entry_of(user) if user is not None else None
    try:
        # in this order: whoever is not root any more may change no groups
        if entry:
            os.initgroups(entry.pw_name, gid)
        else:
            os.setgroups([gid])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        what = f"user: {user!r}" if user is not None else f"group: {group!r}"
        reason = "only root can run as somebody else" if os.geteuid() else error.strerror
        raise CannotDrop(f"option {what}: {reason}") from None
    _verify(uid, gid)


def _verify(uid: int, gid: int) -> None:
    done = (uid,) * 3 == os.getresuid() and (gid,) * 3 == os.getresgid()
    ways_back: list[Callable[[], None]] = [lambda: os.setresuid(0, 0, 0), lambda: os.seteuid(0)]
    if gid != 0:
        ways_back.append(lambda: os.setegid(0))
    if not done or (uid != 0 and any(map(_is_open, ways_back))):
        raise CannotDrop("option user: root's privileges could not be dropped for good")


def _is_open(way_back: Callable[[], None]) -> bool:
    try:
        way_back()
    except PermissionError:
        return False
    return True


def _entry_of(user: str) -> pwd.struct_passwd | None:
    """The user's entry; None for a number that has none. CannotDrop for a name that has none."""
    try:
        return pwd.getpwnam(user)
    except (KeyError, ValueError):  # the latter for a NUL in it
        pass
    try:
        return pwd.getpwuid(_number("user", user))
    except KeyError:
        return None


def _group(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid
    except (KeyError, ValueError):
        return _number("group", group)


def _number(option: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > _MOST:
        raise CannotDrop(f"option {option}: {text!r}: there is no such {option}")
    return int(text)
