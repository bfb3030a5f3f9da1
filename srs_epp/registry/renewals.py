"""Terms: how far ahead a domain may be paid for, its renewals, and what a cancel takes back of them."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from srs_epp.registry import domains
from srs_epp.registry.contacts import Values
from srs_epp.registry.domains import Domain
from srs_epp.registry.fields import whole_number
from srs_epp.registry.months import add_months, from_seconds, to_seconds
from srs_epp.registry.refusals import refusal
from srs_epp.registry.rules import Rules
from srs_epp.registry.transaction import Transaction
from srs_epp.srs.times import NEW_ZEALAND

USUAL_TERM = 1  # months of an automatic renewal, unless an update has said otherwise for the next one


def term(text: str, rules: Rules, *, smallest: int = 0) -> int:
    """The number of months. SRSError INVALID_FIELD, TERM_EXCEEDS_MAX."""
    months = whole_number(text, "Term", smallest)
    if months > rules.longest_term:
        raise refusal("TERM_EXCEEDS_MAX", str(rules.longest_term))
    return months


def renew(domain: Domain, months: int | None, transaction: Transaction) -> None:
    """Renew a domain by order. ``months``: as the order gives them.

    SRSError RENEW_REQUIRES_TERM, ZERO_TERM_RENEW, RENEWAL_EXCEEDS_MAX, INSUFFICIENT_TERM_FOR_RENEW.
    """
    name, rules, now = domain.name.text, transaction.rules, transaction.now
    if months is None:
        raise refusal("RENEW_REQUIRES_TERM", name)
    if months == 0:
        raise refusal("ZERO_TERM_RENEW")
    until = add_months(_billed_until(domain), months)
    if until > add_months(now, rules.longest_term):
        expected = until.astimezone(NEW_ZEALAND).strftime("%Y-%m-%d %H:%M:%S")
        raise refusal("RENEWAL_EXCEEDS_MAX", expected, str(rules.longest_term), name)
    if until <= now:
        raise refusal("INSUFFICIENT_TERM_FOR_RENEW", name)
    extend(domain, months, now, rules, transaction.database)


def extend(domain: Domain, months: int, moment: datetime, rules: Rules, database: sqlite3.Connection) -> None:
    """Put BilledUntil forward, and remember for the grace period where it was."""
    before = _billed_until(domain)
    row: Values = {"billed_until": to_seconds(add_months(before, months)), "term": USUAL_TERM}
    domains.change(domain.domain_id, row, database)
    database.execute(
        "DELETE FROM renewals WHERE domain_id = ? AND moment < ?",
        (domain.domain_id, to_seconds(moment - rules.renewal_grace)),
    )
    database.execute(
        "INSERT INTO renewals (domain_id, moment, billed_until) VALUES (?, ?, ?)",
        (domain.domain_id, to_seconds(moment), to_seconds(before)),
    )


def take_back(domain: Domain, transaction: Transaction) -> None:
    """Put BilledUntil back to where it was before the renewals that are in their grace period."""
    first = transaction.database.execute(
        "SELECT billed_until FROM renewals WHERE domain_id = ? AND moment >= ? ORDER BY renewal_id",
        (domain.domain_id, to_seconds(transaction.now - transaction.rules.renewal_grace)),
    ).fetchone()
    if first is not None:
        domains.change(domain.domain_id, {"billed_until": first["billed_until"]}, transaction.database)
    settle(domain, transaction.database)


def settle(domain: Domain, database: sqlite3.Connection) -> None:
    """No renewal up to now can be taken back any more."""
    database.execute("DELETE FROM renewals WHERE domain_id = ?", (domain.domain_id,))


def _billed_until(domain: Domain) -> datetime:
    return from_seconds(domain.row["billed_until"])
