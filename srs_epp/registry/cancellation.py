"""Cancelling a domain, and taking that back."""

from __future__ import annotations

from srs_epp.registry import domains, renewals
from srs_epp.registry.domains import Domain
from srs_epp.registry.months import from_seconds, to_seconds
from srs_epp.registry.refusals import refusal
from srs_epp.registry.transaction import Transaction


def in_registration_grace(domain: Domain, transaction: Transaction) -> bool:
    """Whether the name was registered so short a time ago that it can be given back at once."""
    return transaction.now <= from_seconds(domain.row["registered"]) + transaction.rules.registration_grace


def cancel(domain: Domain, transaction: Transaction) -> None:
    """Cancel an active domain: in its registration's grace period it is gone, later it is PendingRelease.

    SRSError DOUBLE_CANCEL_ATTEMPT.
    """
    if in_registration_grace(domain, transaction):
        _give_back(domain, transaction)
        return
    renewals.take_back(domain, transaction)
    domains.change(domain.domain_id, {"cancelled": transaction.seconds}, transaction.database)


def restore(domain: Domain, transaction: Transaction) -> None:
    """Make a cancelled domain an active one; an active one stays as it is."""
    domains.change(domain.domain_id, {"cancelled": None}, transaction.database)


def _give_back(domain: Domain, transaction: Transaction) -> None:
    database, name, registrar_id = transaction.database, domain.name.text, domain.row["registrar_id"]
    recently = to_seconds(transaction.now - transaction.rules.double_registration)
    if database.execute(
        "SELECT 1 FROM cancelled_in_grace WHERE name = ? AND registrar_id = ? AND moment >= ?",
        (name, registrar_id, recently),
    ).fetchone():
        raise refusal("DOUBLE_CANCEL_ATTEMPT", name)
    database.execute(
        "INSERT OR REPLACE INTO cancelled_in_grace VALUES (?, ?, ?)",
        (name, registrar_id, transaction.seconds),
    )
    domains.remove(domain, transaction.seconds, database)
