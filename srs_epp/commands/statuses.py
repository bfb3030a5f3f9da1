"""Domain statuses of EPP (RFC 5731 section 2.3, RFC 3915 section 3.1), seen in an SRS record."""

from __future__ import annotations

from datetime import datetime, timedelta

from srs_epp.srs.results import PENDING_RELEASE, Domain

CLIENT_HOLD = "clientHold"

_LOCKED = (
    "serverDeleteProhibited",
    "serverRenewProhibited",
    "serverTransferProhibited",
    "serverUpdateProhibited",
)


def statuses(domain: Domain) -> tuple[str, ...]:
    """The statuses of a domain of which everything is known, "ok" where there is no other."""
    found = _special(domain)
    if not domain.servers:
        found.append("inactive")
    return tuple(found) or ("ok",)


def recorded_statuses(domain: Domain) -> tuple[str, ...]:
    """The statuses that a partial record tells of: none where it says nothing of them, and never inactive."""
    return tuple(_special(domain)) or (("ok",) if domain.status else ())


def _special(domain: Domain) -> list[str]:
    pending = domain.status == PENDING_RELEASE
    found = [CLIENT_HOLD] if domain.delegate is False else []
    if pending:
        found.append("pendingDelete")
    if domain.locked is not None:
        # pendingDelete and serverDeleteProhibited exclude each other
        found += [status for status in _LOCKED if not (pending and status == "serverDeleteProhibited")]
    return found


def rgp_statuses(domain: Domain, now: datetime, grace_period: timedelta) -> tuple[str, ...]:
    """The grace period statuses of a domain at ``now``."""
    if domain.status == PENDING_RELEASE:
        return ("redemptionPeriod",)
    if domain.registered is not None and now - domain.registered <= grace_period:
        return ("addPeriod",)
    return ()
