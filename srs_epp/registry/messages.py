"""The queues of the registrars: what was done for a registrar by others, or made for it by the registry."""

from __future__ import annotations

import sqlite3

from lxml import etree

from srs_epp.srs.values import Element


def post(response: Element, seconds: int, database: sqlite3.Connection) -> None:
    """Put a Response on the queue of its recipient, as it is."""
    database.execute(
        "INSERT INTO messages (recipient, originator, trans_id, moment, response) VALUES (?, ?, ?, ?, ?)",
        (
            int(response.get("RecipientRegistrarId", "")),
            int(response.get("OrigRegistrarId", "")),
            response.get("TransId", ""),
            seconds,
            etree.tostring(response),
        ),
    )
