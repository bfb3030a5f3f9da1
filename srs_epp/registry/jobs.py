"""What the registry does by itself when its time has come: it renews, releases, and clears up.

Nothing waits for these jobs in the background. Before an action is served, all that has come due by then is
done, in the order in which it came due and as of those moments: nobody can tell the difference, also after
the clock was moved far ahead.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NamedTuple

from srs_epp.registry import contacts, domains, messages, records, renewals
from srs_epp.registry.audit import Audit
from srs_epp.registry.months import from_seconds
from srs_epp.registry.registrars import JOBS, REGISTRY
from srs_epp.registry.rules import Rules
from srs_epp.registry.transaction import Transaction
from srs_epp.srs.times import NEW_ZEALAND
from srs_epp.srs.values import Element

FE_ID = 2  # the jobs' own front end, whose numbers they count by themselves


class Job(NamedTuple):
    """``next_row`` finds the row that comes due next, with its moment as ``due``, before any delay."""

    next_row: str
    delay: Callable[[Rules], timedelta]
    do: Callable[[sqlite3.Row, int, Transaction], None]


def _release(row: sqlite3.Row, seconds: int, transaction: Transaction) -> None:
    """ReleaseDomains: a name that was cancelled long ago is available again."""
    domains.remove(domains.get(row["domain_id"], transaction.database), seconds, transaction.database)


def _renew(row: sqlite3.Row, seconds: int, transaction: Transaction) -> None:
    """RenewDomains: a domain that is paid for up to now is renewed."""
    database = transaction.database
    domain = domains.get(row["domain_id"], database)
    # a domain that was restored only after its time had run out is renewed then
    moment = min(max(seconds, domain.row["changed"]), transaction.seconds)
    audit = Audit(moment, REGISTRY, _action_id("RenewDomains", seconds, domain.name.text), "RenewDomains")
    renewals.extend(domain, domain.row["term"], from_seconds(moment), transaction.rules, database)
    domains.change(domain.domain_id, audit.columns(), database)
    record = records.domain(domains.get(domain.domain_id, database), records.FULL)
    _announce("DomainUpdate", domain.row["registrar_id"], audit, record, database)


def _delete_handle(row: sqlite3.Row, seconds: int, transaction: Transaction) -> None:
    """DeleteUnusedHandles: a handle that nothing has named for long is gone."""
    database = transaction.database
    handle = contacts.find(row["contact_id"], database)
    action_id = _action_id("DeleteUnusedHandles", seconds, handle["handle_id"])
    audit = Audit(seconds, JOBS, action_id, "DeleteUnusedHandles")
    contacts.update(handle["contact_id"], contacts.copied(handle), audit, database)
    record = records.handle(contacts.find(handle["contact_id"], database))
    contacts.remove(handle["contact_id"], database)
    _announce("HandleUpdate", handle["registrar_id"], audit, record, database)


def _none(rules: Rules) -> timedelta:
    return timedelta()


_JOBS = (  # of what comes due at the same moment, the first is done first
    Job(
        "SELECT domain_id, cancelled AS due FROM domains WHERE cancelled IS NOT NULL"
        " ORDER BY cancelled, domain_id LIMIT 1",
        lambda rules: rules.pending_release,
        _release,
    ),
    Job(
        "SELECT domain_id, billed_until AS due FROM domains WHERE cancelled IS NULL AND term > 0"
        " ORDER BY billed_until, domain_id LIMIT 1",
        _none,
        _renew,
    ),
    Job(
        "SELECT contact_id, unused AS due FROM contacts WHERE unused IS NOT NULL"
        " ORDER BY unused, contact_id LIMIT 1",
        lambda rules: rules.unused_handle,
        _delete_handle,
    ),
)


class _Due(NamedTuple):
    moment: int
    job: Job
    row: sqlite3.Row


def are_due(transaction: Transaction) -> bool:
    """Whether there is something to be done before the request can be served."""
    return any(due.moment <= transaction.seconds for due in _next_of_each(transaction))


def run(transaction: Transaction) -> None:
    """Do all that is due."""
    while due := min(_next_of_each(transaction), key=lambda one: one.moment, default=None):
        if due.moment > transaction.seconds:
            return
        due.job.do(due.row, due.moment, transaction)


def _next_of_each(transaction: Transaction) -> Iterator[_Due]:
    for job in _JOBS:
        row = transaction.database.execute(job.next_row).fetchone()
        if row is not None:
            delay = job.delay(transaction.rules)
            yield _Due(row["due"] + int(delay.total_seconds()), job, row)


def _action_id(job: str, seconds: int, name: str) -> str:
    return f"{job}-{from_seconds(seconds).astimezone(NEW_ZEALAND):%Y-%m-%d %H:%M:%S}-{name}"


def _announce(
    action: str, recipient: int, audit: Audit, record: Element, database: sqlite3.Connection
) -> None:
    """Tell a registrar by a Response like that to an order of the registry's."""
    [(number,)] = database.execute(
        "UPDATE settings SET value = value + 1 WHERE name = 'job_seq' RETURNING value"
    )
    response = records.response(
        action,
        (FE_ID, number),
        from_seconds(audit.changed),
        (audit.changed_by, recipient),
        audit.action_id,
        [record],
    )
    response.set("Rows", "1")
    messages.post(response, audit.changed, database)
