"""SRS time stamps: the attributes Year, Month, Day, Hour, Minute, Second and TimeZoneOffset of an element."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

NEW_ZEALAND = ZoneInfo("Pacific/Auckland")

_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")


def from_attributes(attributes: Mapping[str, str]) -> datetime:
    """The moment that the attributes of a time stamp name, with the offset that they give.

    A missing Second is 0, a missing TimeZoneOffset means New Zealand local time.
    ValueError (KeyError for a missing attribute) where they name no moment.
    """
    return _moment(
        attributes["Year"],
        attributes["Month"],
        attributes["Day"],
        attributes["Hour"],
        attributes["Minute"],
        attributes.get("Second") or "0",
        attributes.get("TimeZoneOffset") or "",
    )


# all results of a response bear one time, and so do those of the next within its second; older ones hardly
# come again, and each that is kept takes 0.7 KiB
@lru_cache(maxsize=64)
def _moment(year: str, month: str, day: str, hour: str, minute: str, second: str, offset: str) -> datetime:
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=_zone(offset)
        )
        moment.astimezone(UTC)  # nobody who takes the moment need fear that it is before the year 1 there
    except OverflowError as error:
        raise ValueError(str(error)) from None
    return moment


@lru_cache(maxsize=64)
def _zone(offset: str) -> timezone | ZoneInfo:
    if not offset:
        return NEW_ZEALAND
    found = _OFFSET.fullmatch(offset.strip())
    if not found:
        raise ValueError(f"TimeZoneOffset {offset!r} is not of the form +HH:MM")
    sign, hours, minutes = found.groups()
    distance = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-distance if sign == "-" else distance)


def to_attributes(moment: datetime) -> dict[str, str]:
    """All seven attributes for a moment (an aware datetime), in New Zealand's time of that day.

    >>> to_attributes(datetime(2019, 3, 5, 9, 7, 2, tzinfo=NEW_ZEALAND))["TimeZoneOffset"]
    '+13:00'
    """
    local = moment.astimezone(NEW_ZEALAND)
    offset = local.strftime("%z")
    return {
        "Year": str(local.year),
        "Month": str(local.month),
        "Day": f"{local.day:02}",
        "Hour": f"{local.hour:02}",
        "Minute": f"{local.minute:02}",
        "Second": f"{local.second:02}",
        "TimeZoneOffset": f"{offset[:3]}:{offset[3:5]}",
    }
