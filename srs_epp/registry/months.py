"""Terms are counted in months of New Zealand's calendar, and moments are stored as seconds since 1970."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime

from srs_epp.srs.times import NEW_ZEALAND


def add_months(moment: datetime, months: int) -> datetime:
    """The same day and local time ``months`` later; the last day of the month where it has no such day.

    >>> add_months(datetime(2023, 1, 31, 9, 0, tzinfo=NEW_ZEALAND), 1).astimezone(NEW_ZEALAND).isoformat()
    '2023-02-28T09:00:00+13:00'
    """
    local = moment.astimezone(NEW_ZEALAND)
    years, month = divmod(local.month - 1 + months, 12)
    year, month = local.year + years, month + 1
    day = min(local.day, calendar.monthrange(year, month)[1])
    # by way of UTC: a local time that the change to summer time leaves out becomes the one an hour later
    return local.replace(year=year, month=month, day=day).astimezone(UTC)


def to_seconds(moment: datetime) -> int:
    """As stored: seconds since 1970 in UTC."""
    return int(moment.timestamp())


def from_seconds(seconds: int) -> datetime:
    """From the store to an aware datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
