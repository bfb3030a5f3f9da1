"""Reading the values of a request: each reader refuses what is not of its form, by the name of the field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from srs_epp.registry.refusals import refusal
from srs_epp.srs import times
from srs_epp.srs.values import Element, attribute, text_of

MOST_FILTERS = 1000  # of one kind in one query


def required(element: Element, name: str) -> str:
    """The attribute's value. SRSError MISSING_MANDATORY_FIELD where it is missing or empty."""
    value = attribute(element, name)
    if value is None:
        raise refusal("MISSING_MANDATORY_FIELD", name, str(element.tag))
    return value


def whole_number(value: str, name: str, smallest: int = 0) -> int:
    """The number. SRSError INVALID_FIELD where it is none, smaller than ``smallest``, or absurdly long."""
    if value.isascii() and value.isdigit() and len(value) <= 9 and int(value) >= smallest:
        return int(value)
    raise refusal("INVALID_FIELD", value, name)


def filters(element: Element, name: str) -> list[str]:
    """The texts of all filters of one kind. SRSError NUMBER_OF_FILTERS_EXCEEDS_MAX."""
    found = [text_of(child) for child in element.iterchildren(name)]
    if len(found) > MOST_FILTERS:
        raise refusal("NUMBER_OF_FILTERS_EXCEEDS_MAX", str(len(found)), name, str(MOST_FILTERS))
    return found


@dataclass(frozen=True, slots=True)
class DateRange:
    """From one moment to another, both included; None: no bound on that side."""

    start: datetime | None
    end: datetime | None

    @classmethod
    def read(cls, element: Element) -> DateRange:
        """SRSError INVALID_DATE_RANGE where a bound is no moment, or the range ends before it begins."""
        name = str(element.tag)
        start, end = _moment(element.find("From"), name), _moment(element.find("To"), name)
        if start is not None and end is not None and end < start:
            raise refusal("INVALID_DATE_RANGE", name)
        return cls(start, end)

    def holds(self, moment: datetime | None) -> bool:
        """Whether the moment lies in the range; what never happened does not."""
        if moment is None:
            return False
        return (self.start is None or self.start <= moment) and (self.end is None or moment <= self.end)


def _moment(element: Element | None, range_name: str) -> datetime | None:
    if element is None:
        return None
    try:
        moment = times.from_attributes({str(name): str(value) for name, value in element.attrib.items()})
        moment.timestamp()  # the first and the last day of all time lie outside in UTC
    except (ValueError, KeyError, OverflowError):
        raise refusal("INVALID_DATE_RANGE", range_name) from None
    return moment
