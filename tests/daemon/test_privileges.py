"""Dropping root's privileges: whom we become, and that there is no way back."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from srs_epp.config import ConfigError
from srs_epp.daemon import privileges
from srs_epp.daemon.privileges import CannotDrop, drop, resolve
from tests.daemon.child import as_nobody, in_child, needs_root

NOBODY = pwd.getpwnam("nobody")
GROUP = grp.getgrgid(NOBODY.pw_gid).gr_name
SPARE = next(number for number in range(54321, 2**16) if number not in {one.pw_uid for one in pwd.getpwall()})


def ids() -> tuple[Any, ...]:
    return os.getresuid(), os.getresgid(), os.getgroups()


def after_drop(user: str | None, group: str | None) -> Any:
    def act() -> Any:
        drop(user, group)
        return ids()

    return in_child(act)


@pytest.mark.parametrize(
    ("user", "group", "found"),
    [
        ("nobody", None, (NOBODY.pw_uid, NOBODY.pw_gid)),
        (str(NOBODY.pw_uid), None, (NOBODY.pw_uid, NOBODY.pw_gid)),
        ("nobody", "daemon", (NOBODY.pw_uid, grp.getgrnam("daemon").gr_gid)),
        ("nobody", "12345", (NOBODY.pw_uid, 12345)),
        (str(SPARE), "12345", (SPARE, 12345)),
        (None, GROUP, (os.geteuid(), NOBODY.pw_gid)),
        (None, None, (os.geteuid(), os.getegid())),
    ],
)
def test_names_and_numbers(user: str | None, group: str | None, found: tuple[int, int]) -> None:
    assert resolve(user, group) == found


@pytest.mark.parametrize(
    ("user", "group", "text"),
    [
        ("no-such-user", None, "option user: 'no-such-user': there is no such user"),
        ("", None, "option user: '': there is no such user"),
        ("no\0body", None, "option user: 'no\\x00body': there is no such user"),
        ("-1", None, "option user: '-1': there is no such user"),
        ("4294967295", "0", "option user: '4294967295': there is no such user"),
        ("nobody", "no-such-group", "option group: 'no-such-group': there is no such group"),
        ("nobody", "4294967295", "option group: '4294967295': there is no such group"),
        (str(SPARE), None, f"option user: '{SPARE}': a user without a name needs the option group"),
    ],
)
def test_the_unknown_are_named(user: str, group: str | None, text: str) -> None:
    before = ids()
    for act in (resolve, drop):
        with pytest.raises(CannotDrop) as caught:
            act(user, group)
        assert str(caught.value) == text

    assert isinstance(caught.value, ConfigError)
    assert caught.value.faults == (text,)
    assert ids() == before


def test_without_a_user_we_stay_what_we_are() -> None:
    assert after_drop(None, None) == ids()


def test_our_own_user_is_nothing_to_do() -> None:
    me, mine = str(os.geteuid()), str(os.getegid())

    assert after_drop(me, mine) == ids()
    assert as_nobody(lambda: drop(str(os.geteuid()), str(os.getegid()))) is None


@needs_root
@pytest.mark.parametrize(
    ("user", "group", "uid", "gid"),
    [
        ("nobody", None, NOBODY.pw_uid, NOBODY.pw_gid),
        ("nobody", "daemon", NOBODY.pw_uid, grp.getgrnam("daemon").gr_gid),
        (str(SPARE), "12345", SPARE, 12345),
        (None, "daemon", 0, grp.getgrnam("daemon").gr_gid),
    ],
)
def test_every_id_changes_and_roots_groups_are_gone(
    user: str | None, group: str | None, uid: int, gid: int
) -> None:
    def act() -> Any:
        os.setgroups([0, 4, 24])
        drop(user, group)
        return ids()

    uids, gids, groups = in_child(act)

    assert uids == (uid,) * 3
    assert gids == (gid,) * 3
    assert set(groups) == {gid}


@needs_root
def test_the_further_groups_of_the_user_come_along(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[str, int]] = []

    def act() -> Any:
        monkeypatch.setattr(os, "initgroups", lambda name, gid: called.append((name, gid)))
        drop("nobody", "daemon")
        return called

    assert in_child(act) == [("nobody", grp.getgrnam("daemon").gr_gid)]


@needs_root
def test_there_is_no_way_back() -> None:
    def act() -> list[str]:
        drop("nobody", None)
        refused = []
        for way_back in (
            lambda: os.setuid(0),
            lambda: os.seteuid(0),
            lambda: os.setresuid(0, 0, 0),
            lambda: os.setgid(0),
            lambda: os.setgroups([0]),
            lambda: Path("/etc/shadow").read_bytes(),
        ):
            try:
                way_back()
            except PermissionError as error:
                refused.append(str(error.strerror))
        return refused

    assert len(in_child(act)) == 6


@needs_root
def test_what_is_open_stays_open(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    secret.chmod(0o600)

    def act() -> bytes:
        with secret.open("rb") as opened:
            drop("nobody", None)
            return opened.read()

    assert in_child(act) == b"s"


@needs_root
def test_who_could_go_back_does_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system call that does half of what it says, as the old setuid bugs did."""

    def act() -> str:
        change = os.setresuid
        monkeypatch.setattr(os, "setresuid", lambda real, effective, _saved: change(real, effective, 0))
        with pytest.raises(CannotDrop) as caught:
            drop("nobody", None)
        return str(caught.value)

    assert in_child(act) == "option user: root's privileges could not be dropped for good"


@needs_root
@pytest.mark.parametrize(
    ("user", "group", "text"),
    [
        ("root", None, "option user: 'root': only root can run as somebody else"),
        (None, "root", "option group: 'root': only root can run as somebody else"),
    ],
)
def test_who_is_not_root_can_become_nobody_else(user: str | None, group: str | None, text: str) -> None:
    def act() -> tuple[str, Any]:
        with pytest.raises(CannotDrop) as caught:
            drop(user, group)
        return str(caught.value), os.getresuid()

    assert as_nobody(act) == (text, (NOBODY.pw_uid,) * 3)


def test_the_way_back_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert privileges._is_open(lambda: None)

    def refuse() -> None:
        raise PermissionError

    assert not privileges._is_open(refuse)
