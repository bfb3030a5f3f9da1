"""Log lines: one a message, with the connection's fields, and without secrets."""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from srs_epp.config import ConfigError
from srs_epp.daemon import logs
from srs_epp.daemon.logs import ConnectionLog

ABOUT = {"connection": "c1-2", "peer": "192.0.2.1", "registrar": "100"}
SECRET = '<pw>hunter2!</pw> UDAI="Hk7mNp2Q"'


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Put logging back as pytest has set it up."""
    root = logging.getLogger()
    handlers, level, raising = list(root.handlers), root.level, logging.raiseExceptions
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:], logging.raiseExceptions = handlers, raising
    root.setLevel(level)


def say_all() -> None:
    log = ConnectionLog("eppd.test", dict(ABOUT))
    log.info("hello\r\n2026-01-01 forged")
    log.debug("too little to be said")
    log.warning("secret: %s", SECRET)
    try:
        raise ValueError(f"with\nlines and {SECRET}")
    except ValueError:
        log.exception("a fault")
    logging.getLogger("eppd.other").info("no connection's")


def test_text_is_one_line_a_message_and_a_traceback_is_indented(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")

    say_all()

    lines = capsys.readouterr().err.splitlines()
    starts = [line for line in lines if not line.startswith("    ")]
    assert len(starts) == 4
    assert starts[0].endswith("eppd.test: c1-2 192.0.2.1 100 hello\\r\\n2026-01-01 forged")
    assert starts[3].endswith("eppd.other: no connection's")
    assert any("ValueError: with" in line for line in lines)


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json")

    say_all()

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["message"] for line in lines][:1] == ["hello\r\n2026-01-01 forged"]
    assert all(line.items() >= ABOUT.items() for line in lines[:3])
    assert not ABOUT.keys() & lines[3].keys()
    assert [line["level"] for line in lines] == ["INFO", "WARNING", "ERROR", "INFO"]
    assert "ValueError: with" in lines[2]["exception"]
    assert lines[0]["time"].endswith("Z")


@pytest.mark.parametrize("style", ["text", "json"])
def test_no_secret_is_written(capsys: pytest.CaptureFixture[str], style: str) -> None:
    logs.configure("DEBUG", style)

    say_all()

    written = capsys.readouterr().err
    assert "a fault" in written
    assert "hunter2!" not in written
    assert "Hk7mNp2Q" not in written


# what a terminal obeys (C0, DEL, C1), what some readers take for the end of a line, and what turns text round
CONTROLS = "\x00\x07\x08\x0b\x0c\x1b\x7f\x85\x9b\u2028\u2029\u202e\u2066"


@pytest.mark.parametrize("style", ["text", "json"])
def test_nothing_that_a_client_sent_moves_the_terminal(
    capsys: pytest.CaptureFixture[str], style: str
) -> None:
    logs.configure("INFO", style)
    log = ConnectionLog("eppd.test", dict(ABOUT))

    log.info("certificate of %s\tēpp", f"a{CONTROLS}[2Jb")
    try:
        raise ValueError(f"a{CONTROLS}[2Jb")
    except ValueError:
        log.exception("a fault")

    written = capsys.readouterr().err
    assert not set(CONTROLS) & set(written)
    assert written.count(r"\u202e\u2066[2Jb") == 2
    if style == "text":
        assert r"a\x00\x07\x08\x0b\x0c\x1b\x7f\x85\x9b\u2028\u2029\u202e\u2066[2Jb" + "\tēpp\n" in written


def test_a_secret_with_a_line_break_before_its_sign_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")

    logging.getLogger("eppd.test").info("secret: %s", 'UDAI\n = "Hk7mNp2Q"')

    assert capsys.readouterr().err.endswith('secret: UDAI\\n = "***"\n')


def test_a_new_file_is_for_us_and_our_group(tmp_path: Path) -> None:
    path = tmp_path / "eppd.log"
    umask = os.umask(0)
    try:
        logs.configure("INFO", "text", str(path))
        logging.getLogger("eppd.test").info("before")
        path.rename(tmp_path / "eppd.log.1")
        logging.getLogger("eppd.test").info("after")
    finally:
        os.umask(umask)

    assert [stat.S_IMODE(one.stat().st_mode) for one in sorted(tmp_path.iterdir())] == [0o640, 0o640]


def test_a_file_that_is_renamed_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "eppd.log"
    logs.configure("INFO", "text", str(path))
    log = logging.getLogger("eppd.test")

    log.info("before")
    path.rename(tmp_path / "eppd.log.1")
    log.info("after")

    assert "before" in (tmp_path / "eppd.log.1").read_text()
    assert "after" in path.read_text()
    assert "before" not in path.read_text()


def test_a_target_that_cannot_be_written_is_named() -> None:
    with pytest.raises(
        ConfigError, match=r"option log-target: /nowhere/eppd\.log: No such file or directory"
    ):
        logs.configure("INFO", "text", "/nowhere/eppd.log")


def test_syslog_without_a_syslog_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(logs, "SYSLOG_SOCKET", str(tmp_path / "none"))

    with pytest.raises(ConfigError, match=r"option log-target: .*/none: "):
        logs.configure("INFO", "text", "syslog")
