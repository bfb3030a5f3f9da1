"""Whether a series of readings grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Trend:
    """How a value went over some time."""

    level: float
    per_minute: float
    minutes: float

    @property
    def rise(self) -> float:
        """By how much it grew from the beginning to the end."""
        return self.per_minute * self.minutes

    def within(self, most: float, least_allowed: float) -> bool:
        """Whether it rose by no more than the part ``most`` of its level, or that amount at least."""
        return self.rise <= max(most * self.level, least_allowed)


def trend(points: Sequence[Point]) -> Trend:
    """Of (seconds, value): the median of the slopes between every two points, which no outlier moves."""
    slopes = [
        (value - earlier_value) / (moment - earlier)
        for index, (moment, value) in enumerate(points)
        for earlier, earlier_value in points[:index]
        if moment > earlier
    ]
    if not slopes:
        raise ValueError("no two points in time")
    return Trend(
        median(value for _, value in points), median(slopes) * 60, (points[-1][0] - points[0][0]) / 60
    )
