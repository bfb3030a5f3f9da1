"""MaxResults, SkipResults and CountResults, which most queries know."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from srs_epp.registry.fields import whole_number
from srs_epp.registry.refusals import refusal
from srs_epp.registry.transaction import Answer
from srs_epp.srs.values import Element, attribute, flag

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the result is wanted."""

    skip: int
    limit: int | None
    count_only: bool

    @classmethod
    def read(cls, query: Element) -> Page:
        """SRSError CONFLICTING_RESULTS_PARAMETERS, INVALID_FIELD."""
        skip, limit = attribute(query, "SkipResults"), attribute(query, "MaxResults")
        count_only = flag(query, "CountResults") is True
        if count_only and (skip is not None or limit is not None):
            raise refusal("CONFLICTING_RESULTS_PARAMETERS")
        return cls(
            whole_number(skip, "SkipResults") if skip is not None else 0,
            whole_number(limit, "MaxResults") if limit is not None else None,
            count_only,
        )

    def of(self, found: Iterable[Found], record: Callable[[Found], Element]) -> Answer:
        """The answer that shows this part of what was found, in its order."""
        if self.count_only:
            return Answer(count=sum(1 for _ in found))
        rest = islice(found, self.skip, None)
        shown = [record(one) for one in islice(rest, self.limit)]
        more = self.limit is not None and next(iter(rest), None) is not None
        return Answer(shown, more=more)
