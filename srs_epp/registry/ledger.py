"""What has been asked and answered: by it a write that comes again is not done again.

ActionIds are the sender's (OrigRegistrarId), whoever the effective registrar is.
"""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass

from lxml import etree

from srs_epp.srs.values import Element


@dataclass(frozen=True, slots=True)
class Kept:
    """An action that was run before: what it was, and the Response it got."""

    content: bytes
    response: bytes


def content(action: Element, effective: int) -> bytes:
    """A hash of the action as parsed, for an effective registrar; the order of attributes does not count.

    A hash, since the action may hold a password.
    """
    canonical = etree.tostring(action, method="c14n", with_tail=False)
    return hashlib.sha256(b"%d\n" % effective + canonical).digest()


def find(sender: int, action_id: str, database: sqlite3.Connection) -> Kept | None:
    """The sender's action of that id."""
    row = database.execute(
        "SELECT content, response FROM actions WHERE registrar_id = ? AND action_id = ?", (sender, action_id)
    ).fetchone()
    return Kept(*row) if row is not None else None


def keep_action(sender: int, action_id: str, fe_seq: int, kept: Kept, database: sqlite3.Connection) -> None:
    """Remember an action; its request must be kept before the transaction ends."""
    database.execute(
        "INSERT INTO actions VALUES (?, ?, ?, ?, ?)", (sender, action_id, fe_seq, kept.content, kept.response)
    )


def is_needed(fe_seq: int, database: sqlite3.Connection) -> bool:
    """Whether an action of the request of that number was kept."""
    [(number,)] = database.execute("SELECT count(*) FROM actions WHERE fe_seq = ?", (fe_seq,))
    return bool(number)


def keep_request(
    fe_seq: int,
    sender: int,
    seconds: int,
    request: tuple[bytes, bytes],
    response: tuple[bytes, bytes],
    database: sqlite3.Connection,
) -> None:
    """Remember a request and the response to it, each a document and its signature."""
    database.execute(
        "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?)", (fe_seq, sender, seconds, *request, *response)
    )


def find_request(
    sender: int, action_id: str, database: sqlite3.Connection
) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]] | None:
    """The request of the sender's action of that id, and the response, each a document and its signature."""
    row = database.execute(
        "SELECT request, request_signature, response, response_signature FROM requests WHERE fe_seq ="
        " (SELECT fe_seq FROM actions WHERE registrar_id = ? AND action_id = ?)",
        (sender, action_id),
    ).fetchone()
    return ((row[0], row[1]), (row[2], row[3])) if row is not None else None
