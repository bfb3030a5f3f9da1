"""A figure as a picture (SVG): for each line a bar from the least to the greatest run, and a dot between."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from xml.sax.saxutils import escape

from bench.rows import Line
from bench.samples import Spread
from bench.table import number

_WIDTH, _LABELS, _MARGIN = 960, 400, 130  # pixels; the margin is for the number behind a bar
_ROW, _HEAD = 22, 46
_EPPD, _BASE, _GOAL, _TEXT, _LINE = "#1f6fb4", "#9a9a9a", "#c0392b", "#222222", "#dddddd"
_LOGARITHMIC = 30.0  # greatest over least, from which the axis is so


def picture(title: str, lines: Sequence[Line]) -> str:
    """The SVG document: a panel for each unit, with an axis of its own."""
    parts: list[str] = []
    top = 34
    for unit in dict.fromkeys(line.row.unit for line in lines):
        panel = [line for line in lines if line.row.unit == unit]
        parts += _panel(unit, panel, top)
        top += _HEAD + _ROW * len(panel)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{top + 10}" '
        f'viewBox="0 0 {_WIDTH} {top + 10}" font-family="sans-serif" font-size="12">\n'
        f'<rect width="100%" height="100%" fill="white"/>\n'
        f"{_words(10, 22, title, weight='bold')}\n{_legend()}\n{body}\n</svg>\n"
    )


def _legend() -> str:
    parts = []
    for at, (colour, text) in enumerate(
        ((_EPPD, "eppd"), (_GOAL, "a goal missed"), (_BASE, "what is beside"))
    ):
        x = _WIDTH - 360 + 120 * at
        parts.append(f'<circle cx="{x}" cy="18" r="3.5" fill="{colour}"/>{_words(x + 8, 22, text)}')
    return "".join(parts)


def _panel(unit: str, lines: Sequence[Line], top: int) -> Iterator[str]:
    place, ticks = _axis([spread for line in lines for spread in (line.value, line.base) if spread])
    bottom = top + _HEAD + _ROW * len(lines)
    yield _words(_LABELS, top + 16, unit, weight="bold")
    for tick in ticks:
        x = place(tick)
        yield f'<path d="M{x:.1f} {top + _HEAD - 8}V{bottom}" stroke="{_LINE}"/>'
        yield _words(x, top + _HEAD - 12, number(tick), anchor="middle", size=10)
    for index, line in enumerate(lines):
        y = top + _HEAD + _ROW * index + _ROW / 2
        yield _words(_LABELS - 10, y + 4, line.row.text, anchor="end")
        if line.base:
            yield _bar(place, line.base, y + 4, _BASE, line.row.base_text)
        colour = _GOAL if line.met is False else _EPPD
        yield _bar(place, line.value, y - 3 if line.base else y, colour, "eppd")
        yield _words(place(_right(line)) + 8, y + 4, _beside(line), size=10)


def _right(line: Line) -> float:
    return max(line.value.most, line.base.most if line.base else 0.0)


def _beside(line: Line) -> str:
    """What is said behind the bar."""
    words = number(line.value.middle)
    if line.ratio:
        words += f" (ratio {number(line.ratio.middle)})"
    return words


def _bar(place: Callable[[float], float], spread: Spread, y: float, colour: str, title: str) -> str:
    left, middle, right = map(place, (spread.least, spread.middle, spread.most))
    return (
        f'<g><title>{escape(title)}</title><path d="M{left:.1f} {y}H{right:.1f}" stroke="{colour}" '
        f'stroke-width="3" stroke-opacity="0.5"/>'
        f'<circle cx="{middle:.1f}" cy="{y}" r="3.5" fill="{colour}"/></g>'
    )


def _words(
    x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal", size: int = 12
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" font-size="{size}" '
        f'fill="{_TEXT}">{escape(text)}</text>'
    )


def _axis(spreads: Sequence[Spread]) -> tuple[Callable[[float], float], list[float]]:
    """Value to pixel, and the values that are marked."""
    least, most = min(one.least for one in spreads), max(one.most for one in spreads)
    span = _WIDTH - _MARGIN - _LABELS
    if 0 < least < most / _LOGARITHMIC:
        low, high = math.floor(math.log10(least)), math.ceil(math.log10(most))

        def place(value: float) -> float:
            return _LABELS + span * (math.log10(max(value, 10**low)) - low) / (high - low)

        return place, [10.0**exponent for exponent in range(low, high + 1)]
    step = _step(most)
    count = math.ceil(most / step)
    return lambda value: _LABELS + span * value / (step * count), [step * one for one in range(count + 1)]


def _step(most: float) -> float:
    """A round number that goes three to eight times into ``most``."""
    power = 10.0 ** math.floor(math.log10(most or 1.0))
    return next(power * part for part in (1, 0.5, 0.25, 0.2) if most / (power * part) >= 3)
